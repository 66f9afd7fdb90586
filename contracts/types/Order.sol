// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {ESCROW_UNIT} from "../interfaces/IClearingHouse.sol";
import {OrderLeg, toOrderLeg} from "./OrderLeg.sol";
import {PackedFloat} from "./PackedFloat.sol";

/// @notice A pending order, in one slot:
/// asset 7 | delta 96 (WAD) | submittedAt 32 | delay 8 (s) | phase 16 | acceptable price 32 (packed float) |
/// pay 24 | charge 30 (both in ESCROW_UNIT) | expiry 9 (EXPIRY_UNIT) | basket 1 | reduceOnly 1.
/// The delay in force at submission is kept, so that the boundary of a pending order never moves. The header of a
/// basket has the number of its legs in place of `asset`, and no delta, phase or acceptable price.
type Order is uint256;

using {
    exists,
    delta,
    submittedAt,
    boundary,
    acceptable,
    pay,
    charge,
    expiresAt,
    isBasket,
    isReduceOnly,
    legCount,
    single
} for Order global;

Order constant NO_ORDER = Order.wrap(0);

/// @dev Own expiries are offsets from the submission in this unit, s.
uint256 constant EXPIRY_UNIT = 32;
uint256 constant MAX_EXPIRY = ((1 << 9) - 1) * EXPIRY_UNIT;
uint256 constant MAX_ESCROWED_PAY = type(uint24).max * ESCROW_UNIT;
uint256 constant MAX_CHARGE = ((1 << 30) - 1) * ESCROW_UNIT;

error ChargeTooLarge(uint256 charge, uint256 maximum);

/// @notice Terms of an order that do not depend on what it is about.
/// @param pay Escrowed keeper pay, WAD, a multiple of ESCROW_UNIT. @param charge Cancel charge, likewise.
/// @param lifetime Seconds from submission to the own expiry, at most MAX_EXPIRY, rounded down to EXPIRY_UNIT; 0: none.
struct OrderTerms {
    uint256 submittedAt;
    uint256 delay;
    uint256 pay;
    uint256 charge;
    uint256 lifetime;
    bool reduceOnly;
}

function toSingleOrder(OrderLeg leg, OrderTerms memory terms) pure returns (Order) {
    return
        Order.wrap(
            _packTerms(terms) |
                leg.asset() |
                (uint256(uint96(int96(leg.delta()))) << 7) |
                (leg.phase() << 143) |
                (uint256(PackedFloat.unwrap(leg.price())) << 159)
        );
}

function toBasket(uint256 count, OrderTerms memory terms) pure returns (Order) {
    return Order.wrap(_packTerms(terms) | count | (1 << 254));
}

function exists(Order order) pure returns (bool) {
    return Order.unwrap(order) != 0;
}

/// @notice Signed change of size, base units, WAD; 0 for a basket.
function delta(Order order) pure returns (int256) {
    return int96(int256(Order.unwrap(order) >> 7));
}

function submittedAt(Order order) pure returns (uint256) {
    return uint32(Order.unwrap(order) >> 103);
}

/// @notice Only a round later than this settles the order, unix seconds.
function boundary(Order order) pure returns (uint256) {
    unchecked {
        return submittedAt(order) + uint8(Order.unwrap(order) >> 135);
    }
}

/// @notice Highest price of a buy, lowest of a sell, WAD; none for a basket.
function acceptable(Order order) pure returns (PackedFloat) {
    return PackedFloat.wrap(uint32(Order.unwrap(order) >> 159));
}

/// @notice Escrowed keeper pay, WAD.
function pay(Order order) pure returns (uint256) {
    return uint24(Order.unwrap(order) >> 191) * ESCROW_UNIT;
}

/// @notice Escrowed cancel charge, WAD.
function charge(Order order) pure returns (uint256) {
    return ((Order.unwrap(order) >> 215) & ((1 << 30) - 1)) * ESCROW_UNIT;
}

/// @notice Last second at which a round may settle the order by its owner's will; 0: none.
function expiresAt(Order order) pure returns (uint256) {
    uint256 offset = (Order.unwrap(order) >> 245) & ((1 << 9) - 1);
    return offset == 0 ? 0 : submittedAt(order) + offset * EXPIRY_UNIT;
}

function isBasket(Order order) pure returns (bool) {
    return (Order.unwrap(order) >> 254) & 1 != 0;
}

function isReduceOnly(Order order) pure returns (bool) {
    return (Order.unwrap(order) >> 255) != 0;
}

function legCount(Order order) pure returns (uint256) {
    return isBasket(order) ? Order.unwrap(order) & 0x7f : 1;
}

/// @notice The one leg of an order that is no basket; its price is the acceptable one.
function single(Order order) pure returns (OrderLeg) {
    return
        toOrderLeg({
            asset_: Order.unwrap(order) & 0x7f,
            delta_: delta(order),
            phase_: uint16(Order.unwrap(order) >> 143),
            price_: acceptable(order)
        });
}

function _packTerms(OrderTerms memory terms) pure returns (uint256) {
    require(terms.charge <= MAX_CHARGE, ChargeTooLarge(terms.charge, MAX_CHARGE));
    return
        (uint256(SafeCast.toUint32(terms.submittedAt)) << 103) |
        (uint256(SafeCast.toUint8(terms.delay)) << 135) |
        (uint256(SafeCast.toUint24(terms.pay / ESCROW_UNIT)) << 191) |
        ((terms.charge / ESCROW_UNIT) << 215) |
        ((terms.lifetime / EXPIRY_UNIT) << 245) |
        (uint256(terms.reduceOnly ? 1 : 0) << 255);
}
