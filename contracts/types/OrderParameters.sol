// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {ESCROW_UNIT} from "../interfaces/IClearingHouse.sol";
import {WAD} from "../libraries/Fixed.sol";
import {MAX_ESCROWED_PAY} from "./Order.sol";

/// @notice What governance sets for orders, in one slot:
/// delay 8 (s) | executionWindow 16 (s) | band 24 (1e-6) | fixedPay 24 (ESCROW_UNIT) | tip 24 (TIP_UNIT) |
/// gas of a single order, a basket, each of its legs, a poke, a refund (16 bits each, GAS_UNIT) | legGap 16 (s).
type OrderParameters is uint256;

using {
    delay,
    executionWindow,
    band,
    legGap,
    fixedPay,
    tip,
    singleGas,
    basketGas,
    legGas,
    pokeGas,
    refundGas,
    orderGas,
    payAt,
    escrowAt,
    unpack
} for OrderParameters global;

uint256 constant GAS_UNIT = 1000;
uint256 constant TIP_UNIT = 1e6;

/// @notice `OrderParameters`, unpacked.
struct OrderSettings {
    uint256 delay; // d: settlement needs a round later than submission + d, s
    uint256 executionWindow; // time from the settlement round in which an order may be filled, s
    uint256 band; // largest move of a basket's leg between submission and settlement, 1e-6
    uint256 fixedPay; // part of keeper pay that does not depend on gas, WAD, multiple of ESCROW_UNIT
    uint256 tip; // priority fee that keeper pay covers, wei per gas, multiple of TIP_UNIT
    uint256 singleGas; // gas that keeper pay covers, multiple of GAS_UNIT: execution of a single order,
    uint256 basketGas; // of a basket without its legs,
    uint256 legGas; // of each leg,
    uint256 pokeGas; // poke of a trigger,
    uint256 refundGas; // refund of a void order
    uint256 legGap; // most between the first and the last settlement round of a basket's legs, s
}

function toOrderParameters(OrderSettings memory settings) pure returns (OrderParameters) {
    return
        OrderParameters.wrap(
            settings.delay |
                (settings.executionWindow << 8) |
                (settings.band << 24) |
                ((settings.fixedPay / ESCROW_UNIT) << 48) |
                ((settings.tip / TIP_UNIT) << 72) |
                ((settings.singleGas / GAS_UNIT) << 96) |
                ((settings.basketGas / GAS_UNIT) << 112) |
                ((settings.legGas / GAS_UNIT) << 128) |
                ((settings.pokeGas / GAS_UNIT) << 144) |
                ((settings.refundGas / GAS_UNIT) << 160) |
                (settings.legGap << 176)
        );
}

function delay(OrderParameters word) pure returns (uint256) {
    return uint8(OrderParameters.unwrap(word));
}

function executionWindow(OrderParameters word) pure returns (uint256) {
    return uint16(OrderParameters.unwrap(word) >> 8);
}

function legGap(OrderParameters word) pure returns (uint256) {
    return uint16(OrderParameters.unwrap(word) >> 176);
}

function band(OrderParameters word) pure returns (uint256) {
    return uint24(OrderParameters.unwrap(word) >> 24);
}

function fixedPay(OrderParameters word) pure returns (uint256) {
    return uint24(OrderParameters.unwrap(word) >> 48) * ESCROW_UNIT;
}

function tip(OrderParameters word) pure returns (uint256) {
    return uint24(OrderParameters.unwrap(word) >> 72) * TIP_UNIT;
}

function singleGas(OrderParameters word) pure returns (uint256) {
    return uint16(OrderParameters.unwrap(word) >> 96) * GAS_UNIT;
}

function basketGas(OrderParameters word) pure returns (uint256) {
    return uint16(OrderParameters.unwrap(word) >> 112) * GAS_UNIT;
}

function legGas(OrderParameters word) pure returns (uint256) {
    return uint16(OrderParameters.unwrap(word) >> 128) * GAS_UNIT;
}

function pokeGas(OrderParameters word) pure returns (uint256) {
    return uint16(OrderParameters.unwrap(word) >> 144) * GAS_UNIT;
}

function refundGas(OrderParameters word) pure returns (uint256) {
    return uint16(OrderParameters.unwrap(word) >> 160) * GAS_UNIT;
}

/// @notice Gas that the pay for executing an order covers.
/// @param legs Legs of a basket; 0 for a single order.
function orderGas(OrderParameters word, uint256 legs) pure returns (uint256) {
    return legs == 0 ? singleGas(word) : basketGas(word) + legs * legGas(word);
}

/// @notice Keeper pay: fixed + gas·(base fee + tip)·price of the native token, WAD, rounded down.
/// @param nativePrice USD per whole native token, WAD.
function payAt(OrderParameters word, uint256 gas, uint256 baseFee, uint256 nativePrice) pure returns (uint256) {
    return fixedPay(word) + (gas * (baseFee + tip(word)) * nativePrice) / WAD;
}

/// @notice What is escrowed for keeper pay: enough for twice the base fee, rounded up to ESCROW_UNIT, WAD.
/// @dev Bounded by its field. Beyond it (1677 USD) the keeper gets what there is. No branch depends on the base fee, so
/// that an estimate of gas at another one is exact.
function escrowAt(OrderParameters word, uint256 gas, uint256 baseFee, uint256 nativePrice) pure returns (uint256) {
    uint256 cost = gas * (2 * baseFee + tip(word)) * nativePrice;
    uint256 escrow = fixedPay(word) + Math.ceilDiv(cost, WAD * ESCROW_UNIT) * ESCROW_UNIT;
    return escrow < MAX_ESCROWED_PAY ? escrow : MAX_ESCROWED_PAY;
}

function unpack(OrderParameters word) pure returns (OrderSettings memory) {
    return
        OrderSettings({
            delay: delay(word),
            executionWindow: executionWindow(word),
            band: band(word),
            fixedPay: fixedPay(word),
            tip: tip(word),
            singleGas: singleGas(word),
            basketGas: basketGas(word),
            legGas: legGas(word),
            pokeGas: pokeGas(word),
            refundGas: refundGas(word),
            legGap: legGap(word)
        });
}
