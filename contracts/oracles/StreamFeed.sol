// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {NO_REPORT, StreamReport} from "../types/StreamReport.sol";
import {IStreamFeed} from "./IStreamFeed.sol";

/// @title StreamFeed
/// @notice Keeps the reports of one stream.
contract StreamFeed is IStreamFeed {
    // solhint-disable-next-line const-name-snakecase
    uint8 public constant decimals = 18;
    // solhint-disable-next-line const-name-snakecase
    uint256 public constant version = 3;

    uint256 private constant PHASE_OFFSET = 64;
    uint256 private constant IN_ORDER = 1;
    uint256 private constant BY_TIME = 2;

    bytes32 public immutable override feedId;
    address public immutable override reports;

    /// @dev The last report that came in order; its number is how many came so.
    StreamReport private _latest;
    mapping(uint256 number => StreamReport) private _inOrder;
    mapping(uint256 observed => StreamReport) private _late;
    /// @dev The seconds in the windows of late reports: bit s & 255 of page s >> 8. Those of the others need no bits, as
    /// their times rise with their numbers.
    mapping(uint256 page => uint256 bits) private _lateSeconds;

    /// @dev Deployed by the contract that verifies its reports.
    constructor(bytes32 feedId_) {
        feedId = feedId_;
        reports = msg.sender;
    }

    // ---------------------------------------------------------------- record

    /// @inheritdoc IStreamFeed
    function record(StreamReport report) external {
        require(msg.sender == reports, OnlyReports(msg.sender));
        StreamReport latest = _latest;
        (uint256 number, bool stored) = _place(report, latest);
        if (stored) return;

        report = report.withNumber(number);
        if (number != 0) {
            _inOrder[number] = report;
            _latest = report;
        } else {
            _late[report.observed()] = report;
            _markLate(report);
        }
        emit ReportStored(_idOf(report), report.answer(), report.validFrom(), report.observed());
    }

    /// @inheritdoc IStreamFeed
    function find(StreamReport report) external view returns (uint80) {
        (uint256 number, bool stored) = _place(report, _latest);
        return stored ? _idOf(report.withNumber(number)) : 0;
    }

    /// @return number Of the report in order, stored or not; 0 for a late one.
    /// @return stored Whether it is.
    function _place(StreamReport report, StreamReport latest) private view returns (uint256 number, bool stored) {
        if (report.validFrom() > latest.observed()) return (latest.number() + 1, false);
        // All before `next` end before the report begins.
        StreamReport next = _firstEndingFrom(latest, report.validFrom());
        if (next.equals(report)) return (next.number(), true);
        _requireFree(report, next.validFrom() > report.observed(), Math.max(next.validFrom(), report.validFrom()));
        if (_late[report.observed()].equals(report)) return (0, true);
        _requireUnmarked(report);
    }

    /// @dev The first report in order that ends at `time` or later; `latest` does.
    function _firstEndingFrom(StreamReport latest, uint256 time) private view returns (StreamReport found) {
        found = latest;
        uint256 above = latest.number();
        uint256 below = 0; // ends before `time`, or is no report
        uint256 step = 1;
        while (found.validFrom() > time && above - below > 1) {
            // Back in steps that double, until one goes too far; then by halves.
            uint256 number = below == 0 && step < above ? above - step : (above + below) / 2;
            step *= 2;
            StreamReport report = _inOrder[number];
            if (report.observed() < time) below = number;
            else (above, found) = (number, report);
        }
    }

    function _requireUnmarked(StreamReport report) private view {
        uint256 last = report.observed() >> 8;
        for (uint256 page = report.validFrom() >> 8; page <= last; ++page) {
            uint256 shared = _lateSeconds[page] & _secondsOf(report, page);
            _requireFree(report, shared == 0, (page << 8) | Math.log2(shared));
        }
    }

    function _markLate(StreamReport report) private {
        uint256 last = report.observed() >> 8;
        for (uint256 page = report.validFrom() >> 8; page <= last; ++page) {
            _lateSeconds[page] |= _secondsOf(report, page);
        }
    }

    /// @dev The seconds of the window that are on the page, as bits.
    function _secondsOf(StreamReport report, uint256 page) private pure returns (uint256 bits) {
        bits = type(uint256).max;
        if (page == report.validFrom() >> 8) bits <<= report.validFrom() & 255;
        if (page == report.observed() >> 8) bits &= type(uint256).max >> (255 - (report.observed() & 255));
    }

    function _requireFree(StreamReport report, bool free, uint256 second) private view {
        require(free, ReportOverlaps(feedId, report.validFrom(), report.observed(), second));
    }

    // ---------------------------------------------------------------- rounds

    /// @notice The last report that came in order, as `IStreamFeed` says.
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        StreamReport report = _latest;
        return _toRound(report.exists() ? _idOf(report) : 0, report);
    }

    /// @notice The report with the id, as `IStreamFeed` says.
    function getRoundData(
        uint80 id
    )
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        uint256 key = uint64(id);
        uint256 phase = id >> PHASE_OFFSET;
        StreamReport report = NO_REPORT;
        if (phase == IN_ORDER) report = _inOrder[key];
        else if (phase == BY_TIME) report = _observedAt(key);
        return _toRound(id, report);
    }

    function description() external view returns (string memory) {
        return string.concat("Data Stream ", Strings.toHexString(uint256(feedId), 32));
    }

    function _observedAt(uint256 time) private view returns (StreamReport report) {
        StreamReport latest = _latest;
        // A time of 0 would be found where nothing is.
        if (time == 0 || time > latest.observed()) return NO_REPORT;
        report = _late[time];
        if (report.exists()) return report;
        report = _firstEndingFrom(latest, time);
        if (report.observed() != time) return NO_REPORT;
    }

    function _toRound(uint80 id, StreamReport report) private pure returns (uint80, int256, uint256, uint256, uint80) {
        // The answer has 128 bits.
        return (id, int256(report.answer()), report.validFrom(), report.observed(), id);
    }

    function _idOf(StreamReport report) private pure returns (uint80) {
        uint256 number = report.number();
        (uint256 phase, uint256 key) = number != 0 ? (IN_ORDER, number) : (BY_TIME, report.observed());
        return uint80((phase << PHASE_OFFSET) | key);
    }
}
