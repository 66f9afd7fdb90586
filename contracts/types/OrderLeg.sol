// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {PackedFloat} from "./PackedFloat.sol";

/// @notice A leg of an order, in one word: asset 8 | delta 96 (WAD) | phase 16 | price 32 (packed float).
/// `price` is what the settlement price is held against: the last price at submission for a leg of a basket, the
/// acceptable price for a single order.
type OrderLeg is uint256;

using {asset, delta, phase, price} for OrderLeg global;

OrderLeg constant NO_LEG = OrderLeg.wrap(0);

function toOrderLeg(uint256 asset_, int256 delta_, uint256 phase_, PackedFloat price_) pure returns (OrderLeg) {
    return
        OrderLeg.wrap(
            uint256(SafeCast.toUint8(asset_)) |
                (uint256(uint96(SafeCast.toInt96(delta_))) << 8) |
                (uint256(SafeCast.toUint16(phase_)) << 104) |
                (uint256(PackedFloat.unwrap(price_)) << 120)
        );
}

function asset(OrderLeg leg) pure returns (uint256) {
    return uint8(OrderLeg.unwrap(leg));
}

/// @notice Signed change of size, base units, WAD.
function delta(OrderLeg leg) pure returns (int256) {
    return int96(int256(OrderLeg.unwrap(leg) >> 8));
}

/// @notice Phase of the feed at submission, in which the leg settles.
function phase(OrderLeg leg) pure returns (uint256) {
    return uint16(OrderLeg.unwrap(leg) >> 104);
}

function price(OrderLeg leg) pure returns (PackedFloat) {
    return PackedFloat.wrap(uint32(OrderLeg.unwrap(leg) >> 120));
}
