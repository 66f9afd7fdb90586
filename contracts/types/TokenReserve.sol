// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {Fixed} from "../libraries/Fixed.sol";

/// @notice What the vault holds of a token, one word: held 88 | cap 88 | level 48 | time 32. Amounts in token units.
/// `level` is the net outflow of late, signed, in `LEVEL_UNIT` parts of the outflow limit. Inflow beyond what had flowed
/// out makes it negative: if it were forgotten, depositing and withdrawing a borrowed amount would fill the bucket and
/// stop everybody's withdrawals for the price of gas.
type TokenReserve is uint256;

using {held, cap, storedLevel, level, time, withCap, rescaled} for TokenReserve global;
using {inflow, outflow, withinLimit, room, availableOutflow} for TokenReserve global;

/// @dev 1e-9: rounding a withdrawal of dust up costs the bucket nothing that a second of time does not give back.
int256 constant LEVEL_UNIT = 1e9;

/// @dev Over which a full bucket empties.
uint256 constant OUTFLOW_WINDOW = 24 hours;

function toTokenReserve(uint256 held_, uint256 cap_, int256 level_, uint256 time_) pure returns (TokenReserve) {
    return
        TokenReserve.wrap(
            uint256(SafeCast.toUint88(held_)) |
                (uint256(SafeCast.toUint88(cap_)) << 88) |
                (uint256(uint48(SafeCast.toInt48(level_))) << 176) |
                (uint256(SafeCast.toUint32(time_)) << 224)
        );
}

function held(TokenReserve reserve) pure returns (uint256) {
    return uint88(TokenReserve.unwrap(reserve));
}

/// @notice Largest amount that a deposit may leave held.
function cap(TokenReserve reserve) pure returns (uint256) {
    return uint88(TokenReserve.unwrap(reserve) >> 88);
}

/// @notice The level as of `time`.
function storedLevel(TokenReserve reserve) pure returns (int256) {
    return int48(int256(TokenReserve.unwrap(reserve) >> 176));
}

/// @notice The level at `now_`: it moves to zero by max(1, |level|) of the limit per window, in favour of the limit.
function level(TokenReserve reserve, uint256 now_) pure returns (int256) {
    int256 stored = storedLevel(reserve);
    uint256 size = SignedMath.abs(stored);
    uint256 product = Math.max(size, uint256(LEVEL_UNIT)) * (now_ - time(reserve));
    uint256 step = stored > 0 ? product / OUTFLOW_WINDOW : Fixed.divUp(product, OUTFLOW_WINDOW);
    if (step >= size) return 0;
    return stored > 0 ? stored - int256(step) : stored + int256(step);
}

/// @notice When the stored level was valid, unix seconds.
function time(TokenReserve reserve) pure returns (uint256) {
    return TokenReserve.unwrap(reserve) >> 224;
}

function withCap(TokenReserve reserve, uint256 cap_) pure returns (TokenReserve) {
    return toTokenReserve({held_: held(reserve), cap_: cap_, level_: storedLevel(reserve), time_: time(reserve)});
}

/// @notice The reserve after its outflow limit moved from `from` to `to` (0: no limit): what has flowed out stays, as
/// far as the new limit can hold it; an inflow is forgotten.
function rescaled(TokenReserve reserve, uint256 from, uint256 to, uint256 now_) pure returns (TokenReserve) {
    int256 level_ = level(reserve, now_);
    if (level_ <= 0 || to == 0) level_ = 0;
    else level_ = SignedMath.min(LEVEL_UNIT, Fixed.mulDivCeil(level_, int256(from), to));
    return toTokenReserve({held_: held(reserve), cap_: cap(reserve), level_: level_, time_: now_});
}

/// @notice What may still be deposited.
function room(TokenReserve reserve) pure returns (uint256) {
    return Math.saturatingSub(cap(reserve), held(reserve));
}

/// @notice The reserve after a deposit; the level falls by the amount, rounded down.
/// @param limit Outflow limit, token units; 0: none.
function inflow(TokenReserve reserve, uint256 amount, uint256 limit, uint256 now_) pure returns (TokenReserve) {
    int256 level_;
    if (limit != 0) {
        level_ = level(reserve, now_) - int256((amount * uint256(LEVEL_UNIT)) / limit);
        level_ = SignedMath.max(level_, type(int48).min);
    }
    return toTokenReserve({held_: held(reserve) + amount, cap_: cap(reserve), level_: level_, time_: now_});
}

/// @notice The reserve after a withdrawal; the level rises by the amount, rounded up. `withinLimit` judges the result.
/// @param amount At most `held`.
/// @param limit Outflow limit, token units; 0: none.
function outflow(TokenReserve reserve, uint256 amount, uint256 limit, uint256 now_) pure returns (TokenReserve) {
    int256 level_;
    if (limit != 0) {
        level_ = level(reserve, now_) + int256(Fixed.divUp(amount * uint256(LEVEL_UNIT), limit));
        level_ = SignedMath.min(level_, type(int48).max);
    }
    return toTokenReserve({held_: held(reserve) - amount, cap_: cap(reserve), level_: level_, time_: now_});
}

function withinLimit(TokenReserve reserve) pure returns (bool) {
    return storedLevel(reserve) <= LEVEL_UNIT;
}

/// @notice What may still be withdrawn, token units, rounded down.
/// @param limit Outflow limit, token units; 0: none.
function availableOutflow(TokenReserve reserve, uint256 limit, uint256 now_) pure returns (uint256) {
    if (limit == 0) return held(reserve);
    uint256 available = (uint256(LEVEL_UNIT - level(reserve, now_)) * limit) / uint256(LEVEL_UNIT);
    return Math.min(available, held(reserve));
}
