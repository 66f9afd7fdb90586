// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice How a proposed source has done beside the one in use, in one slot:
/// tolerance 24 (1e-6) | agreedSince 32 (0: they disagreed when last watched) | watchedAt 32.
type FeedShadow is uint256;

using {tolerance, agreedSince, watchedAt} for FeedShadow global;

function toFeedShadow(uint256 tolerance_, uint256 agreedSince_, uint256 watchedAt_) pure returns (FeedShadow) {
    return FeedShadow.wrap(tolerance_ | (agreedSince_ << 24) | (watchedAt_ << 56));
}

/// @notice How far the prices may differ, 1e-6 of the one in use.
function tolerance(FeedShadow shadow) pure returns (uint256) {
    return uint24(FeedShadow.unwrap(shadow));
}

function agreedSince(FeedShadow shadow) pure returns (uint256) {
    return uint32(FeedShadow.unwrap(shadow) >> 24);
}

function watchedAt(FeedShadow shadow) pure returns (uint256) {
    return uint32(FeedShadow.unwrap(shadow) >> 56);
}
