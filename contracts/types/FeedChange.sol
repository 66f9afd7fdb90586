// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice When an asset's source or settlement has changed last, and the feed table from before, which still holds what
/// older orders settle by, in one slot: table 160 | changedAt 32. Zero: it has never changed.
type FeedChange is uint256;

using {table, changedAt} for FeedChange global;

function toFeedChange(address table_, uint256 changedAt_) pure returns (FeedChange) {
    return FeedChange.wrap(uint160(table_) | (changedAt_ << 160));
}

function table(FeedChange change) pure returns (address) {
    return address(uint160(FeedChange.unwrap(change)));
}

function changedAt(FeedChange change) pure returns (uint256) {
    return uint32(FeedChange.unwrap(change) >> 160);
}
