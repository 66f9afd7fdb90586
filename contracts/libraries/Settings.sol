// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {AssetLimits, IClearingHouse} from "../interfaces/IClearingHouse.sol";
import {
    RiskParameters,
    SizeParameters,
    toSizeParameters,
    toTradeParameters,
    TradeParameters
} from "../types/AssetParameters.sol";
import {Power} from "../types/Bounds.sol";
import {
    CENT,
    GlobalParameters,
    GlobalSettings,
    MoneyParameters,
    MoneySettings,
    toGlobalParameters,
    toMoneyParameters
} from "../types/GlobalParameters.sol";
import {Books, BooksStorage, Market} from "./Books.sol";
import {CodeTable} from "./CodeTable.sol";
import {Deleveraging} from "./Deleveraging.sol";
import {Fixed} from "./Fixed.sol";
import {ListingRules} from "./ListingRules.sol";
import {ParameterTable} from "./ParameterTable.sol";
import {Sides} from "./Sides.sol";
import {Steps} from "./Steps.sol";

/// @notice What changes after listing and does not enter R_M.
library Settings {
    using Books for BooksStorage;
    using ListingRules for BooksStorage;
    using ParameterTable for address;
    using Steps for BooksStorage;

    // ---------------------------------------------------------------- limits

    function setLimits(BooksStorage storage books, uint256 asset, AssetLimits memory limits, Power power) external {
        books.requireListed(asset);
        (RiskParameters risk, SizeParameters sizes, TradeParameters trade) = books.table.asset(asset);
        ListingRules.requireLimits({
            depth: sizes.depth(),
            openInterestCap: limits.openInterestCap,
            openInterestShare: limits.openInterestShare,
            skewCap: limits.skewCap,
            takerFee: limits.takerFee,
            makerFee: limits.makerFee
        });
        ListingRules.requireInsuranceCap(limits.insuranceCap);
        _moveLimits(books, asset, limits, sizes, trade, power);
        sizes = toSizeParameters(sizes.depth(), limits.openInterestCap, limits.openInterestShare, sizes.status());
        trade = toTradeParameters({
            skewCap_: limits.skewCap,
            takerFee_: limits.takerFee,
            makerFee_: limits.makerFee,
            maxFundingRate_: trade.maxFundingRate() / 1e9,
            fundingVelocity_: trade.fundingVelocity() / 1e9,
            profitWeight_: trade.profitWeight(),
            lotExponent_: trade.lotExponent(),
            insuranceCap_: limits.insuranceCap
        });
        // A ramp in progress must not lead out of the invariant.
        _requireBothEnds(books, limits, risk, sizes.depth());
        bytes memory data = books.table.data();
        ParameterTable.put(data, ParameterTable.placeOf(asset) + 1, SizeParameters.unwrap(sizes));
        ParameterTable.put(data, ParameterTable.placeOf(asset) + 2, TradeParameters.unwrap(trade));
        books.table = CodeTable.write(data);
        emit IClearingHouse.AssetLimitsChanged({
            asset: asset,
            openInterestCap: limits.openInterestCap,
            openInterestShare: limits.openInterestShare,
            skewCap: limits.skewCap,
            takerFee: limits.takerFee,
            makerFee: limits.makerFee,
            insuranceCap: limits.insuranceCap
        });
    }

    function _requireBothEnds(
        BooksStorage storage books,
        AssetLimits memory limits,
        RiskParameters risk,
        uint256 depth
    ) private view {
        ListingRules.Factors memory factors = ListingRules.factorsOf(books.table);
        for (uint256 i = 0; i < 2; ++i) {
            ListingRules.requireInvariant({
                factors: factors,
                rates: risk.rates(i == 0 ? block.timestamp : type(uint256).max),
                takerFee: limits.takerFee,
                openInterestCap: limits.openInterestCap,
                depth: depth
            });
        }
    }

    function _moveLimits(
        BooksStorage storage books,
        uint256 asset,
        AssetLimits memory limits,
        SizeParameters sizes,
        TradeParameters trade,
        Power power
    ) private {
        books.move(power, "openInterestCap", asset, sizes.openInterestCap(), limits.openInterestCap);
        books.move(power, "openInterestShare", asset, sizes.openInterestShare(), limits.openInterestShare);
        if (power == Power.Steward || limits.skewCap < _harmlessSkewCap(books, asset)) {
            books.move(power, "skewCap", asset, trade.skewCap(), limits.skewCap);
        }
        books.move(power, "takerFee", asset, trade.takerFee(), limits.takerFee);
        books.move(power, "makerFee", asset, trade.makerFee(), limits.makerFee);
        books.move(power, "insuranceCap", asset, trade.insuranceCap(), limits.insuranceCap);
    }

    /// @dev The least skew cap whose hard cap, above which a market is deleveraged, the present |S| does not pass, WAD.
    function _harmlessSkewCap(BooksStorage storage books, uint256 asset) private view returns (uint256) {
        Market storage market = books.markets[asset];
        return Fixed.divUp(SignedMath.abs(Sides.skew(market, market.funding)), Deleveraging.HARD_CAPS);
    }

    // ---------------------------------------------------------------- what all share

    function setGlobals(BooksStorage storage books, GlobalSettings calldata settings) external {
        GlobalParameters word = toGlobalParameters(settings);
        ListingRules.requireGlobals(word);
        (GlobalParameters now_, ) = books.table.globals();
        Power power = Power.Governor;
        books.move(power, "shortfallInitial", 0, now_.shortfallInitial(), settings.shortfallInitial);
        books.move(power, "shortfallMaintenance", 0, now_.shortfallMaintenance(), settings.shortfallMaintenance);
        books.move(power, "liquidationTarget", 0, now_.liquidationTarget(), settings.liquidationTarget);
        books.move(power, "liquidationPenalty", 0, now_.liquidationPenalty(), settings.liquidationPenalty);
        books.move(power, "liquidatorShare", 0, now_.liquidatorShare(), settings.liquidatorShare);
        books.move(power, "deepLoss", 0, now_.deepLoss(), settings.deepLoss);
        books.move(power, "takeoverDiscount", 0, now_.takeoverDiscount(), settings.takeoverDiscount);
        if (settings.liquidationPenalty > now_.liquidationPenalty()) {
            ListingRules.Factors memory factors = ListingRules.factorsOf(books.table);
            factors.penalty = settings.liquidationPenalty;
            books.requireAll(factors);
        }
        bytes memory data = books.table.data();
        // m as it is kept: of a ramp in progress its start.
        uint256 factor = GlobalParameters.wrap(ParameterTable.get(data, ParameterTable.GLOBALS)).maintenanceFactor();
        ParameterTable.put(data, ParameterTable.GLOBALS, GlobalParameters.unwrap(word) | factor);
        books.table = CodeTable.write(data);
        emit IClearingHouse.GlobalsChanged(settings);
    }

    function setMoney(BooksStorage storage books, MoneySettings calldata settings) external {
        ListingRules.requireMoney(settings);
        MoneyParameters now_ = books.table.money();
        Power power = Power.Governor;
        books.move(power, "smallRequirement", 0, now_.smallRequirement() / CENT, settings.smallRequirement);
        books.move(power, "lossBudget", 0, now_.lossBudget(), settings.lossBudget);
        books.accrueInterest(); // at the rates until now
        books.table = books.table.replaced(ParameterTable.MONEY, MoneyParameters.unwrap(toMoneyParameters(settings)));
        emit IClearingHouse.MoneyChanged(settings);
    }
}
