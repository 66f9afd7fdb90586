// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice What answers of a feed are plausible, and what an asset is worth without one, in one word of a code table:
/// minAnswer 96 (WAD) | maxAnswer 96 (WAD) | spread 24 (1e-6) | deadAfter 32 (s) | (8 unused).
type FeedBounds is uint256;

using {minAnswer, maxAnswer, spread, deadAfter, contain} for FeedBounds global;

function toFeedBounds(
    uint256 minAnswer_,
    uint256 maxAnswer_,
    uint256 spread_,
    uint256 deadAfter_
) pure returns (FeedBounds) {
    return FeedBounds.wrap(minAnswer_ | (maxAnswer_ << 96) | (spread_ << 192) | (deadAfter_ << 216));
}

function minAnswer(FeedBounds bounds) pure returns (uint256) {
    return uint96(FeedBounds.unwrap(bounds));
}

function maxAnswer(FeedBounds bounds) pure returns (uint256) {
    return uint96(FeedBounds.unwrap(bounds) >> 96);
}

/// @notice Half width of the interval around the last accepted price while the feed is refused, 1e-6.
function spread(FeedBounds bounds) pure returns (uint256) {
    return uint24(FeedBounds.unwrap(bounds) >> 192);
}

/// @notice After so long without an answer collateral in the asset counts nothing, s.
function deadAfter(FeedBounds bounds) pure returns (uint256) {
    return uint32(FeedBounds.unwrap(bounds) >> 216);
}

function contain(FeedBounds bounds, uint256 answer) pure returns (bool) {
    return answer >= minAnswer(bounds) && answer <= maxAnswer(bounds);
}
