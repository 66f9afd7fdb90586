// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {Fixed, WAD} from "../libraries/Fixed.sol";

/// @notice Funding of a market, one word: index 96 | rate 62 | velocity 62 | longIndexed 1 | shortIndexed 1 | (2 unused) |
/// time 32. The velocity is kept as it was set by the last change of skew or depth, so that reading the index needs no
/// other word. The two flags say that positions of that side have to be read through its index: a position of a market
/// that was never deleveraged costs no further slot.
type Funding is uint256;

using {index, rate, velocity, time, hasIndex, withIndex, accrued, steered} for Funding global;

Funding constant NO_FUNDING = Funding.wrap(0);
uint256 constant DAY = 86_400;

/// @param index_ F: settlement token per base unit that longs have paid so far, WAD.
/// @param rate_ r: fraction of the price per day, WAD; positive: longs pay.
/// @param velocity_ dr/dt: WAD per day².
/// @param time_ When index and rate were valid, unix seconds.
function toFunding(int256 index_, int256 rate_, int256 velocity_, uint256 time_) pure returns (Funding) {
    return
        Funding.wrap(
            uint256(uint96(SafeCast.toInt96(index_))) |
                (_to62(rate_) << 96) |
                (_to62(velocity_) << 158) |
                (uint256(SafeCast.toUint32(time_)) << 224)
        );
}

error RateOutOfRange(int256 rate);

uint256 constant MASK_62 = (1 << 62) - 1;
uint256 constant VELOCITY_AND_FLAGS = ((1 << 64) - 1) << 158;

/// @dev Two's complement of 62 bits: rates to ±2.3 per day, velocities to ±2.3 per day².
function _to62(int256 value) pure returns (uint256) {
    require(value >= -(1 << 61) && value < (1 << 61), RateOutOfRange(value));
    return uint256(value) & MASK_62;
}

function _from62(uint256 bits) pure returns (int256 value) {
    assembly ("memory-safe") {
        value := sar(194, shl(194, bits))
    }
}

function index(Funding funding) pure returns (int256) {
    return int96(int256(Funding.unwrap(funding)));
}

function rate(Funding funding) pure returns (int256) {
    return _from62(Funding.unwrap(funding) >> 96);
}

function velocity(Funding funding) pure returns (int256) {
    return _from62(Funding.unwrap(funding) >> 158);
}

/// @notice Whether positions of that side have to be read through its index.
function hasIndex(Funding funding, bool long) pure returns (bool) {
    return Funding.unwrap(funding) & (1 << (long ? 220 : 221)) != 0;
}

function withIndex(Funding funding, bool long) pure returns (Funding) {
    return Funding.wrap(Funding.unwrap(funding) | (1 << (long ? 220 : 221)));
}

function time(Funding funding) pure returns (uint256) {
    return Funding.unwrap(funding) >> 224;
}

/// @notice The funding as of `now_`: r moves with its velocity and stays within ±`maxRate`; F grows by ∫ r dt · price.
/// @dev With the time t until r reaches its bound, ∫ r dt = (r₀ + r₁)·t/2 + r₁·(dt − t), kept doubled so that one
/// division, toward −∞, rounds the whole step. A step in which r leaves [−maxRate, maxRate] counts t in whole seconds.
/// @param maxRate Bound of |r|, WAD per day, below 2^61.
/// @param price Price that the whole step is charged at, WAD, below 2^96.
function accrued(Funding funding, uint256 maxRate, uint256 price, uint256 now_) pure returns (Funding) {
    uint256 elapsed = now_ - time(funding);
    if (elapsed == 0) return funding;
    int256 rate1;
    int256 index1;
    unchecked {
        // Rates and velocities have 64 bits, times 32, the price 96: nothing comes near 256.
        int256 bound = int256(maxRate);
        int256 velocity_ = velocity(funding);
        int256 rate0 = rate(funding);
        if (rate0 > bound) rate0 = bound;
        else if (rate0 < -bound) rate0 = -bound;
        rate1 = rate0 + Fixed.divFloor(velocity_ * int256(elapsed), DAY);
        uint256 moving = elapsed;
        if (rate1 > bound || rate1 < -bound) {
            rate1 = rate1 > 0 ? bound : -bound;
            moving = Math.min(elapsed, (SignedMath.abs(rate1 - rate0) * DAY) / SignedMath.abs(velocity_));
        }
        int256 doubled = (rate0 + rate1) * int256(moving) + 2 * rate1 * int256(elapsed - moving);
        index1 = index(funding) + Fixed.divFloor(doubled * int256(price), 2 * DAY * WAD);
    }
    return
        Funding.wrap(
            uint256(uint96(SafeCast.toInt96(index1))) |
                ((uint256(rate1) & MASK_62) << 96) |
                (Funding.unwrap(funding) & VELOCITY_AND_FLAGS) |
                (uint256(SafeCast.toUint32(now_)) << 224)
        );
}

/// @notice The funding with its velocity set from the skew: dr/dt = v·clamp(skew/depth, ±1), toward −∞.
/// @param maxVelocity v, WAD per day².
/// @param skew S, net size of traders, WAD.
/// @param depth D, WAD.
function steered(Funding funding, uint256 maxVelocity, int256 skew, uint256 depth) pure returns (Funding) {
    int256 bound = int256(depth);
    int256 clamped = SignedMath.max(-bound, SignedMath.min(bound, skew));
    int256 velocity_ = Fixed.mulDivFloor(int256(maxVelocity), clamped, depth);
    return Funding.wrap((Funding.unwrap(funding) & ~(MASK_62 << 158)) | (_to62(velocity_) << 158));
}
