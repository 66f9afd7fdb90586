// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {AssetLimits, IClearingHouse} from "../interfaces/IClearingHouse.sol";
import {IOracle} from "../interfaces/IOracle.sol";
import {
    MarketStatus,
    RiskParameters,
    RiskRates,
    SizeParameters,
    toRiskParameters,
    toSizeParameters,
    toTradeParameters,
    TradeParameters
} from "../types/AssetParameters.sol";
import {ANY, Bound, boundOf, MAX_RAMP, MIN_RAMP, Power, STEWARD_INTERVAL} from "../types/Bounds.sol";
import {
    CENT,
    GlobalParameters,
    GlobalSettings,
    GroupParameters,
    MAX_GROUPS,
    MoneyParameters,
    MoneySettings,
    toGlobalParameters,
    toMoneyParameters
} from "../types/GlobalParameters.sol";
import {MarginRamp, RAMPING, toMarginRamp} from "../types/MarginRamp.sol";
import {Books, BooksStorage, Market} from "./Books.sol";
import {CodeTable} from "./CodeTable.sol";
import {Deleveraging} from "./Deleveraging.sol";
import {Fixed, PPM} from "./Fixed.sol";
import {ListingRules} from "./ListingRules.sol";
import {ParameterTable} from "./ParameterTable.sol";
import {Sides} from "./Sides.sol";

