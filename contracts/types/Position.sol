// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @notice A position of an account in a market, one word: units 112 | quote 128 | epoch 16.
/// While nothing has happened to its side of the market, units are its size and its value at price P and funding index F
/// is units·(P − F) + quote; otherwise both follow through the side's index. `epoch` is that of the side when the
/// position was written.
type Position is uint256;

using {units, quote, epoch} for Position global;

Position constant NO_POSITION = Position.wrap(0);

function toPosition(int256 units_, int256 quote_, uint256 epoch_) pure returns (Position) {
    return
        Position.wrap(
            uint256(uint112(SafeCast.toInt112(units_))) |
                (uint256(uint128(SafeCast.toInt128(quote_))) << 112) |
                (epoch_ << 240)
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
    return Position.unwrap(position) >> 240;
}
