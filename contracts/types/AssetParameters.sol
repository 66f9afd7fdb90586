// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {WAD} from "../libraries/Fixed.sol";

/// @notice Risk parameters of an asset, one word:
/// beta, sigma, gamma, kappa (24 bits each, 1e-6) at the start of the ramp | the same at its end | start 32 |
/// duration 24 | group 8. Between start and start + duration each moves linearly; so no change acts at once.
type RiskParameters is uint256;

using {rates, ratesAt, group, rampStart, rampEnd, withGroup} for RiskParameters global;

/// @notice Risk rates in force, 1e-6.
struct RiskRates {
    uint256 beta; // loss under the shock of the asset's group
    uint256 sigma; // own risk
    uint256 gamma; // close-out charge of a small position
    uint256 kappa; // its growth with size over depth
}

/// @param from Rates at `start`. @param to Rates from `start` + `duration` on. @param group_ Group of the asset.
function toRiskParameters(
    RiskRates memory from,
    RiskRates memory to,
    uint256 start,
    uint256 duration,
    uint256 group_
) pure returns (RiskParameters) {
    return
        RiskParameters.wrap(
            from.beta |
                (from.sigma << 24) |
                (from.gamma << 48) |
                (from.kappa << 72) |
                (to.beta << 96) |
                (to.sigma << 120) |
                (to.gamma << 144) |
                (to.kappa << 168) |
                (start << 192) |
                (duration << 224) |
                (group_ << 248)
        );
}

/// @notice The rates at `now_`, each rounded up.
function rates(RiskParameters word, uint256 now_) pure returns (RiskRates memory) {
    (uint256 beta, uint256 sigma, uint256 gamma, uint256 kappa) = ratesAt(word, now_);
    return RiskRates({beta: beta, sigma: sigma, gamma: gamma, kappa: kappa});
}

/// @notice `rates`, on the stack.
function ratesAt(
    RiskParameters word,
    uint256 now_
) pure returns (uint256 beta, uint256 sigma, uint256 gamma, uint256 kappa) {
    uint256 raw = RiskParameters.unwrap(word);
    uint256 duration = uint24(raw >> 224);
    uint256 start = uint32(raw >> 192);
    unchecked {
        uint256 elapsed = now_ > start ? now_ - start : 0;
        if (elapsed >= duration) {
            return (uint24(raw >> 96), uint24(raw >> 120), uint24(raw >> 144), uint24(raw >> 168));
        }
        // 24-bit rates times 24-bit times
        uint256 left = duration - elapsed;
        beta = (uint24(raw) * left + uint24(raw >> 96) * elapsed + duration - 1) / duration;
        sigma = (uint24(raw >> 24) * left + uint24(raw >> 120) * elapsed + duration - 1) / duration;
        gamma = (uint24(raw >> 48) * left + uint24(raw >> 144) * elapsed + duration - 1) / duration;
        kappa = (uint24(raw >> 72) * left + uint24(raw >> 168) * elapsed + duration - 1) / duration;
    }
}

function group(RiskParameters word) pure returns (uint256) {
    return RiskParameters.unwrap(word) >> 248;
}

/// @notice When the last ramp began, unix seconds; that of an asset that had none ends with its listing.
function rampStart(RiskParameters word) pure returns (uint256) {
    return uint32(RiskParameters.unwrap(word) >> 192);
}

/// @notice From when on the rates stay, unix seconds.
function rampEnd(RiskParameters word) pure returns (uint256) {
    return rampStart(word) + uint24(RiskParameters.unwrap(word) >> 224);
}

/// @param group_ Below MAX_GROUPS.
function withGroup(RiskParameters word, uint256 group_) pure returns (RiskParameters) {
    return RiskParameters.wrap((RiskParameters.unwrap(word) & ((1 << 248) - 1)) | (group_ << 248));
}

/// @notice What a market allows on a fill.
enum MarketStatus {
    None, // collateral only
    Active,
    ReduceOnly,
    Closing, // reduce only, until its final price
    Closed // every position has become cash
}

/// @notice Size parameters of an asset, one word: depth 112 | openInterestCap 112 | openInterestShare 24 | status 8.
type SizeParameters is uint256;

using {depth, openInterestCap, openInterestShare, status, withStatus} for SizeParameters global;

