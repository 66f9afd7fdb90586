// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AggregatorV3Interface} from "@chainlink/contracts/src/v0.8/shared/interfaces/AggregatorV3Interface.sol";

/// @notice For tests: a feed that is always live at the price of one, and takes nearly all gas that it is given to say so.
contract HungryFeed is AggregatorV3Interface {
    // solhint-disable-next-line const-name-snakecase
    uint8 public constant decimals = 0;
    // solhint-disable-next-line const-name-snakecase
    uint256 public constant version = 1;
    // solhint-disable-next-line const-name-snakecase
    string public constant description = "X / USD";

    /// @dev Enough to answer.
    uint256 private constant REST = 500;

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        while (gasleft() > REST) {}
        return (1, 1, block.timestamp, block.timestamp, 1);
    }

    function getRoundData(uint80 roundId) external view returns (uint80, int256, uint256, uint256, uint80) {
        return (roundId, 1, block.timestamp, block.timestamp, roundId);
    }
}
