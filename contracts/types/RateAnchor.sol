// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Fixed, PPM} from "../libraries/Fixed.sol";

/// @notice Where the line begins that a share's rate may not be above, in one slot: rate 96 (WAD) | time 32 (s).
type RateAnchor is uint256;

using {rate, time, capDown} for RateAnchor global;

function toRateAnchor(uint256 rate_, uint256 time_) pure returns (RateAnchor) {
    return RateAnchor.wrap(rate_ | (time_ << 96));
}

/// @notice Assets per share, WAD.
function rate(RateAnchor anchor) pure returns (uint256) {
    return uint96(RateAnchor.unwrap(anchor));
}

function time(RateAnchor anchor) pure returns (uint256) {
    return uint32(RateAnchor.unwrap(anchor) >> 96);
}

/// @notice The line at `now_`: rate · (1 + maxGrowth · days since the anchor), WAD, rounded down.
/// @param maxGrowth 1e-6 per day.
/// @param now_ Not before the anchor.
function capDown(RateAnchor anchor, uint256 maxGrowth, uint256 now_) pure returns (uint256) {
    uint256 start = rate(anchor);
    return start + Fixed.mulDivDown(start, maxGrowth * (now_ - time(anchor)), PPM * 1 days);
}
