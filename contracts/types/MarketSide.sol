// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @notice The sums of all positions on one side of a market, one word: size 112 | quote 128 | epoch 16.
type MarketSide is uint256;

using {size, quote, add} for MarketSide global;

/// @notice Σ |size| over the positions of the side, WAD.
function size(MarketSide side) pure returns (uint256) {
    return uint112(MarketSide.unwrap(side));
}

/// @notice Σ quote over the positions of the side, WAD.
function quote(MarketSide side) pure returns (int256) {
    return int128(int256(MarketSide.unwrap(side) >> 112));
}

/// @notice The side after `sizeDelta` and `quoteDelta`; its epoch stays.
function add(MarketSide side, int256 sizeDelta, int256 quoteDelta) pure returns (MarketSide) {
    uint256 size_ = SafeCast.toUint256(int256(size(side)) + sizeDelta);
    int256 quote_ = quote(side) + quoteDelta;
    return
        MarketSide.wrap(
            uint256(SafeCast.toUint112(size_)) |
                (uint256(uint128(SafeCast.toInt128(quote_))) << 112) |
                ((MarketSide.unwrap(side) >> 240) << 240)
        );
}
