// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AggregatorV3Interface} from "@chainlink/contracts/src/v0.8/shared/interfaces/AggregatorV3Interface.sol";

import {CodeTable} from "../libraries/CodeTable.sol";

/// @notice For tests: an aggregator behind a Chainlink proxy that has a recorded history, and shows of it at each moment
/// what had been written by then.
/// @dev Rounds are the entries of a code table of any length, which a test puts at `table` (`hardhat_setCode`): thousands
/// of rounds are there at once. Sixteen bytes for each round, from number 1 on, in ascending order of updatedAt:
/// answer 64 | startedAt 32 | updatedAt 32, the highest bits first. An entry without an answer is a round that was not
/// recorded, and has the time of the one before it. Answers unknown rounds with zeros, as an OCR2 aggregator does.
contract RecordedAggregator is AggregatorV3Interface {
    uint256 private constant ENTRY_BYTES = 16;

    uint8 public immutable override decimals;
    address private immutable table;
    // solhint-disable-next-line const-name-snakecase
    uint256 public constant override version = 4;
    string public override description;

    constructor(uint8 decimals_, string memory description_, address table_) {
        decimals = decimals_;
        description = description_;
        table = table_;
    }

    function getRoundData(uint80 roundId) external view override returns (uint80, int256, uint256, uint256, uint80) {
        if (roundId == 0 || roundId > CodeTable.length(table) / ENTRY_BYTES) return _answerOf(roundId, 0);
        uint256 entry = _entry(roundId);
        return _answerOf(roundId, uint32(entry) > block.timestamp ? 0 : entry);
    }

    function latestRoundData() external view override returns (uint80, int256, uint256, uint256, uint80) {
        uint256 low = 0;
        uint256 high = CodeTable.length(table) / ENTRY_BYTES;
        // Past the end of its history there is nothing to search.
        if (high != 0 && uint32(_entry(high)) <= block.timestamp) low = high;
        // All rounds up to `low` have been written, none after `high`.
        while (low < high) {
            uint256 middle = (low + high + 1) / 2;
            if (uint32(_entry(middle)) <= block.timestamp) low = middle;
            else high = middle - 1;
        }
        while (low != 0 && _entry(low) >> 64 == 0) --low;
        return _answerOf(uint80(low), low == 0 ? 0 : _entry(low));
    }

    function _answerOf(uint80 roundId, uint256 entry) private pure returns (uint80, int256, uint256, uint256, uint80) {
        if (entry >> 64 == 0) return (roundId, 0, 0, 0, roundId);
        return (roundId, int256(entry >> 64), uint32(entry >> 32), uint32(entry), roundId);
    }

    function _entry(uint256 number) private view returns (uint256) {
        return CodeTable.word(table, (number - 1) * ENTRY_BYTES) >> 128;
    }
}
