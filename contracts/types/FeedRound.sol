// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice A round as a feed reported it, in one word:
/// answer 96 (WAD) | id 80 (phase 16, aggregator round 64) | startedAt 32 | updatedAt 32 | (15 unused) | cached 1.
/// An absent round is the zero word, but for `cached`. Values too wide for their field saturate, which every guard
/// then refuses: an answer as out of bounds, a time as in the future. A negative answer reads 0.
type FeedRound is uint256;

using {answer, id, phase, startedAt, updatedAt, exists, complete, isAfter} for FeedRound global;
using {isCached, asCached} for FeedRound global;

FeedRound constant NO_ROUND = FeedRound.wrap(0);
uint256 constant PHASE_OFFSET = 64;

/// @param answer_ As reported.
/// @param decimals_ Decimals of `answer_`, at most 18.
function toFeedRound(
    uint256 id_,
    int256 answer_,
    uint256 decimals_,
    uint256 startedAt_,
    uint256 updatedAt_
) pure returns (FeedRound) {
    uint256 wad;
    if (answer_ > 0) {
        wad = uint256(answer_);
        unchecked {
            // Fits: 2^96 · 10^18 < 2^156.
            if (wad <= type(uint96).max) wad *= 10 ** (18 - decimals_);
        }
        if (wad > type(uint96).max) wad = type(uint96).max;
    }
    if ((startedAt_ | updatedAt_) >> 32 != 0) {
        if (startedAt_ > type(uint32).max) startedAt_ = type(uint32).max;
        if (updatedAt_ > type(uint32).max) updatedAt_ = type(uint32).max;
    }
    return FeedRound.wrap(wad | (id_ << 96) | (startedAt_ << 176) | (updatedAt_ << 208));
}

function answer(FeedRound round) pure returns (uint256) {
    return uint96(FeedRound.unwrap(round));
}

function id(FeedRound round) pure returns (uint256) {
    return uint80(FeedRound.unwrap(round) >> 96);
}

function phase(FeedRound round) pure returns (uint256) {
    return uint16(FeedRound.unwrap(round) >> 160);
}

function startedAt(FeedRound round) pure returns (uint256) {
    return uint32(FeedRound.unwrap(round) >> 176);
}

function updatedAt(FeedRound round) pure returns (uint256) {
    return uint32(FeedRound.unwrap(round) >> 208);
}

function exists(FeedRound round) pure returns (bool) {
    return updatedAt(round) != 0;
}

function complete(FeedRound round) pure returns (bool) {
    return updatedAt(round) != 0 && startedAt(round) != 0;
}

/// @notice Whether the round was observed and written later than `boundary`.
function isAfter(FeedRound round, uint256 boundary) pure returns (bool) {
    return updatedAt(round) > boundary && startedAt(round) > boundary;
}

/// @notice Whether this transaction has read the feed: tells an absent round from one not asked for yet.
function isCached(FeedRound round) pure returns (bool) {
    return FeedRound.unwrap(round) >> 255 != 0;
}

function asCached(FeedRound round) pure returns (FeedRound) {
    return FeedRound.wrap(FeedRound.unwrap(round) | (1 << 255));
}
