// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {FeedKind, FeedSource, toFeedSource} from "./FeedSource.sol";

/// @notice The stream that an asset's orders settle by while its source values accounts, in one word of a code table:
/// stream 160 | window 24 (s) | decimals 8 | (64 unused). Zero: orders settle by the source.
type FeedSettlement is uint256;

using {stream, window, decimals, asSource} for FeedSettlement global;

FeedSettlement constant NO_SETTLEMENT = FeedSettlement.wrap(0);

function toFeedSettlement(address stream_, uint256 window_, uint256 decimals_) pure returns (FeedSettlement) {
    return FeedSettlement.wrap(uint160(stream_) | (window_ << 160) | (decimals_ << 184));
}

function stream(FeedSettlement settlement) pure returns (address) {
    return address(uint160(FeedSettlement.unwrap(settlement)));
}

/// @notice How long after its boundary the report of an order may end, s.
function window(FeedSettlement settlement) pure returns (uint256) {
    return uint24(FeedSettlement.unwrap(settlement) >> 160);
}

/// @notice Decimals of the stream's answers, 0 to 18.
function decimals(FeedSettlement settlement) pure returns (uint256) {
    return uint8(FeedSettlement.unwrap(settlement) >> 184);
}

/// @notice The stream as a source that nothing is valued by: without an age or a jump limit.
function asSource(FeedSettlement settlement) pure returns (FeedSource) {
    return
        toFeedSource({
            proxy_: stream(settlement),
            maxAge_: 0,
            window_: window(settlement),
            jump_: 0,
            decimals_: decimals(settlement),
            kind_: FeedKind.Stream
        });
}
