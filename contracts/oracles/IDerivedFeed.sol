// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AggregatorV3Interface} from "@chainlink/contracts/src/v0.8/shared/interfaces/AggregatorV3Interface.sol";

/// @title IDerivedFeed
/// @notice A price computed from other feeds, behind the interface of a feed. 18 decimals, rounded down. It has a latest round
/// and no history.
///
/// Without a usable answer of each feed there is no round: the latest round is then all zeros, never a price of what is left.
/// Usable: the call succeeds, the answer is positive and below 2^96 − 1 in WAD, the round complete and not in the future, its
/// id has at most 80 bits. Neither is there a round if its own id would not have 16 bits of phase and 40 of round.
///
/// Every call gets a fixed amount of gas, which is there or the read reverts, so that whoever reads does not choose by gas
/// whether a feed is dead. `PriceOracle` always gives the same, and `MAX_GAS` keeps within that.
///
/// @dev `latestRoundData` and `getRoundData` revert with `InsufficientGas` (`DerivedSources`) where that gas is not
/// there, and the second with `RoundNotKept`. A deployment reverts with `FeedNotContract`, `DecimalsTooMany` or
/// `LimitOutOfRange`.
interface IDerivedFeed is AggregatorV3Interface {
    error FeedNotContract(address feed);
    error DecimalsTooMany(address source, uint256 decimals, uint256 maximum);
    /// @notice A number is outside its bounds; `field` is its name.
    error LimitOutOfRange(bytes32 field, uint256 value, uint256 minimum, uint256 maximum);
    /// @notice Only the latest round can be had.
    error RoundNotKept(uint80 round, uint80 latest);
}
