// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {MAX_EPOCH} from "./MarketSide.sol";

/// @notice A position of an account in a market, one word: units 112 | quote 128 | epoch 10 |
/// cuts 6.
/// While nothing has happened to its side of the market, units are its size and its value at price P and funding index F
/// is units·(P − F) + quote; otherwise both follow through the side's index. `epoch` and `cuts` are those of the side
/// when the position was given its size.
type Position is uint256;

using {units, quote, epoch, cuts} for Position global;

Position constant NO_POSITION = Position.wrap(0);

function toPosition(int256 units_, int256 quote_, uint256 epoch_, uint256 cuts_) pure returns (Position) {
    return
        Position.wrap(
            uint256(uint112(SafeCast.toInt112(units_))) |
                (uint256(uint128(SafeCast.toInt128(quote_))) << 112) |
                (epoch_ << 240) |
                (cuts_ << 250)
        );
}

/// @notice n: signed, positive is long.
function units(Position position) pure returns (int256) {
    return int112(int256(Position.unwrap(position)));
}

/// @notice m: what the position was paid for, net of the funding index at the time, WAD of settlement token.
function quote(Position position) pure returns (int256) {
    return int128(int256(Position.unwrap(position) >> 112));
}

function epoch(Position position) pure returns (uint256) {
    return (Position.unwrap(position) >> 240) & MAX_EPOCH;
}

/// @notice How often the side had been deleveraged in its epoch, modulo `CUTS`.
function cuts(Position position) pure returns (uint256) {
    return Position.unwrap(position) >> 250;
}
