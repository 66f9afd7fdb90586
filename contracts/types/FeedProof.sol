// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice A settlement round proved in this transaction, in one word: it is the one of every order in `phase` whose
/// boundary lies in [lower, upper), as far as its window reaches `updatedAt`:
/// price 96 (WAD; 0: the round may not be used) | lower 32 | upper 32 | updatedAt 32 | phase 16 | (47 unused) | set 1.
type FeedProof is uint256;

using {price, updatedAt, covers} for FeedProof global;

function toFeedProof(
    uint256 phase_,
    uint256 lower_,
    uint256 upper_,
    uint256 price_,
    uint256 updatedAt_
) pure returns (FeedProof) {
    return
        FeedProof.wrap(price_ | (lower_ << 96) | (upper_ << 128) | (updatedAt_ << 160) | (phase_ << 192) | (1 << 255));
}

function price(FeedProof proof) pure returns (uint256) {
    return uint96(FeedProof.unwrap(proof));
}

function updatedAt(FeedProof proof) pure returns (uint256) {
    return uint32(FeedProof.unwrap(proof) >> 160);
}

function covers(FeedProof proof, uint256 phase_, uint256 boundary) pure returns (bool) {
    uint256 word = FeedProof.unwrap(proof);
    return
        word >> 255 != 0 &&
        uint16(word >> 192) == phase_ &&
        boundary >= uint32(word >> 96) &&
        boundary < uint32(word >> 128);
}
