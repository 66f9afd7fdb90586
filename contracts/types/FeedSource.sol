// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice How the rounds of a source come about, and so what they prove.
enum FeedKind {
    Rounds, // an OCR aggregator behind a proxy: a round's updatedAt is the time of the block that wrote it
    Observed, // a cache behind a proxy: a round's updatedAt is the time of its observation, and it is written later
    Derived, // computed from other feeds: a latest price, no history
    Stream // verified reports: a round is a window of time with one price
}

/// @notice Where an asset's price comes from and how it is read, in one word of a code table:
/// proxy 160 | maxAge 24 (s) | window 24 (s) | jump 24 (1e-6) | decimals 8 |
/// kind 4 | hasSettlement 1 | hasSessions 1 | replaced 1 | (9 unused).
type FeedSource is uint256;

using {proxy, maxAge, window, jump, decimals, kind, hasSettlement, hasSessions, replaced} for FeedSource global;
using {isOrdinary, withSettlement, withSessions, asReplaced, withFlagsOf} for FeedSource global;

uint256 constant KIND = 240;
uint256 constant HAS_SETTLEMENT = 1 << 244;
uint256 constant HAS_SESSIONS = 1 << 245;
uint256 constant REPLACED = 1 << 246;

/// @notice A source without flags.
function toFeedSource(
    address proxy_,
    uint256 maxAge_,
    uint256 window_,
    uint256 jump_,
    uint256 decimals_,
    FeedKind kind_
) pure returns (FeedSource) {
    return
        FeedSource.wrap(
            uint160(proxy_) |
                (maxAge_ << 160) |
                (window_ << 184) |
                (jump_ << 208) |
                (decimals_ << 232) |
                (uint256(kind_) << KIND)
        );
}

function proxy(FeedSource source) pure returns (address) {
    return address(uint160(FeedSource.unwrap(source)));
}

/// @notice Oldest answer that counts as live: the feed's heartbeat plus a margin, s.
function maxAge(FeedSource source) pure returns (uint256) {
    return uint24(FeedSource.unwrap(source) >> 160);
}

/// @notice How long after its boundary an order may still settle, s; at least `maxAge`.
function window(FeedSource source) pure returns (uint256) {
    return uint24(FeedSource.unwrap(source) >> 184);
}

/// @notice Largest step from one accepted price to the next, 1e-6.
function jump(FeedSource source) pure returns (uint256) {
    return uint24(FeedSource.unwrap(source) >> 208);
}

/// @notice Decimals of the feed's answers, 0 to 18.
function decimals(FeedSource source) pure returns (uint256) {
    return uint8(FeedSource.unwrap(source) >> 232);
}

function kind(FeedSource source) pure returns (FeedKind) {
    return FeedKind((FeedSource.unwrap(source) >> KIND) & 0xf);
}

/// @notice Orders settle by a stream of the asset's own, its third word.
function hasSettlement(FeedSource source) pure returns (bool) {
    return FeedSource.unwrap(source) & HAS_SETTLEMENT != 0;
}

/// @notice The asset is traded at certain hours only, its fourth word.
function hasSessions(FeedSource source) pure returns (bool) {
    return FeedSource.unwrap(source) & HAS_SESSIONS != 0;
}

/// @notice What orders settle by has been changed once: older orders still settle as before.
function replaced(FeedSource source) pure returns (bool) {
    return FeedSource.unwrap(source) & REPLACED != 0;
}

/// @notice A push feed that has only ever been that: nothing else needs to be looked at.
function isOrdinary(FeedSource source) pure returns (bool) {
    return FeedSource.unwrap(source) >> KIND == 0;
}

function withSettlement(FeedSource source, bool has) pure returns (FeedSource) {
    uint256 word = FeedSource.unwrap(source);
    return FeedSource.wrap(has ? word | HAS_SETTLEMENT : word & ~HAS_SETTLEMENT);
}

function withSessions(FeedSource source, bool has) pure returns (FeedSource) {
    uint256 word = FeedSource.unwrap(source);
    return FeedSource.wrap(has ? word | HAS_SESSIONS : word & ~HAS_SESSIONS);
}

function asReplaced(FeedSource source) pure returns (FeedSource) {
    return FeedSource.wrap(FeedSource.unwrap(source) | REPLACED);
}

/// @notice `source`, which has no flags, with those of `other`.
function withFlagsOf(FeedSource source, FeedSource other) pure returns (FeedSource) {
    uint256 flags = FeedSource.unwrap(other) & (HAS_SETTLEMENT | HAS_SESSIONS | REPLACED);
    return FeedSource.wrap(FeedSource.unwrap(source) | flags);
}
