// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @notice An unsigned number with 26 significant bits (relative error below 2^-25, 0.0003 bp), in 32 bits:
/// mantissa 26 | exponent 6. Its value is mantissa·2^exponent; 0 means none.
type PackedFloat is uint32;

using {decode, isNone} for PackedFloat global;

PackedFloat constant NO_PRICE = PackedFloat.wrap(0);
/// @dev (2^26 − 1)·2^63: about 619 million, WAD.
uint256 constant MAX_PACKED_FLOAT = ((1 << 26) - 1) << 63;

error PackedFloatOverflow(uint256 value);

/// @notice The largest packed number that is not above `value`; what is too large becomes `MAX_PACKED_FLOAT`.
function packFloatDown(uint256 value) pure returns (PackedFloat) {
    uint256 clamped = Math.min(value, MAX_PACKED_FLOAT);
    uint256 exponent = _exponent(clamped);
    return _pack(clamped >> exponent, exponent);
}

/// @notice The smallest packed number that is not below `value`.
function packFloatUp(uint256 value) pure returns (PackedFloat) {
    require(value <= MAX_PACKED_FLOAT, PackedFloatOverflow(value));
    uint256 exponent = _exponent(value);
    uint256 mantissa = value >> exponent;
    if (mantissa << exponent != value) ++mantissa;
    // One more than 26 ones: the same value with the next exponent.
    return mantissa == 1 << 26 ? _pack(1 << 25, exponent + 1) : _pack(mantissa, exponent);
}

function decode(PackedFloat float) pure returns (uint256) {
    uint256 word = PackedFloat.unwrap(float);
    return (word & ((1 << 26) - 1)) << (word >> 26);
}

function isNone(PackedFloat float) pure returns (bool) {
    return PackedFloat.unwrap(float) == 0;
}

/// @dev What to shift `value` by for 26 bits to be left.
function _exponent(uint256 value) pure returns (uint256) {
    return value >> 26 == 0 ? 0 : Math.log2(value) - 25;
}

function _pack(uint256 mantissa, uint256 exponent) pure returns (PackedFloat) {
    return PackedFloat.wrap(uint32(mantissa | (exponent << 26)));
}