function toSizeParameters(
    uint256 depth_,
    uint256 openInterestCap_,
    uint256 openInterestShare_,
    MarketStatus status_
) pure returns (SizeParameters) {
    return
        SizeParameters.wrap(
            depth_ | (openInterestCap_ << 112) | (openInterestShare_ << 224) | (uint256(status_) << 248)
        );
}

/// @notice D: size that moves the fill price by its full amount, base units, WAD.
function depth(SizeParameters word) pure returns (uint256) {
    return uint112(SizeParameters.unwrap(word));
}

/// @notice Largest open interest of a side, base units, WAD.
function openInterestCap(SizeParameters word) pure returns (uint256) {
    return uint112(SizeParameters.unwrap(word) >> 112);
}

/// @notice Largest open interest of a side as a share of the pool's value, 1e-6.
function openInterestShare(SizeParameters word) pure returns (uint256) {
    return uint24(SizeParameters.unwrap(word) >> 224);
}

function status(SizeParameters word) pure returns (MarketStatus) {
    return MarketStatus(SizeParameters.unwrap(word) >> 248);
}

function withStatus(SizeParameters word, MarketStatus status_) pure returns (SizeParameters) {
    return SizeParameters.wrap((SizeParameters.unwrap(word) & ((1 << 248) - 1)) | (uint256(status_) << 248));
}

/// @notice Trading parameters of an asset, one word: skewCap 112 | takerFee 16 | makerFee 16 | maxFundingRate 32 |
/// fundingVelocity 32 | profitWeight 24 | lotExponent 8 | insuranceCap 16.
type TradeParameters is uint256;

using {
    skewCap,
    takerFee,
    makerFee,
    maxFundingRate,
    fundingVelocity,
    profitWeight,
    lotExponent,
    lot,
    insuranceCap
} for TradeParameters global;

function toTradeParameters(
    uint256 skewCap_,
    uint256 takerFee_,
    uint256 makerFee_,
    uint256 maxFundingRate_,
    uint256 fundingVelocity_,
    uint256 profitWeight_,
    uint256 lotExponent_,
    uint256 insuranceCap_
) pure returns (TradeParameters) {
    return
        TradeParameters.wrap(
            skewCap_ |
                (takerFee_ << 112) |
                (makerFee_ << 128) |
                (maxFundingRate_ << 144) |
                (fundingVelocity_ << 176) |
                (profitWeight_ << 208) |
                (lotExponent_ << 232) |
                ((insuranceCap_ / INSURANCE_UNIT) << 240)
        );
}

/// @dev Insurance caps are multiples of this, WAD.
uint256 constant INSURANCE_UNIT = 100 * WAD;

/// @notice Largest |S| that a fill may leave behind by widening it, base units, WAD.
function skewCap(TradeParameters word) pure returns (uint256) {
    return uint112(TradeParameters.unwrap(word));
}

/// @notice Fee on the part of a fill that widens |S|, 1e-6 of its notional.
function takerFee(TradeParameters word) pure returns (uint256) {
    return uint16(TradeParameters.unwrap(word) >> 112);
}

/// @notice Fee on the part that narrows it, 1e-6.
function makerFee(TradeParameters word) pure returns (uint256) {
    return uint16(TradeParameters.unwrap(word) >> 128);
}

/// @notice Bound of the funding rate, WAD per day (stored in 1e-9).
function maxFundingRate(TradeParameters word) pure returns (uint256) {
    unchecked {
        return uint256(uint32(TradeParameters.unwrap(word) >> 144)) * 1e9;
    }
}

/// @notice v, WAD per day² (stored in 1e-9).
function fundingVelocity(TradeParameters word) pure returns (uint256) {
    unchecked {
        return uint256(uint32(TradeParameters.unwrap(word) >> 176)) * 1e9;
    }
}

/// @notice Weight of a position's profit in initial equity, 1e-6.
function profitWeight(TradeParameters word) pure returns (uint256) {
    return uint24(TradeParameters.unwrap(word) >> 208);
}

function lotExponent(TradeParameters word) pure returns (uint256) {
    return uint8(TradeParameters.unwrap(word) >> 232);
}

/// @notice Smallest step of size that a liquidation is judged by, base units, WAD.
function lot(TradeParameters word) pure returns (uint256) {
    return 10 ** lotExponent(word);
}

/// @notice What insurance pays for deficits of the market within a day, WAD.
function insuranceCap(TradeParameters word) pure returns (uint256) {
    return (TradeParameters.unwrap(word) >> 240) * INSURANCE_UNIT;
}
