// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {FeedRound} from "./FeedRound.sol";

/// @notice The last accepted price of an asset, in one slot:
/// answer 96 (WAD) | round 40 | phase 16 | updatedAt 32 | checkedAt 32 | graceUntil 32 | halted 8.
type FeedState is uint256;

using {answer, roundId, phase, updatedAt, checkedAt, graceUntil, halted, asRound} for FeedState global;
using {accept, checked, halt, resolve, neq as !=} for FeedState global;

uint256 constant CHECKED_AT = 184;
uint256 constant GRACE_UNTIL = 216;
uint256 constant HALTED = 248;

function answer(FeedState state) pure returns (uint256) {
    return uint96(FeedState.unwrap(state));
}

/// @notice Id of the round the price came from: phase << 64 | aggregator round.
function roundId(FeedState state) pure returns (uint256) {
    return (phase(state) << 64) | uint40(FeedState.unwrap(state) >> 96);
}

function phase(FeedState state) pure returns (uint256) {
    return uint16(FeedState.unwrap(state) >> 136);
}

function updatedAt(FeedState state) pure returns (uint256) {
    return uint32(FeedState.unwrap(state) >> 152);
}

/// @notice When the price was last seen to be the feed's latest. Only a new round, or a reader that needs a recent
/// check (peg, native token), moves it: an ordinary read without a new round writes nothing.
function checkedAt(FeedState state) pure returns (uint256) {
    return uint32(FeedState.unwrap(state) >> CHECKED_AT);
}

/// @notice Until then nothing of the asset is liquidated: a halt has just ended.
function graceUntil(FeedState state) pure returns (uint256) {
    return uint32(FeedState.unwrap(state) >> GRACE_UNTIL);
}

/// @notice A jump is recorded and not resolved.
function halted(FeedState state) pure returns (bool) {
    return FeedState.unwrap(state) >> HALTED != 0;
}

/// @notice The accepted round; its start is no longer known and reads as its update.
function asRound(FeedState state) pure returns (FeedRound) {
    uint256 time = updatedAt(state);
    return FeedRound.wrap(answer(state) | (roundId(state) << 96) | (time << 176) | (time << 208));
}

/// @notice The state after `round` has been accepted at time `now_`. Round numbers fit 40 bits: the adapter drops others.
function accept(FeedState state, FeedRound round, uint256 now_) pure returns (FeedState) {
    return
        FeedState.wrap(
            ((FeedState.unwrap(state) >> GRACE_UNTIL) << GRACE_UNTIL) |
                round.answer() |
                (uint256(uint40(round.id())) << 96) |
                (round.phase() << 136) |
                (round.updatedAt() << 152) |
                (now_ << CHECKED_AT)
        );
}

function checked(FeedState state, uint256 now_) pure returns (FeedState) {
    uint256 cleared = FeedState.unwrap(state) & ~(uint256(type(uint32).max) << CHECKED_AT);
    return FeedState.wrap(cleared | (now_ << CHECKED_AT));
}

function halt(FeedState state, uint256 now_) pure returns (FeedState) {
    return FeedState.wrap(FeedState.unwrap(checked(state, now_)) | (1 << HALTED));
}

/// @notice The state with its halt ended and a grace period until `graceUntil_`.
function resolve(FeedState state, uint256 graceUntil_) pure returns (FeedState) {
    return FeedState.wrap(uint216(FeedState.unwrap(state)) | (graceUntil_ << GRACE_UNTIL));
}

function neq(FeedState a, FeedState b) pure returns (bool) {
    return FeedState.unwrap(a) != FeedState.unwrap(b);
}
