// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IClearingHouse} from "../interfaces/IClearingHouse.sol";
import {
    MarketStatus,
    RiskParameters,
    RiskRates,
    SizeParameters,
    toRiskParameters,
    toSizeParameters,
    TradeParameters
} from "../types/AssetParameters.sol";
import {boundOf, MAX_RAMP, MIN_RAMP, Power} from "../types/Bounds.sol";
import {GlobalParameters, GroupParameters, MAX_GROUPS} from "../types/GlobalParameters.sol";
import {MarginRamp, RAMPING, toMarginRamp} from "../types/MarginRamp.sol";
import {BooksStorage} from "./Books.sol";
import {CodeTable} from "./CodeTable.sol";
import {Fixed, PPM} from "./Fixed.sol";
import {ListingRules} from "./ListingRules.sol";
import {ParameterTable} from "./ParameterTable.sol";
import {Steps} from "./Steps.sol";

/// @notice What changes R_M after listing. Nothing here makes a healthy account liquidatable in its block: what enters R_M ramps,
/// and where it cannot (the depth) requirement and charge are balanced at once and ramp back.
library Ramps {
    using ListingRules for BooksStorage;
    using ParameterTable for address;
    using Steps for BooksStorage;

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
    ) external {
        books.requireListed(asset);
        ListingRules.requireRange("duration", duration, MIN_RAMP, MAX_RAMP);
        ListingRules.requireRates(target);
        (RiskParameters risk, SizeParameters sizes, TradeParameters trade) = books.table.asset(asset);
        _requireNotRamping(power, risk.rampEnd());
        RiskRates memory from = risk.rates(block.timestamp);
        books.move(power, "beta", asset, from.beta, target.beta);
        books.move(power, "sigma", asset, from.sigma, target.sigma);
        books.move(power, "gamma", asset, from.gamma, target.gamma);
        books.move(power, "kappa", asset, from.kappa, target.kappa);
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
    function setGroup(BooksStorage storage books, uint256 asset, uint256 group) external {
        books.requireListed(asset);
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
    ) external {
        ListingRules.requireRange("duration", duration, MIN_RAMP, MAX_RAMP);
        ListingRules.requireBounded("maintenanceFactor", factor);
        (MarginRamp running, ) = books.table.marginRamp();
        _requireNotRamping(power, running.start() + running.duration());
        (GlobalParameters globals, GroupParameters groups) = books.table.globals();
        books.move(power, "maintenanceFactor", 0, globals.maintenanceFactor(), factor);
        uint256 end = 0;
        for (uint256 g = 0; g < MAX_GROUPS; ++g) {
            ListingRules.requireBounded("hedgeFloor", floors[g]);
            books.move(power, "hedgeFloor", g, groups.hedgeFloor(g), floors[g]);
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

    /// @notice First part of a change of D: whether it may be. @return market Whether it has positions, whose crowded side is to
    /// be charged (`Deleveraging.moveDepth`) before the second part.
    function requireDepth(
        BooksStorage storage books,
        uint256 asset,
        uint256 depth,
        Power power
    ) external returns (bool market) {
        books.requireListed(asset);
        ListingRules.requireBounded("depth", depth);
        (, SizeParameters sizes, TradeParameters trade) = books.table.asset(asset);
        MarketStatus status = sizes.status();
        require(
            status != MarketStatus.Closing && status != MarketStatus.Closed,
            IClearingHouse.WrongStatus(asset, status)
        );
        books.move(power, "depth", asset, sizes.depth(), depth);
        ListingRules.requireRange("openInterestCap", sizes.openInterestCap(), 0, depth);
        ListingRules.requireRange("skewCap", trade.skewCap(), 0, depth);
        market = status != MarketStatus.None;
        if (market) _requireNoGain(trade, sizes.depth(), depth);
    }

    /// @notice Second part: writes D. R_M holds κ/D and, through what the crowded side is charged, E falls with Φ; so that
    /// E − R_M falls for nobody, κ moves with D and γ gives way by the rate of the charge, and both ramp back within a day.
    /// @param charged As of `Deleveraging.moveDepth`, as is `rate`.
    function writeDepth(
        BooksStorage storage books,
        uint256 asset,
        uint256 depth,
        int256 charged,
        uint256 rate
    ) external {
        (RiskParameters risk, SizeParameters sizes, TradeParameters trade) = books.table.asset(asset);
        uint256 before = sizes.depth();
        sizes = toSizeParameters(depth, sizes.openInterestCap(), sizes.openInterestShare(), sizes.status());
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
}
