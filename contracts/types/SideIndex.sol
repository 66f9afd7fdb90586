// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Fixed, WAD} from "../libraries/Fixed.sol";

/// @notice How the stored positions of one side of a market read now, one word: scale 64 | profitScale 64 | offset 128.
/// A position (n, m) has size n·A and value n·(A·(P − F) + B) + m·H. Deleveraging moves A and B, a cut of profits moves B
/// and H, so that either reaches every position of the side at once. A and H are in 2^-64 and at most 1, B is a price
/// (WAD) with 32 more bits. A scale of 1 is stored as 0: the word of a side that nothing has happened to is 0.
type SideIndex is uint256;

using {
    scale,
    profitScale,
    offset,
    sizeDown,
    unitsUp,
    heldQuoteFloor,
    storedQuoteFloor,
    restDown,
    restUp
} for SideIndex global;
using {_same as ==} for SideIndex global;

SideIndex constant UNTOUCHED = SideIndex.wrap(0);
uint256 constant ONE_64 = 1 << 64;
uint256 constant OFFSET_UNIT = 1 << 32;

/// @param scale_ A, above 0, at most 2^64. @param profitScale_ H, likewise. @param offset_ B.
function toSideIndex(uint256 scale_, uint256 profitScale_, int256 offset_) pure returns (SideIndex) {
    return
        SideIndex.wrap(
            uint256(uint64(scale_)) |
                (uint256(uint64(profitScale_)) << 64) |
                (uint256(uint128(SafeCast.toInt128(offset_))) << 128)
        );
}

/// @notice A, in 2^-64.
function scale(SideIndex index) pure returns (uint256 value) {
    value = uint64(SideIndex.unwrap(index));
    if (value == 0) value = ONE_64;
}

/// @notice H, in 2^-64.
function profitScale(SideIndex index) pure returns (uint256 value) {
    value = uint64(SideIndex.unwrap(index) >> 64);
    if (value == 0) value = ONE_64;
}

/// @notice B, WAD with 32 more bits.
function offset(SideIndex index) pure returns (int256) {
    return int128(int256(SideIndex.unwrap(index) >> 128));
}

/// @notice |n|·A, rounded down.
/// @param units |n|, below 2^112.
function sizeDown(SideIndex index, uint256 units) pure returns (uint256) {
    unchecked {
        return (units * scale(index)) >> 64;
    }
}

/// @notice Units that read back as exactly `size`: |s|/A, rounded up.
/// @param size |s|, below 2^112.
function unitsUp(SideIndex index, uint256 size) pure returns (uint256) {
    return Fixed.divUp(size << 64, scale(index));
}

/// @notice n·B + m·H, each rounded down.
/// @param units n, signed. @param quote m.
function heldQuoteFloor(SideIndex index, int256 units, int256 quote) pure returns (int256) {
    return
        Fixed.divFloor(units * offset(index), OFFSET_UNIT * WAD) +
        Fixed.divFloor(quote * int256(profitScale(index)), ONE_64);
}

/// @notice m under which `units` are worth n·B + m·H = `quote`, rounded down.
function storedQuoteFloor(SideIndex index, int256 units, int256 quote) pure returns (int256) {
    int256 rest = quote - Fixed.divFloor(units * offset(index), OFFSET_UNIT * WAD);
    uint256 divisor = profitScale(index);
    if (divisor == ONE_64) return rest;
    return Fixed.divFloor(rest * int256(ONE_64), divisor);
}

/// @notice What the size that `sizeDown` drops is worth: n·A·net − s·net, each rounded down, so that value is exact.
/// @param units n, signed. @param size s as read, signed. @param net P − F, WAD.
function restDown(SideIndex index, int256 units, int256 size, int256 net) pure returns (int256) {
    // The scale has at most 65 bits, units 113, net 98: 512 bits where needed.
    return Fixed.mulDivFloor(units * int256(scale(index)), net, ONE_64 * WAD) - Fixed.divFloor(size * net, WAD);
}

/// @notice What the units of a position are worth beyond its size, rounded up: it is not paid that when it is written.
/// @param units n, signed. @param size s as read, signed. @param net P − F, WAD.
function restUp(SideIndex index, int256 units, int256 size, int256 net) pure returns (int256) {
    return Fixed.mulDivCeil(units * int256(scale(index)) - size * int256(ONE_64), net, ONE_64 * WAD);
}

function _same(SideIndex a, SideIndex b) pure returns (bool) {
    return SideIndex.unwrap(a) == SideIndex.unwrap(b);
}
