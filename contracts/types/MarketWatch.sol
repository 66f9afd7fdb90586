// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {CUTS, MAX_EPOCH} from "./MarketSide.sol";

/// @notice Why a market is to be deleveraged.
enum Trigger {
    None,
    Skew, // |S| over its hard cap for long
    Budget, // the market owes its traders more than the pool's budget for it
    Pool // the pool's equity does not cover its own maintenance requirement
}

/// @notice What of a market is not needed by a fill, one word:
/// overSince 32 | flaggedAt 32 | phase 16 | trigger 8 | graceUntil 32 | closesAt 32 | formerEpoch 10 | formerCuts 6 |
/// formerLong 1.
type MarketWatch is uint256;

using {
    overSince,
    flaggedAt,
    phase,
    trigger,
    graceUntil,
    closesAt,
    formerEpoch,
    formerCuts,
    formerLong,
    withOverSince,
    withFlag,
    withoutFlag,
    withFormer,
    withClosing
} for MarketWatch global;

uint256 constant FLAG_MASK = ((1 << 56) - 1) << 32;
uint256 constant FORMER_MASK = (((1 << 32) - 1) << 88) | (((1 << 17) - 1) << 152);

/// @notice Since when |S| has been seen over its hard cap, unix seconds; 0: it has not.
function overSince(MarketWatch watch) pure returns (uint256) {
    return uint32(MarketWatch.unwrap(watch));
}

/// @notice When the market was flagged for deleveraging, unix seconds; 0: it is not. Of a market that is being wound down
/// the phase is that of the final price.
function flaggedAt(MarketWatch watch) pure returns (uint256) {
    return uint32(MarketWatch.unwrap(watch) >> 32);
}

/// @notice Phase of the feed at the flag, or at the announcement of a wind-down.
function phase(MarketWatch watch) pure returns (uint256) {
    return uint16(MarketWatch.unwrap(watch) >> 64);
}

function trigger(MarketWatch watch) pure returns (Trigger) {
    return Trigger(uint8(MarketWatch.unwrap(watch) >> 80));
}

/// @notice Until when accounts are also judged by the sizes that they had before the last deleveraging.
function graceUntil(MarketWatch watch) pure returns (uint256) {
    return uint32(MarketWatch.unwrap(watch) >> 88);
}

/// @notice After when the final price is taken, unix seconds; 0: no wind-down.
function closesAt(MarketWatch watch) pure returns (uint256) {
    return uint32(MarketWatch.unwrap(watch) >> 120);
}

/// @notice Epoch, cuts and side that the former index belongs to.
function formerEpoch(MarketWatch watch) pure returns (uint256) {
    return (MarketWatch.unwrap(watch) >> 152) & MAX_EPOCH;
}

function formerCuts(MarketWatch watch) pure returns (uint256) {
    return (MarketWatch.unwrap(watch) >> 162) & (CUTS - 1);
}

function formerLong(MarketWatch watch) pure returns (bool) {
    return (MarketWatch.unwrap(watch) >> 168) & 1 != 0;
}

function withOverSince(MarketWatch watch, uint256 time) pure returns (MarketWatch) {
    return MarketWatch.wrap((MarketWatch.unwrap(watch) & ~uint256(type(uint32).max)) | SafeCast.toUint32(time));
}

function withFlag(MarketWatch watch, uint256 time, uint256 phase_, Trigger trigger_) pure returns (MarketWatch) {
    return
        MarketWatch.wrap(
            (MarketWatch.unwrap(watch) & ~FLAG_MASK) |
                (uint256(SafeCast.toUint32(time)) << 32) |
                (uint256(SafeCast.toUint16(phase_)) << 64) |
                (uint256(trigger_) << 80)
        );
}

function withoutFlag(MarketWatch watch) pure returns (MarketWatch) {
    return MarketWatch.wrap(MarketWatch.unwrap(watch) & ~FLAG_MASK);
}

function withFormer(
    MarketWatch watch,
    uint256 until,
    uint256 epoch_,
    uint256 cuts_,
    bool long
) pure returns (MarketWatch) {
    return
        MarketWatch.wrap(
            (MarketWatch.unwrap(watch) & ~FORMER_MASK) |
                (uint256(SafeCast.toUint32(until)) << 88) |
                (epoch_ << 152) |
                (cuts_ << 162) |
                (uint256(long ? 1 : 0) << 168)
        );
}

function withClosing(MarketWatch watch, uint256 time, uint256 phase_) pure returns (MarketWatch) {
    return
        MarketWatch.wrap(
            (MarketWatch.unwrap(withFlag(watch, 0, phase_, Trigger.None)) & ~(uint256(type(uint32).max) << 120)) |
                (uint256(SafeCast.toUint32(time)) << 120)
        );
}
