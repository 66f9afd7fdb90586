// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice Header of the feed table, first word: sequencer 160 | sequencerGrace 24 (s) | haltGrace 24 (s).
type FeedEnvironment is uint256;

using {sequencer, sequencerGrace, haltGrace} for FeedEnvironment global;

function toFeedEnvironment(
    address sequencer_,
    uint256 sequencerGrace_,
    uint256 haltGrace_
) pure returns (FeedEnvironment) {
    return FeedEnvironment.wrap(uint160(sequencer_) | (sequencerGrace_ << 160) | (haltGrace_ << 184));
}

/// @notice The L2's sequencer uptime feed; 0 where there is none.
function sequencer(FeedEnvironment environment) pure returns (address) {
    return address(uint160(FeedEnvironment.unwrap(environment)));
}

function sequencerGrace(FeedEnvironment environment) pure returns (uint256) {
    return uint24(FeedEnvironment.unwrap(environment) >> 160);
}

/// @notice How long nothing of an asset is liquidated after its halt has ended, s.
function haltGrace(FeedEnvironment environment) pure returns (uint256) {
    return uint24(FeedEnvironment.unwrap(environment) >> 184);
}
