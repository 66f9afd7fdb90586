// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {WAD} from "../libraries/Fixed.sol";

/// @notice What holds for all accounts, one word of ten 24-bit numbers and one of 16 bits (1e-6 where no unit is given).
type GlobalParameters is uint256;

using {
    maintenanceFactor,
    shortfallInitial,
    shortfallMaintenance,
    protocolFeeShare,
    insuranceFeeShare,
    markMaxAge,
    liquidationTarget,
    liquidationPenalty,
    liquidatorShare,
    deepLoss,
    takeoverDiscount
} for GlobalParameters global;

/// @notice All of it but m, which ramps, as governance sets it: 1e-6 where no unit is given.
struct GlobalSettings {
    uint256 shortfallInitial; // λ_I
    uint256 shortfallMaintenance; // λ_M
    uint256 protocolFeeShare;
    uint256 insuranceFeeShare;
    uint256 markMaxAge; // seconds
    uint256 liquidationTarget; // τ
    uint256 liquidationPenalty; // φ
    uint256 liquidatorShare;
    uint256 deepLoss;
    uint256 takeoverDiscount;
}

/// @notice The word with m = 0. A field that is too wide reverts.
function toGlobalParameters(GlobalSettings memory settings) pure returns (GlobalParameters) {
    return
        GlobalParameters.wrap(
            (uint256(SafeCast.toUint24(settings.shortfallInitial)) << 24) |
                (uint256(SafeCast.toUint24(settings.shortfallMaintenance)) << 48) |
                (uint256(SafeCast.toUint24(settings.protocolFeeShare)) << 72) |
                (uint256(SafeCast.toUint24(settings.insuranceFeeShare)) << 96) |
                (uint256(SafeCast.toUint24(settings.markMaxAge)) << 120) |
                (uint256(SafeCast.toUint24(settings.liquidationTarget)) << 144) |
                (uint256(SafeCast.toUint24(settings.liquidationPenalty)) << 168) |
                (uint256(SafeCast.toUint24(settings.liquidatorShare)) << 192) |
                (uint256(SafeCast.toUint24(settings.deepLoss)) << 216) |
                (uint256(SafeCast.toUint16(settings.takeoverDiscount)) << 240)
        );
}

/// @notice m: share of β and σ that counts for maintenance.
function maintenanceFactor(GlobalParameters word) pure returns (uint256) {
    return uint24(GlobalParameters.unwrap(word));
}

/// @notice λ_I: largest shortfall at an initial check, of the collateral's value.
function shortfallInitial(GlobalParameters word) pure returns (uint256) {
    return uint24(GlobalParameters.unwrap(word) >> 24);
}

/// @notice λ_M: shortfall above which anyone may convert collateral, of the collateral's value.
function shortfallMaintenance(GlobalParameters word) pure returns (uint256) {
    return uint24(GlobalParameters.unwrap(word) >> 48);
}

/// @notice Share of trading fees that goes to the protocol.
function protocolFeeShare(GlobalParameters word) pure returns (uint256) {
    return uint24(GlobalParameters.unwrap(word) >> 72);
}

/// @notice Share of trading fees that goes to insurance; what is left, dust included, goes to the pool.
function insuranceFeeShare(GlobalParameters word) pure returns (uint256) {
    return uint24(GlobalParameters.unwrap(word) >> 96);
}

/// @notice Age beyond which the pool mark no longer serves the caps, seconds.
function markMaxAge(GlobalParameters word) pure returns (uint256) {
    return uint24(GlobalParameters.unwrap(word) >> 120);
}

/// @notice τ: a liquidation may bring the account up to R_M + τ·(R_I − R_M).
function liquidationTarget(GlobalParameters word) pure returns (uint256) {
    return uint24(GlobalParameters.unwrap(word) >> 144);
}

/// @notice φ: penalty per unit of maintenance requirement removed.
function liquidationPenalty(GlobalParameters word) pure returns (uint256) {
    return uint24(GlobalParameters.unwrap(word) >> 168);
}

/// @notice Share of the penalty that goes to the liquidator; what is left goes to insurance.
function liquidatorShare(GlobalParameters word) pure returns (uint256) {
    return uint24(GlobalParameters.unwrap(word) >> 192);
}

/// @notice Equity over R_M below which an account may be closed whole.
function deepLoss(GlobalParameters word) pure returns (uint256) {
    return uint24(GlobalParameters.unwrap(word) >> 216);
}

/// @notice Largest discount, of the notional, at which positions are taken over; at most 65,535.
function takeoverDiscount(GlobalParameters word) pure returns (uint256) {
    return GlobalParameters.unwrap(word) >> 240;
}

/// @notice What the protocol's own money follows, one word: four amounts of 32 bits in cents of settlement token
/// (minNotional, smallRequirement, flatReward, unattributedCap) and four rates of 24 bits, 1e-6 (borrowKink,
/// borrowRateKink, borrowRateFull, lossBudget).
type MoneyParameters is uint256;

