// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AggregatorV3Interface} from "@chainlink/contracts/src/v0.8/shared/interfaces/AggregatorV3Interface.sol";

import {PHASE_OFFSET} from "../types/FeedRound.sol";
import {IDerivedFeed} from "./IDerivedFeed.sol";

/// @title DerivedFeed
/// @notice What all derived feeds have in common: the interface of a feed around one round.
abstract contract DerivedFeed is IDerivedFeed {
    uint256 internal constant MAX_DECIMALS = 18;

    /// @inheritdoc AggregatorV3Interface
    // solhint-disable-next-line const-name-snakecase
    uint8 public constant decimals = 18;
    /// @inheritdoc AggregatorV3Interface
    // solhint-disable-next-line const-name-snakecase
    uint256 public constant version = 1;
    /// @inheritdoc AggregatorV3Interface
    string public description;

    /// @dev A round of a derived feed.
    /// @param answer WAD, rounded down, below 2^255.
    /// @param updatedAt 0: there is no round.
    struct DerivedRound {
        uint256 phase;
        uint256 round;
        uint256 answer;
        uint256 updatedAt;
    }

    constructor(string memory description_) {
        description = description_;
    }

    /// @inheritdoc AggregatorV3Interface
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return _latestRoundData();
    }

    /// @inheritdoc AggregatorV3Interface
    function getRoundData(
        uint80 roundId
    ) external view returns (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound) {
        (id, answer, startedAt, updatedAt, answeredInRound) = _latestRoundData();
        if (id != roundId) revert RoundNotKept(roundId, id);
    }

    function _latestRoundData() private view returns (uint80 id, int256 answer, uint256 startedAt, uint256, uint80) {
        DerivedRound memory latest = _latest();
        // What its readers can keep of an id.
        if (latest.phase > type(uint16).max || latest.round > type(uint40).max) return (0, 0, 0, 0, 0);
        if (latest.updatedAt == 0) return (0, 0, 0, 0, 0);
        id = uint80((latest.phase << PHASE_OFFSET) | latest.round);
        return (id, int256(latest.answer), latest.updatedAt, latest.updatedAt, id);
    }

    function _latest() internal view virtual returns (DerivedRound memory);

    // ---------------------------------------------------------------- construction

    function _requireContract(address feed) internal view {
        if (feed.code.length == 0) revert FeedNotContract(feed);
    }

    function _requireDecimals(address source, uint256 decimals_, uint256 maximum) internal pure {
        if (decimals_ > maximum) revert DecimalsTooMany(source, decimals_, maximum);
    }

    function _requireRange(bytes32 field, uint256 value, uint256 minimum, uint256 maximum) internal pure {
        if (value < minimum || value > maximum) revert LimitOutOfRange(field, value, minimum, maximum);
    }
}
