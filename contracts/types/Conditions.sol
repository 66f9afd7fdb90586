// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice What holds for the whole protocol in this transaction, in one word:
/// sequencerUp 1 | sequencerSettled 1 | pegHeld 1 | (5 unused) | upSince 32 | settlementPrice 96.
type Conditions is uint256;

using {sequencerUp, sequencerSettled, pegHeld, upSince, settlementPrice} for Conditions global;

/// @param sequencerUp_ The L2 sequencer is up (always true where no uptime feed is listed).
/// @param sequencerSettled_ It is up and past its grace period.
/// @param pegHeld_ The settlement token is inside its band; false too when its price is refused.
/// @param upSince_ When the sequencer came up last, unix seconds; 0 without an uptime feed.
/// @param settlementPrice_ USD price of the settlement token, WAD; while it is refused the lower end of its interval.
function toConditions(
    bool sequencerUp_,
    bool sequencerSettled_,
    bool pegHeld_,
    uint256 upSince_,
    uint256 settlementPrice_
) pure returns (Conditions) {
    return
        Conditions.wrap(
            uint256(sequencerUp_ ? 1 : 0) |
                (uint256(sequencerSettled_ ? 1 : 0) << 1) |
                (uint256(pegHeld_ ? 1 : 0) << 2) |
                (upSince_ << 8) |
                (settlementPrice_ << 40)
        );
}

function sequencerUp(Conditions conditions) pure returns (bool) {
    return Conditions.unwrap(conditions) & 1 != 0;
}

function sequencerSettled(Conditions conditions) pure returns (bool) {
    return Conditions.unwrap(conditions) & 2 != 0;
}

function pegHeld(Conditions conditions) pure returns (bool) {
    return Conditions.unwrap(conditions) & 4 != 0;
}

function upSince(Conditions conditions) pure returns (uint256) {
    return uint32(Conditions.unwrap(conditions) >> 8);
}

function settlementPrice(Conditions conditions) pure returns (uint256) {
    return uint96(Conditions.unwrap(conditions) >> 40);
}
