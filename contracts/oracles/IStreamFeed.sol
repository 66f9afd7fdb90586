// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AggregatorV3Interface} from "@chainlink/contracts/src/v0.8/shared/interfaces/AggregatorV3Interface.sol";

import {StreamReport} from "../types/StreamReport.sol";

/// @title IStreamFeed
/// @notice The verified reports of one stream, as rounds.
///
/// A report's price is of the seconds [validFrom, observed], both included. No two stored reports share a second. A DON
/// promises that (validFrom is one second after the observation before); here it is enforced.
///
/// Round ids:
///  1 << 64 | n         the n-th report that came in order: its window begins after all that was stored before. n is dense,
///                      from 1, and so are the ids that `latestRoundData` goes through. Times rise with ids.
///  2 << 64 | observed  any stored report, by its time. Reports that came late have no other id: their window lies wholly
///                      between two that came in order, or before the first. So an id that is known before the report is
///                      stored, and does not depend on what else is stored first.
/// A round has answer: the benchmark price (0, which every guard refuses, unless 0 < bid ≤ price ≤ ask); startedAt:
/// validFrom; updatedAt: observed. An unknown id reads as zeros but for itself; before the first report
/// `latestRoundData` is all zeros. The latest round only moves forward: a late report never becomes it.
///
/// @dev Cost: two slots for a report in order, two for a late one (plus one for each further 256 s of its window). The place
/// of a late one, and one in order by its time, is found from the latest backwards in steps that double: about
/// 2·log2(distance) reads; by its number it costs one. Whoever fills a feed with reports makes others pay no more than that.
interface IStreamFeed is AggregatorV3Interface {
    event ReportStored(uint80 indexed round, uint256 answer, uint256 validFrom, uint256 observed);

    error OnlyReports(address caller);
    /// @param second One that the report shares with a stored one.
    error ReportOverlaps(bytes32 feedId, uint256 validFrom, uint256 observed, uint256 second);

    /// @notice Stores a report, unless it is stored already. Only `StreamReports`, which has verified it.
    /// @dev Reverts with `OnlyReports` for any other caller, and `ReportOverlaps`.
    /// @param report With 0 < validFrom ≤ observed; its number is ignored.
    function record(StreamReport report) external;

    /// @notice The id of a stored report that has the same window and answer; 0 if there is none. Reverts with
    /// `ReportOverlaps` if it cannot be stored.
    /// @param report As in `record`.
    function find(StreamReport report) external view returns (uint80 round);

    function feedId() external view returns (bytes32);
    /// @notice The contract that verifies reports.
    function reports() external view returns (address);
}
