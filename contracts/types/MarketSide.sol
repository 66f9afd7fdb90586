// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @notice The sums of all positions on one side of a market, one word: units 112 | quote 128 | epoch 10 | cuts 6.
/// Units and quote are as the positions store them: their size and value now follow through the side's index
/// (`SideIndex`).
type MarketSide is uint256;

using {units, quote, epoch, cuts, add, withCut, nextEpoch} for MarketSide global;

uint256 constant MAX_EPOCH = (1 << 10) - 1;
uint256 constant CUTS = 1 << 6;

error EpochsExhausted(uint256 epoch);

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
    return (MarketSide.unwrap(side) >> 240) & MAX_EPOCH;
}

/// @notice How often the side has been deleveraged in this epoch, modulo `CUTS`.
function cuts(MarketSide side) pure returns (uint256) {
    return MarketSide.unwrap(side) >> 250;
}

/// @notice The side after `unitsDelta` and `quoteDelta`; its epoch and cuts stay.
function add(MarketSide side, int256 unitsDelta, int256 quoteDelta) pure returns (MarketSide) {
    uint256 units_ = SafeCast.toUint256(int256(units(side)) + unitsDelta);
    int256 quote_ = quote(side) + quoteDelta;
    return
        MarketSide.wrap(
            uint256(SafeCast.toUint112(units_)) |
                (uint256(uint128(SafeCast.toInt128(quote_))) << 112) |
                ((MarketSide.unwrap(side) >> 240) << 240)
        );
}

/// @notice The side with one deleveraging more.
function withCut(MarketSide side) pure returns (MarketSide) {
    unchecked {
        return MarketSide.wrap(MarketSide.unwrap(side) + (1 << 250));
    }
}

/// @notice The empty side of the next epoch.
function nextEpoch(MarketSide side) pure returns (MarketSide) {
    require(epoch(side) < MAX_EPOCH, EpochsExhausted(epoch(side)));
    return MarketSide.wrap((epoch(side) + 1) << 240);
}
