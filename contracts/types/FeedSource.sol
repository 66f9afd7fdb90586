// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice Where an asset's price comes from and how it is read, in one word of a code table:
/// proxy 160 | maxAge 24 (s) | window 24 (s) | jump 24 (1e-6) | decimals 8 | (16 unused).
type FeedSource is uint256;

using {proxy, maxAge, window, jump, decimals} for FeedSource global;

function toFeedSource(
    address proxy_,
    uint256 maxAge_,
    uint256 window_,
    uint256 jump_,
    uint256 decimals_
) pure returns (FeedSource) {
    return FeedSource.wrap(uint160(proxy_) | (maxAge_ << 160) | (window_ << 184) | (jump_ << 208) | (decimals_ << 232));
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
