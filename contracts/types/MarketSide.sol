// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @notice The sums of all positions on one side of a market, one word: units 112 | quote 128 | epoch 16. Units and quote
/// are as the positions store them: their size and value now follow through the side's index (`SideIndex`).
type MarketSide is uint256;

using {units, quote, epoch, add, nextEpoch} for MarketSide global;

/// @notice N = Σ |n| over the positions of the side.
function units(MarketSide side) pure returns (uint256) {
    return uint112(MarketSide.unwrap(side));
}

/// @notice M = Σ m over the positions of the side.
function quote(MarketSide side) pure returns (int256) {
    return int128(int256(MarketSide.unwrap(side) >> 112));
}

/// @notice How often the side has been closed whole. A position of an older epoch has no size any more.
function epoch(MarketSide side) pure returns (uint256) {
    return MarketSide.unwrap(side) >> 240;
}

/// @notice The side after `unitsDelta` and `quoteDelta`; its epoch stays.
function add(MarketSide side, int256 unitsDelta, int256 quoteDelta) pure returns (MarketSide) {
    uint256 units_ = SafeCast.toUint256(int256(units(side)) + unitsDelta);
    int256 quote_ = quote(side) + quoteDelta;
    return
        MarketSide.wrap(
            uint256(SafeCast.toUint112(units_)) |
                (uint256(uint128(SafeCast.toInt128(quote_))) << 112) |
                (epoch(side) << 240)
        );
}

/// @notice The empty side of the next epoch.
function nextEpoch(MarketSide side) pure returns (MarketSide) {
    return MarketSide.wrap(uint256(SafeCast.toUint16(epoch(side) + 1)) << 240);
}
