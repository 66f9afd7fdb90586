// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice Header of the feed table, second word: the band of the settlement token, low 96 (WAD) | high 96 (WAD).
type FeedPegBand is uint256;

using {low, high, contains} for FeedPegBand global;

function toFeedPegBand(uint256 low_, uint256 high_) pure returns (FeedPegBand) {
    return FeedPegBand.wrap(low_ | (high_ << 96));
}

function low(FeedPegBand band) pure returns (uint256) {
    return uint96(FeedPegBand.unwrap(band));
}

function high(FeedPegBand band) pure returns (uint256) {
    return uint96(FeedPegBand.unwrap(band) >> 96);
}

function contains(FeedPegBand band, uint256 price) pure returns (bool) {
    return price >= low(band) && price <= high(band);
}
