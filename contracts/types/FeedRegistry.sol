// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice Where the feed table is and what is needed without opening it, in one slot:
/// table 160 | count 8 | pegAsset 8 | nativeAsset 8 | watched 8.
type FeedRegistry is uint256;

using {table, count, pegAsset, nativeAsset, watched} for FeedRegistry global;

/// @dev In place of an asset: there is none.
uint256 constant NO_ASSET = 255;

/// @param watched_ Whether a sequencer uptime feed is listed.
function toFeedRegistry(
    address table_,
    uint256 count_,
    uint256 pegAsset_,
    uint256 nativeAsset_,
    bool watched_
) pure returns (FeedRegistry) {
    return
        FeedRegistry.wrap(
            uint160(table_) |
                (count_ << 160) |
                (pegAsset_ << 168) |
                (nativeAsset_ << 176) |
                (uint256(watched_ ? 1 : 0) << 184)
        );
}

function table(FeedRegistry registry) pure returns (address) {
    return address(uint160(FeedRegistry.unwrap(registry)));
}

/// @notice Number of listed assets.
function count(FeedRegistry registry) pure returns (uint256) {
    return uint8(FeedRegistry.unwrap(registry) >> 160);
}

/// @notice The settlement token's asset, or `NO_ASSET`.
function pegAsset(FeedRegistry registry) pure returns (uint256) {
    return uint8(FeedRegistry.unwrap(registry) >> 168);
}

/// @notice The native token's asset, or `NO_ASSET`.
function nativeAsset(FeedRegistry registry) pure returns (uint256) {
    return uint8(FeedRegistry.unwrap(registry) >> 176);
}

function watched(FeedRegistry registry) pure returns (bool) {
    return uint8(FeedRegistry.unwrap(registry) >> 184) != 0;
}
