// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IClearingHouse} from "../interfaces/IClearingHouse.sol";
import {IOracle} from "../interfaces/IOracle.sol";
import {
    INSURANCE_UNIT,
    MarketStatus,
    RiskParameters,
    RiskRates,
    SizeParameters,
    TradeParameters
} from "../types/AssetParameters.sol";
import {Bound, boundOf} from "../types/Bounds.sol";
import {CollateralParameters, GlobalParameters, MoneySettings} from "../types/GlobalParameters.sol";
import {MarginRamp} from "../types/MarginRamp.sol";
import {Price} from "../types/Price.sol";
import {BooksStorage} from "./Books.sol";
import {Fixed, PPM, WAD} from "./Fixed.sol";
import {ParameterTable} from "./ParameterTable.sol";

/// @notice What every parameter must satisfy, whoever sets it: its range, and that a close frees more than it costs.
library ListingRules {
    using ParameterTable for address;

    /// @notice φ and the least m that is on the way, 1e-6: what a close frees depends on both.
    struct Factors {
        uint256 penalty;
        uint256 factor;
    }

    function requireRange(bytes32 what, uint256 value, uint256 minimum, uint256 maximum) internal pure {
        require(value >= minimum && value <= maximum, IClearingHouse.OutOfRange(what, value, minimum, maximum));
    }

    /// @notice Within the range of its row.
    function requireBounded(bytes32 what, uint256 value) internal pure {
        Bound memory bound = boundOf(what);
        requireRange(what, value, bound.minimum, bound.maximum);
    }

    function requireRates(RiskRates memory rates) internal pure {
        requireBounded("beta", rates.beta);
        requireBounded("sigma", rates.sigma);
        requireBounded("gamma", rates.gamma);
        requireBounded("kappa", rates.kappa);
    }

    function requireLimits(
        uint256 depth,
        uint256 openInterestCap,
        uint256 openInterestShare,
        uint256 skewCap,
        uint256 takerFee,
        uint256 makerFee
    ) internal pure {
        requireRange("openInterestCap", openInterestCap, 0, depth);
        requireBounded("openInterestShare", openInterestShare);
        requireRange("skewCap", skewCap, 0, depth);
        requireBounded("takerFee", takerFee);
        requireRange("makerFee", makerFee, 0, takerFee);
    }

    function requireInsuranceCap(uint256 cap) internal pure {
        requireBounded("insuranceCap", cap);
        requireRange("insuranceCapRest", cap % INSURANCE_UNIT, 0, 0);
    }

    function requireMoney(MoneySettings memory settings) internal pure {
        requireBounded("minNotional", settings.minNotional);
        requireBounded("smallRequirement", settings.smallRequirement);
        requireBounded("flatReward", settings.flatReward);
        requireBounded("unattributedCap", settings.unattributedCap);
        requireBounded("borrowKink", settings.borrowKink);
        requireBounded("borrowRateFull", settings.borrowRateFull);
        requireRange("borrowRateKink", settings.borrowRateKink, 0, settings.borrowRateFull);
        requireBounded("lossBudget", settings.lossBudget);
    }

    /// @notice All of the word but m.
    function requireGlobals(GlobalParameters word) internal pure {
        requireBounded("shortfallInitial", word.shortfallInitial());
        uint256 maximum = boundOf("shortfallMaintenance").maximum;
        requireRange("shortfallMaintenance", word.shortfallMaintenance(), word.shortfallInitial(), maximum);
        requireRange("feeShares", word.protocolFeeShare() + word.insuranceFeeShare(), 0, PPM);
        requireBounded("markMaxAge", word.markMaxAge());
        requireBounded("liquidationTarget", word.liquidationTarget());
        requireBounded("liquidationPenalty", word.liquidationPenalty());
        requireBounded("liquidatorShare", word.liquidatorShare());
        requireBounded("deepLoss", word.deepLoss());
        requireBounded("takeoverDiscount", word.takeoverDiscount());
    }

    /// @notice φ, and the lesser m of now and of the end of a ramp.
    function factorsOf(address table) internal view returns (Factors memory factors) {
        (GlobalParameters globals, ) = table.globals();
        (MarginRamp ramp, ) = table.marginRamp();
        (factors.penalty, factors.factor) = (globals.liquidationPenalty(), globals.maintenanceFactor());
        if (MarginRamp.unwrap(ramp) != 0 && ramp.endFactor() < factors.factor) factors.factor = ramp.endFactor();
    }

    /// @notice (1 − φ)·(γ + m·σ) > taker fee + impact at the open-interest cap: closing always leaves an account
    /// healthier. Not the skew cap: closes of the narrower side may leave all of the other as skew.
    function requireInvariant(
        Factors memory factors,
        RiskRates memory rates,
        uint256 takerFee,
        uint256 openInterestCap,
        uint256 depth
    ) internal pure {
        uint256 relief = _reliefDown(factors, rates);
        uint256 cost = takerFee + Fixed.mulDivUp(openInterestCap, PPM, depth);
        require(relief > cost, IClearingHouse.ListingInvariantBroken(relief, cost));
    }

    /// @notice The same for collateral, whose sale costs its discount.
    function requireDiscount(Factors memory factors, RiskRates memory rates, uint256 discount) internal pure {
        uint256 relief = _reliefDown(factors, rates);
        require(relief > discount, IClearingHouse.ListingInvariantBroken(relief, discount));
    }

    /// @notice (1 − φ)·(γ + m·σ), 1e-6 of notional.
    function _reliefDown(Factors memory factors, RiskRates memory rates) private pure returns (uint256) {
        return ((PPM - factors.penalty) * (rates.gamma * PPM + factors.factor * rates.sigma)) / (PPM * PPM);
    }

    /// @notice OI·P·max(0, J − μ) ≤ the market's insurance cap, with μ = m·(β + σ) + γ: what one accepted jump may take from
    /// accounts that were healthy before it. Without a market nothing is asked, and P only where J > μ.
    /// @dev The loss is rounded up.
    function requireInsured(BooksStorage storage books, IOracle oracle, uint256 asset) internal view {
        (RiskParameters risk, SizeParameters sizes, TradeParameters trade) = books.table.asset(asset);
        if (sizes.status() == MarketStatus.None) return;
        uint256 excess = _beyondMaintenanceUp(books, risk.rates(block.timestamp), oracle.jumpLimit(asset));
        if (excess == 0) return;
        (, Price[] memory prices) = oracle.peek(1 << asset, false);
        require(prices[0].live(), IClearingHouse.NotLive(asset));
        uint256 notional = Fixed.mulDivUp(sizes.openInterestCap(), prices[0].last(), WAD);
        uint256 loss = Fixed.mulDivUp(notional, excess, PPM);
        require(loss <= trade.insuranceCap(), IClearingHouse.JumpNotInsured(asset, loss, trade.insuranceCap()));
    }

    /// @notice max(0, J − μ), 1e-6.
    function _beyondMaintenanceUp(
        BooksStorage storage books,
        RiskRates memory rates,
        uint256 jump
    ) private view returns (uint256) {
        uint256 maintenance = (factorsOf(books.table).factor * (rates.beta + rates.sigma)) / PPM + rates.gamma;
        return jump > maintenance ? jump - maintenance : 0;
    }

    /// @notice Both for an asset at `rates`, its market and every collateral that is priced as it.
    function requireAsset(
        BooksStorage storage books,
        Factors memory factors,
        uint256 asset,
        RiskRates memory rates,
        SizeParameters sizes,
        TradeParameters trade
    ) internal view {
        if (sizes.status() != MarketStatus.None) {
            requireInvariant(factors, rates, trade.takerFee(), sizes.openInterestCap(), sizes.depth());
        }
        for (uint256 token = 0; token < books.tokens; ++token) {
            CollateralParameters collateral = books.table.collateral(token);
            if (collateral.asset() == asset) requireDiscount(factors, rates, collateral.saleDiscount());
        }
    }

    /// @notice The same for every asset, at both ends of its ramp.
    function requireAll(BooksStorage storage books, Factors memory factors) internal view {
        for (uint256 asset = 0; asset < books.assets; ++asset) {
            (RiskParameters risk, SizeParameters sizes, TradeParameters trade) = books.table.asset(asset);
            requireAsset(books, factors, asset, risk.rates(block.timestamp), sizes, trade);
            requireAsset(books, factors, asset, risk.rates(type(uint256).max), sizes, trade);
        }
    }
}
