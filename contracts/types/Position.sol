// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @notice A position of an account in a market, one word: size 112 | quote 128 | epoch 16.
/// Its value at price P and funding index F is size·(P − F) + quote. `epoch` counts how often its side of the market
/// was closed whole (0 until deleveraging does that).
type Position is uint256;

using {size, quote} for Position global;

Position constant NO_POSITION = Position.wrap(0);

function toPosition(int256 size_, int256 quote_) pure returns (Position) {
    return
        Position.wrap(
            uint256(uint112(SafeCast.toInt112(size_))) | (uint256(uint128(SafeCast.toInt128(quote_))) << 112)
        );
}

/// @notice Signed size in base units, WAD: positive is long.
function size(Position position) pure returns (int256) {
    return int112(int256(Position.unwrap(position)));
}

/// @notice What the position was paid for, net of the funding index at the time, WAD of settlement token.
function quote(Position position) pure returns (int256) {
    return int128(int256(Position.unwrap(position) >> 112));
}