using {
    minNotional,
    smallRequirement,
    flatReward,
    unattributedCap,
    borrowKink,
    borrowRateKink,
    borrowRateFull,
    lossBudget
} for MoneyParameters global;

uint256 constant CENT = WAD / 100;

/// @notice `MoneyParameters` as governance sets them, in the units in which they are kept.
struct MoneySettings {
    uint256 minNotional; // cents, as the next three
    uint256 smallRequirement;
    uint256 flatReward;
    uint256 unattributedCap;
    uint256 borrowKink; // 1e-6 of utilisation
    uint256 borrowRateKink; // 1e-6 per year, as the next
    uint256 borrowRateFull;
    uint256 lossBudget; // 1e-6 of the pool's equity
}

/// @param settings Each within the width of its field.
function toMoneyParameters(MoneySettings memory settings) pure returns (MoneyParameters) {
    return
        MoneyParameters.wrap(
            settings.minNotional |
                (settings.smallRequirement << 32) |
                (settings.flatReward << 64) |
                (settings.unattributedCap << 96) |
                (settings.borrowKink << 128) |
                (settings.borrowRateKink << 152) |
                (settings.borrowRateFull << 176) |
                (settings.lossBudget << 200)
        );
}

/// @notice Least notional that a fill may leave open, WAD.
function minNotional(MoneyParameters word) pure returns (uint256) {
    return uint32(MoneyParameters.unwrap(word)) * CENT;
}

/// @notice R_M below which an account may be closed whole, WAD.
function smallRequirement(MoneyParameters word) pure returns (uint256) {
    return uint32(MoneyParameters.unwrap(word) >> 32) * CENT;
}

/// @notice Paid by insurance to whoever closes an account without equity, WAD.
function flatReward(MoneyParameters word) pure returns (uint256) {
    return uint32(MoneyParameters.unwrap(word) >> 64) * CENT;
}

/// @notice What insurance pays within a day for deficits that no market has caused, WAD.
function unattributedCap(MoneyParameters word) pure returns (uint256) {
    return uint32(MoneyParameters.unwrap(word) >> 96) * CENT;
}

/// @notice Utilisation from which the borrow rate rises to `borrowRateFull`, 1e-6.
function borrowKink(MoneyParameters word) pure returns (uint256) {
    return uint24(MoneyParameters.unwrap(word) >> 128);
}

/// @notice Borrow rate at the kink, 1e-6 per year.
function borrowRateKink(MoneyParameters word) pure returns (uint256) {
    return uint24(MoneyParameters.unwrap(word) >> 152);
}

/// @notice Borrow rate when everything is lent, 1e-6 per year.
function borrowRateFull(MoneyParameters word) pure returns (uint256) {
    return uint24(MoneyParameters.unwrap(word) >> 176);
}

/// @notice What a market may owe its traders before it is deleveraged, 1e-6 of the pool's equity.
function lossBudget(MoneyParameters word) pure returns (uint256) {
    return uint24(MoneyParameters.unwrap(word) >> 200);
}

/// @notice ρ of up to ten groups, one word: 24 bits each, 1e-6; the highest bit says that a ramp is to be read
/// (`MarginRamp`).
type GroupParameters is uint256;

using {hedgeFloor} for GroupParameters global;

uint256 constant MAX_GROUPS = 10;

/// @notice ρ of `group`: the share of its gross risk that a perfect hedge still needs, 1e-6.
function hedgeFloor(GroupParameters word, uint256 group) pure returns (uint256) {
    return uint24(GroupParameters.unwrap(word) >> (24 * group));
}

/// @notice A collateral token, one word: asset 8 | saleDiscount 24 | lotExponent 8 | listed 1.
type CollateralParameters is uint256;

using {asset, saleDiscount, saleLot, listed} for CollateralParameters global;

function toCollateralParameters(
    uint256 asset_,
    uint256 saleDiscount_,
    uint256 lotExponent_
) pure returns (CollateralParameters) {
    return CollateralParameters.wrap(asset_ | (saleDiscount_ << 8) | (lotExponent_ << 32) | (1 << 40));
}

/// @notice Index of the asset that the token is priced as.
function asset(CollateralParameters word) pure returns (uint256) {
    return uint8(CollateralParameters.unwrap(word));
}

/// @notice Discount at which a liquidation sells it, 1e-6.
function saleDiscount(CollateralParameters word) pure returns (uint256) {
    return uint24(CollateralParameters.unwrap(word) >> 8);
}

/// @notice Smallest step of a sale that a liquidation is judged by, WAD.
function saleLot(CollateralParameters word) pure returns (uint256) {
    return 10 ** uint8(CollateralParameters.unwrap(word) >> 32);
}

function listed(CollateralParameters word) pure returns (bool) {
    return (CollateralParameters.unwrap(word) >> 40) != 0;
}
