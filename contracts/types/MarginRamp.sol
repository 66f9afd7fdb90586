// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {GlobalParameters, GroupParameters, MAX_GROUPS} from "./GlobalParameters.sol";

/// @notice A ramp of m and of all ρ, one word: m at its end 24 | start 32 | duration 24. The words of globals and groups
/// hold what it starts from, a third word all ρ at its end.
type MarginRamp is uint256;

using {endFactor, start, duration, applied} for MarginRamp global;

/// @dev Set in the word of groups while a ramp is to be read: what no ramp has moved costs a test of this bit.
uint256 constant RAMPING = 1 << 255;

function toMarginRamp(uint256 endFactor_, uint256 start_, uint256 duration_) pure returns (MarginRamp) {
    return MarginRamp.wrap(endFactor_ | (start_ << 24) | (duration_ << 56));
}

/// @notice m at the end, 1e-6.
function endFactor(MarginRamp ramp) pure returns (uint256) {
    return uint24(MarginRamp.unwrap(ramp));
}

/// @notice Unix seconds.
function start(MarginRamp ramp) pure returns (uint256) {
    return uint32(MarginRamp.unwrap(ramp) >> 24);
}

/// @notice Seconds.
function duration(MarginRamp ramp) pure returns (uint256) {
    return uint24(MarginRamp.unwrap(ramp) >> 56);
}

/// @notice m and ρ at `now_`, each rounded up, in the words that they are read from.
/// @param globals With m at the start. @param groups ρ at the start. @param end ρ at the end.
function applied(
    MarginRamp ramp,
    GlobalParameters globals,
    GroupParameters groups,
    GroupParameters end,
    uint256 now_
) pure returns (GlobalParameters, GroupParameters) {
    uint256 word = GlobalParameters.unwrap(globals) & ~uint256(type(uint24).max);
    uint256 length = duration(ramp);
    uint256 elapsed = now_ > start(ramp) ? now_ - start(ramp) : 0;
    if (elapsed >= length) return (GlobalParameters.wrap(word | endFactor(ramp)), end);
    uint256 floors = 0;
    unchecked {
        // 24-bit rates times 24-bit times
        uint256 left = length - elapsed;
        word |= (globals.maintenanceFactor() * left + endFactor(ramp) * elapsed + length - 1) / length;
        for (uint256 g = 0; g < MAX_GROUPS; ++g) {
            floors |= ((groups.hedgeFloor(g) * left + end.hedgeFloor(g) * elapsed + length - 1) / length) << (24 * g);
        }
    }
    return (GlobalParameters.wrap(word), GroupParameters.wrap(floors));
}