/// @notice What changes parameters after listing. Nothing here makes a healthy account liquidatable in its block: what enters
/// R_M ramps, and where it cannot (the depth) requirement and charge are balanced at once and ramp back.
library Settings {
    using Books for BooksStorage;
    using Deleveraging for BooksStorage;
    using ListingRules for BooksStorage;
    using ParameterTable for address;

    // ---------------------------------------------------------------- steps

    /// @notice Reverts unless the step is one that `power` may take now, and remembers when.
    /// @param index What the parameter is of: an asset or a group; 0 for one that all share.
    function _move(
        BooksStorage storage books,
        Power power,
        bytes32 name,
        uint256 index,
        uint256 from,
        uint256 to
    ) private {
        if (from == to) return;
        Bound memory bound = boundOf(name);
        bool steward = power == Power.Steward;
        uint256 share = steward ? bound.stewardShare : (to < from ? bound.down : bound.up);
        if (share == ANY) return;
        uint256 most = Math.max(Fixed.mulDivDown(from, share, PPM), steward ? bound.stewardAmount : bound.amount);
        uint256 step = to < from ? from - to : to - from;
        require(step <= most, IClearingHouse.StepTooLarge(name, from, to, most));
        uint256 last = books.changedAt[name][index];
        uint256 next = last + (steward ? STEWARD_INTERVAL : bound.interval);
        require(last == 0 || block.timestamp >= next, IClearingHouse.ChangedTooSoon(name, last, next));
        books.changedAt[name][index] = block.timestamp;
    }

    function _requireListed(BooksStorage storage books, uint256 asset) private view {
        require(asset < books.assets, IClearingHouse.UnknownMarket(asset));
    }

    /// @dev The steward must not turn round what the governor has set going.
    function _requireNotRamping(Power power, uint256 end) private view {
        require(power == Power.Governor || block.timestamp >= end, IClearingHouse.RampRunning(end));
    }

    // ---------------------------------------------------------------- risk rates

    function rampRisk(
        BooksStorage storage books,
        uint256 asset,
        RiskRates calldata target,
        uint256 duration,
        Power power
    ) internal {
        _requireListed(books, asset);
        ListingRules.requireRange("duration", duration, MIN_RAMP, MAX_RAMP);
        ListingRules.requireRates(target);
        (RiskParameters risk, SizeParameters sizes, TradeParameters trade) = books.table.asset(asset);
        _requireNotRamping(power, risk.rampEnd());
        RiskRates memory from = risk.rates(block.timestamp);
        _move(books, power, "beta", asset, from.beta, target.beta);
        _move(books, power, "sigma", asset, from.sigma, target.sigma);
        _move(books, power, "gamma", asset, from.gamma, target.gamma);
        _move(books, power, "kappa", asset, from.kappa, target.kappa);
        books.requireAsset(ListingRules.factorsOf(books.table), asset, target, sizes, trade);
        _writeRisk(books, asset, from, target, duration, risk.group());
        emit IClearingHouse.AssetRisksChanged(asset, target, block.timestamp, duration);
    }

    function _writeRisk(
        BooksStorage storage books,
        uint256 asset,
        RiskRates memory from,
        RiskRates memory to,
        uint256 duration,
        uint256 group
    ) private {
        books.table = books.table.replaced(
            ParameterTable.placeOf(asset),
            RiskParameters.unwrap(
                toRiskParameters({from: from, to: to, start: block.timestamp, duration: duration, group_: group})
            )
        );
    }

    /// @notice Only while β is 0, where no requirement depends on the group: β·x is 0 in either. Two ramps lead there and
    /// back, with σ in place of β in between; a jump between groups would change |Σ β·x| of every hedge at once.
    function setGroup(BooksStorage storage books, uint256 asset, uint256 group) internal {
        _requireListed(books, asset);
        ListingRules.requireRange("group", group, 0, MAX_GROUPS - 1);
        (RiskParameters risk, , ) = books.table.asset(asset);
        uint256 beta = risk.rates(block.timestamp).beta;
        require(beta == 0, IClearingHouse.GroupInUse(asset, beta));
        books.table = books.table.replaced(ParameterTable.placeOf(asset), RiskParameters.unwrap(risk.withGroup(group)));
        emit IClearingHouse.AssetGroupChanged(asset, group);
    }

    // ---------------------------------------------------------------- m and ρ

    /// @param floors ρ of every group.
    function rampMargins(
        BooksStorage storage books,
        uint256 factor,
        uint256[MAX_GROUPS] calldata floors,
        uint256 duration,
        Power power
    ) internal {
        ListingRules.requireRange("duration", duration, MIN_RAMP, MAX_RAMP);
        ListingRules.requireBounded("maintenanceFactor", factor);
        (MarginRamp running, ) = books.table.marginRamp();
        _requireNotRamping(power, running.start() + running.duration());
        (GlobalParameters globals, GroupParameters groups) = books.table.globals();
        _move(books, power, "maintenanceFactor", 0, globals.maintenanceFactor(), factor);
        uint256 end = 0;
        for (uint256 g = 0; g < MAX_GROUPS; ++g) {
            ListingRules.requireBounded("hedgeFloor", floors[g]);
            _move(books, power, "hedgeFloor", g, groups.hedgeFloor(g), floors[g]);
            end |= floors[g] << (24 * g);
        }
        if (factor < globals.maintenanceFactor()) {
            books.requireAll(ListingRules.Factors({penalty: globals.liquidationPenalty(), factor: factor}));
        }
        bytes memory data = books.table.data();
        ParameterTable.put(data, ParameterTable.GLOBALS, GlobalParameters.unwrap(globals));
        ParameterTable.put(data, ParameterTable.GROUPS, GroupParameters.unwrap(groups) | RAMPING);
        MarginRamp ramp = toMarginRamp(factor, block.timestamp, duration);
        ParameterTable.put(data, ParameterTable.RAMP, MarginRamp.unwrap(ramp));
        ParameterTable.put(data, ParameterTable.RAMP_END, end);
        books.table = CodeTable.write(data);
        emit IClearingHouse.MarginsRamped(factor, floors, block.timestamp, duration);
    }

    // ---------------------------------------------------------------- depth

    /// @notice Moves D. R_M holds κ/D and, through what the crowded side is charged, E falls with Φ; so that E − R_M falls for
    /// nobody, κ moves with D and γ gives way by the rate of the charge, and both ramp back within a day.
    function setDepth(BooksStorage storage books, IOracle oracle, uint256 asset, uint256 depth, Power power) internal {
        _requireListed(books, asset);
        ListingRules.requireBounded("depth", depth);
        (RiskParameters risk, SizeParameters sizes, TradeParameters trade) = books.table.asset(asset);
        MarketStatus status = sizes.status();
        require(
            status != MarketStatus.Closing && status != MarketStatus.Closed,
            IClearingHouse.WrongStatus(asset, status)
        );
        uint256 before = sizes.depth();
        _move(books, power, "depth", asset, before, depth);
        ListingRules.requireRange("openInterestCap", sizes.openInterestCap(), 0, depth);
        ListingRules.requireRange("skewCap", trade.skewCap(), 0, depth);
        int256 charged = 0;
        uint256 rate = 0;
        if (status != MarketStatus.None) {
            _requireNoGain(trade, before, depth);
            (charged, rate) = books.moveDepth(oracle, asset, depth);
        }
        sizes = toSizeParameters(depth, sizes.openInterestCap(), sizes.openInterestShare(), status);
        books.table = books.table.replaced(ParameterTable.placeOf(asset) + 1, SizeParameters.unwrap(sizes));
        _balance(books, asset, risk, sizes, trade, before, rate);
        emit IClearingHouse.DepthChanged(asset, depth, charged);
    }

    /// @dev The rates that keep E − R_M, and their way back.
    function _balance(
        BooksStorage storage books,
        uint256 asset,
        RiskParameters risk,
        SizeParameters sizes,
        TradeParameters trade,
        uint256 before,
        uint256 rate
    ) private {
        RiskRates memory from = risk.rates(block.timestamp);
        RiskRates memory to = risk.rates(type(uint256).max);
        ListingRules.requireRange("gamma", from.gamma, rate, PPM);
        from.gamma -= rate;
        from.kappa = Math.min(Fixed.mulDivDown(from.kappa, sizes.depth(), before), boundOf("kappa").maximum);
        ListingRules.Factors memory factors = ListingRules.factorsOf(books.table);
        books.requireAsset(factors, asset, from, sizes, trade);
        books.requireAsset(factors, asset, to, sizes, trade);
        uint256 end = risk.rampEnd();
        uint256 left = end > block.timestamp ? end - block.timestamp : 0;
        _writeRisk(books, asset, from, to, Math.max(left, MIN_RAMP), risk.group());
    }

    /// @dev Whoever widens the skew before D falls and narrows it afterwards gets |S|·P·(1/D' − 1/D) a unit at most; fees take
    /// more than that.
    function _requireNoGain(TradeParameters trade, uint256 before, uint256 depth) private pure {
        if (depth >= before) return;
        uint256 gain = Fixed.mulDivUp(trade.skewCap() * PPM, before - depth, before * depth);
        uint256 fees = trade.takerFee() + trade.makerFee();
        require(gain <= fees, IClearingHouse.StepPays(gain, fees));
    }

    // ---------------------------------------------------------------- limits

    function setLimits(BooksStorage storage books, uint256 asset, AssetLimits memory limits, Power power) internal {
        _requireListed(books, asset);
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
        _move(books, power, "openInterestCap", asset, sizes.openInterestCap(), limits.openInterestCap);
        _move(books, power, "openInterestShare", asset, sizes.openInterestShare(), limits.openInterestShare);
        if (power == Power.Steward || limits.skewCap < _harmlessSkewCap(books, asset)) {
            _move(books, power, "skewCap", asset, trade.skewCap(), limits.skewCap);
        }
        _move(books, power, "takerFee", asset, trade.takerFee(), limits.takerFee);
        _move(books, power, "makerFee", asset, trade.makerFee(), limits.makerFee);
        _move(books, power, "insuranceCap", asset, trade.insuranceCap(), limits.insuranceCap);
    }

    /// @dev The least skew cap whose hard cap, above which a market is deleveraged, the present |S| does not pass, WAD.
    function _harmlessSkewCap(BooksStorage storage books, uint256 asset) private view returns (uint256) {
        Market storage market = books.markets[asset];
        return Fixed.divUp(SignedMath.abs(Sides.skew(market, market.funding)), Deleveraging.HARD_CAPS);
    }

    // ---------------------------------------------------------------- what all share

    function setGlobals(BooksStorage storage books, GlobalSettings calldata settings) internal {
        GlobalParameters word = toGlobalParameters(settings);
        ListingRules.requireGlobals(word);
        (GlobalParameters now_, ) = books.table.globals();
        Power power = Power.Governor;
        _move(books, power, "shortfallInitial", 0, now_.shortfallInitial(), settings.shortfallInitial);
        _move(books, power, "shortfallMaintenance", 0, now_.shortfallMaintenance(), settings.shortfallMaintenance);
        _move(books, power, "liquidationTarget", 0, now_.liquidationTarget(), settings.liquidationTarget);
        _move(books, power, "liquidationPenalty", 0, now_.liquidationPenalty(), settings.liquidationPenalty);
        _move(books, power, "liquidatorShare", 0, now_.liquidatorShare(), settings.liquidatorShare);
        _move(books, power, "deepLoss", 0, now_.deepLoss(), settings.deepLoss);
        _move(books, power, "takeoverDiscount", 0, now_.takeoverDiscount(), settings.takeoverDiscount);
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

    function setMoney(BooksStorage storage books, MoneySettings calldata settings) internal {
        ListingRules.requireMoney(settings);
        MoneyParameters now_ = books.table.money();
        Power power = Power.Governor;
        _move(books, power, "smallRequirement", 0, now_.smallRequirement() / CENT, settings.smallRequirement);
        _move(books, power, "lossBudget", 0, now_.lossBudget(), settings.lossBudget);
        books.accrueInterest(); // at the rates until now
        books.table = books.table.replaced(ParameterTable.MONEY, MoneyParameters.unwrap(toMoneyParameters(settings)));
        emit IClearingHouse.MoneyChanged(settings);
    }
}
