// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {PackedFloat} from "./PackedFloat.sol";

/// @notice A resting trigger order (reduce-only), in one slot:
/// asset 8 | delta 96 (WAD) | trigger price 32 | acceptable price 32 (packed floats) | expiry 32 | above 1 | set 1.
type OrderTrigger is uint256;

using {exists, asset, delta, triggerPrice, acceptable, expiry, isAbove, holdsAt} for OrderTrigger global;

OrderTrigger constant NO_TRIGGER = OrderTrigger.wrap(0);

/// @param above_ Fires at or above `triggerPrice_`; otherwise at or below it.
/// @param expiry_ Last second at which it may be poked; 0: none.
function toOrderTrigger(
    uint256 asset_,
    int256 delta_,
    PackedFloat triggerPrice_,
    bool above_,
    PackedFloat acceptable_,
    uint256 expiry_
) pure returns (OrderTrigger) {
    return
        OrderTrigger.wrap(
            uint256(SafeCast.toUint8(asset_)) |
                (uint256(uint96(SafeCast.toInt96(delta_))) << 8) |
                (uint256(PackedFloat.unwrap(triggerPrice_)) << 104) |
                (uint256(PackedFloat.unwrap(acceptable_)) << 136) |
                (uint256(SafeCast.toUint32(expiry_)) << 168) |
                (uint256(above_ ? 1 : 0) << 200) |
                (1 << 201)
        );
}

function exists(OrderTrigger trigger) pure returns (bool) {
    return OrderTrigger.unwrap(trigger) != 0;
}

function asset(OrderTrigger trigger) pure returns (uint256) {
    return uint8(OrderTrigger.unwrap(trigger));
}

/// @notice Signed change of size, base units, WAD.
function delta(OrderTrigger trigger) pure returns (int256) {
    return int96(int256(OrderTrigger.unwrap(trigger) >> 8));
}

/// @notice WAD.
function triggerPrice(OrderTrigger trigger) pure returns (uint256) {
    return PackedFloat.wrap(uint32(OrderTrigger.unwrap(trigger) >> 104)).decode();
}

/// @notice Bound of the settlement price, WAD; 0: none.
function acceptable(OrderTrigger trigger) pure returns (uint256) {
    return PackedFloat.wrap(uint32(OrderTrigger.unwrap(trigger) >> 136)).decode();
}

/// @notice Last second at which it may be poked; 0: none.
function expiry(OrderTrigger trigger) pure returns (uint256) {
    return uint32(OrderTrigger.unwrap(trigger) >> 168);
}

function isAbove(OrderTrigger trigger) pure returns (bool) {
    return (OrderTrigger.unwrap(trigger) >> 200) & 1 != 0;
}

/// @notice Whether the condition holds at `price`, WAD.
function holdsAt(OrderTrigger trigger, uint256 price) pure returns (bool) {
    return isAbove(trigger) ? price >= triggerPrice(trigger) : price <= triggerPrice(trigger);
}
