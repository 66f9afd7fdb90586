// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice Which of the two products of a composite price a leg is a factor of.
enum LegSide {
    Both,
    Market,
    Rate
}

/// @notice A feed that a derived price is computed from, in one word:
/// feed 160 | maxAge 24 (s) | gasLimit 24 | decimals 8 | side 8 | (32 unused).
type FeedLeg is uint256;

using {feed, maxAge, gasLimit, decimals, side} for FeedLeg global;

function toFeedLeg(
    address feed_,
    uint256 maxAge_,
    uint256 gasLimit_,
    uint256 decimals_,
    LegSide side_
) pure returns (FeedLeg) {
    return
        FeedLeg.wrap(
            uint160(feed_) | (maxAge_ << 160) | (gasLimit_ << 184) | (decimals_ << 208) | (uint256(side_) << 216)
        );
}

function feed(FeedLeg leg) pure returns (address) {
    return address(uint160(FeedLeg.unwrap(leg)));
}

/// @notice Oldest answer that counts as live: the feed's heartbeat plus a margin, s.
function maxAge(FeedLeg leg) pure returns (uint256) {
    return uint24(FeedLeg.unwrap(leg) >> 160);
}

/// @notice Gas of a call of the feed.
function gasLimit(FeedLeg leg) pure returns (uint256) {
    return uint24(FeedLeg.unwrap(leg) >> 184);
}

/// @notice Decimals of the feed's answers, 0 to 18.
function decimals(FeedLeg leg) pure returns (uint256) {
    return uint8(FeedLeg.unwrap(leg) >> 208);
}

function side(FeedLeg leg) pure returns (LegSide) {
    return LegSide(uint8(FeedLeg.unwrap(leg) >> 216));
}
