// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {LiquidationFinder} from "./LiquidationFinder.sol";
import {
    FillResult,
    IClearingHouse,
    Ledger,
    Leg,
    PoolValuation,
    SETTLEMENT,
    SideView
} from "./interfaces/IClearingHouse.sol";
import {IInsuranceFund} from "./interfaces/IInsuranceFund.sol";
import {
    AccountView,
    Custody,
    GroupRisk,
    Health,
    Holding,
    ILens,
    ILiquidationFinder,
    LiquidationPlan,
    MarketSolvency,
    MarketView,
    Preview,
    Solvency,
    Standing
} from "./interfaces/ILens.sol";
import {IVault} from "./interfaces/IVault.sol";
import {Fixed, PPM, WAD} from "./libraries/Fixed.sol";
import {Interest} from "./libraries/Interest.sol";
import {Pricing} from "./libraries/Pricing.sol";
import {Exposure, Risk, Terms} from "./libraries/Risk.sol";
import {Sides} from "./libraries/Sides.sol";
import {AccountId} from "./types/AccountId.sol";
import {AccountState} from "./types/AccountState.sol";
import {MarketStatus, RiskRates, SizeParameters, TradeParameters} from "./types/AssetParameters.sol";
import {Conditions} from "./types/Conditions.sol";
import {Funding} from "./types/Funding.sol";
import {GlobalParameters, GroupParameters, MAX_GROUPS, MoneyParameters} from "./types/GlobalParameters.sol";
import {MarketWatch} from "./types/MarketWatch.sol";
import {Price, Refusal, toPrice} from "./types/Price.sol";
import {ONE_64, SideIndex, toSideIndex} from "./types/SideIndex.sol";

/// @title Lens
contract Lens is ILens {
    /// @inheritdoc ILens
    IClearingHouse public immutable clearingHouse;

    /// @dev Apart for the limit on the size of code.
    ILiquidationFinder private immutable _finder;

    constructor(IClearingHouse clearingHouse_) {
        clearingHouse = clearingHouse_;
        _finder = new LiquidationFinder(clearingHouse_, this);
    }

    // ---------------------------------------------------------------- accounts

    /// @inheritdoc ILens
    function account(AccountId id) external view returns (AccountView memory result) {
        (AccountState memory state, Exposure[] memory exposures, Conditions conditions) = clearingHouse.snapshot(id);
        (GlobalParameters globals, GroupParameters groups, ) = clearingHouse.globals();
        Terms memory better = Risk.assess(exposures, _moneyOf(state), groups, block.timestamp, false);
        Terms memory worse = Risk.assess(exposures, state.cash, groups, block.timestamp, true);
        result.cash = state.cash;
        result.escrow = state.escrow;
        result.debtShares = state.shares;
        result.pending = state.pending;
        result.sequence = state.sequence;
        result.equity = better.equity;
        result.maintenance = better.maintenance(globals);
        result.unrealised = better.unrealised;
        result.collateralValue = better.collateralValue;
        result.initialEquity = worse.weighted;
        result.initial = worse.initial();
        result.shortfall = worse.shortfall();
        (result.owed, result.owedLimit) = _owed(better, globals);
        result.standing = _standing(id, state, exposures, conditions, better);
        result.insolventSince = clearingHouse.insolventSince(id);
        result.holdings = new Holding[](exposures.length);
        for (uint256 i = 0; i < exposures.length; ++i) result.holdings[i] = _holding(exposures[i]);
        result.groups = _groups(exposures, groups);
    }

    /// @dev What counts against liquidation: escrow is the account's until its orders end.
    function _moneyOf(AccountState memory state) private pure returns (int256) {
        return state.cash + int256(state.escrow);
    }

    function _holding(Exposure memory e) private view returns (Holding memory h) {
        uint256 held = e.price.dead() ? 0 : e.collateral;
        int256 amount = e.size + int256(held);
        uint256 price = amount < 0 ? e.price.low() : e.price.high();
        RiskRates memory rates = e.risk.rates(block.timestamp);
        h.asset = e.asset;
        h.priceLow = e.price.low();
        h.priceHigh = e.price.high();
        h.refusal = e.price.refusal();
        h.size = e.size;
        h.quote = e.quote;
        h.collateral = e.collateral;
        h.fundingIndex = e.funding.index();
        if (e.size != 0) h.value = Risk.valueFloor(e, price);
        h.exposure = Fixed.mulDivFloor(amount, int256(price), WAD);
        h.group = e.risk.group();
        (h.beta, h.sigma, h.gamma, h.kappa) = (rates.beta, rates.sigma, rates.gamma, rates.kappa);
        h.ownRisk = Fixed.mulDivUp(SignedMath.abs(amount) * rates.sigma, price, PPM * WAD);
        uint256 depth = e.sizes.depth();
        h.closeOut = Fixed.divUp(
            Risk.closeOutUp(SignedMath.abs(e.size), h.priceLow, rates.gamma, rates.kappa, depth) +
                Risk.closeOutUp(held, h.priceLow, rates.gamma, rates.kappa, depth),
            PPM * WAD
        );
    }

    function _groups(Exposure[] memory exposures, GroupParameters groups) private view returns (GroupRisk[] memory) {
        int256[MAX_GROUPS] memory net;
        uint256[MAX_GROUPS] memory gross;
        uint256 count = 0;
        for (uint256 i = 0; i < exposures.length; ++i) {
            Exposure memory e = exposures[i];
            int256 amount = e.size + int256(e.price.dead() ? 0 : e.collateral);
            int256 x =
                amount *
                    int256(amount < 0 ? e.price.low() : e.price.high()) *
                    int256(e.risk.rates(block.timestamp).beta);
            uint256 g = e.risk.group();
            if (gross[g] == 0 && x != 0) ++count;
            net[g] += x;
            gross[g] += SignedMath.abs(x);
        }
        GroupRisk[] memory result = new GroupRisk[](count);
        uint256 next = 0;
        for (uint256 g = 0; g < MAX_GROUPS; ++g) {
            if (gross[g] == 0) continue;
            result[next++] = GroupRisk({
                group: g,
                net: Fixed.divUp(SignedMath.abs(net[g]), PPM * WAD),
                floor: Fixed.divUp(gross[g] * groups.hedgeFloor(g), PPM * PPM * WAD)
            });
        }
        return result;
    }

    // ---------------------------------------------------------------- health

    /// @inheritdoc ILens
    function health(AccountId[] calldata ids) external view returns (Health[] memory result) {
        (GlobalParameters globals, GroupParameters groups, ) = clearingHouse.globals();
        result = new Health[](ids.length);
        for (uint256 i = 0; i < ids.length; ++i) {
            (AccountState memory state, Exposure[] memory exposures, Conditions conditions) = clearingHouse.snapshot(
                ids[i]
            );
            Terms memory terms = Risk.assess(exposures, _moneyOf(state), groups, block.timestamp, false);
            result[i] = Health({
                equity: terms.equity,
                maintenance: terms.maintenance(globals),
                initial: terms.initial(),
                standing: _standing(ids[i], state, exposures, conditions, terms)
            });
        }
    }

    /// @dev As the clearing house judges it. @param terms At the better ends.
    function _standing(
        AccountId id,
        AccountState memory state,
        Exposure[] memory exposures,
        Conditions conditions,
        Terms memory terms
    ) private view returns (Standing memory result) {
        (GlobalParameters globals, GroupParameters groups, ) = clearingHouse.globals();
        // Nothing is done to anybody in a time in which nobody could act for themselves.
        if (!conditions.sequencerSettled()) return result;
        bool lacks = terms.equity <= 0 && terms.equity < int256(terms.collateralValue);
        if ((state.positions | state.collaterals) == 0) {
            result.owing = state.cash < 0 && state.pending == 0;
            result.insolvent = lacks && state.pending != 0;
            return result;
        }
        (bool closing, bool selling) = _closable(exposures);
        (uint256 owed, uint256 limit) = _owed(terms, globals);
        result.convertible = selling && owed > limit;
        result.insolvent = lacks;
        if (terms.equity > int256(terms.maintenance(globals))) return result;
        result.graced = _graced(id, exposures, _moneyOf(state), globals, groups);
        result.liquidatable = !result.graced && (closing || selling);
    }

    /// @dev Whether some position may be closed, and some collateral be sold.
    function _closable(Exposure[] memory exposures) private view returns (bool closing, bool selling) {
        (Conditions conditions, ) = clearingHouse.oracle().peek(0, true);
        for (uint256 i = 0; i < exposures.length; ++i) {
            Exposure memory e = exposures[i];
            if (!e.price.liquidatable()) continue;
            if (e.size != 0) closing = true;
            if (e.collateral != 0) selling = conditions.settlementPrice() != 0;
        }
    }

    /// @notice h = max(0, −(c + U)) and λ_M·Σ k·P, as `convert` has them.
    function _owed(Terms memory terms, GlobalParameters globals) private pure returns (uint256 owed, uint256 limit) {
        int256 free = terms.equity - int256(terms.collateralValue);
        owed = free < 0 ? uint256(-free) : 0;
        limit = Fixed.mulDivDown(terms.collateralValue, globals.shortfallMaintenance(), PPM);
    }

    /// @dev Whether the account is healthy with the sizes that it had before the last deleveraging.
    function _graced(
        AccountId id,
        Exposure[] memory exposures,
        int256 cash,
        GlobalParameters globals,
        GroupParameters groups
    ) private view returns (bool) {
        Exposure[] memory before = new Exposure[](exposures.length);
        bool cut = false;
        for (uint256 i = 0; i < exposures.length; ++i) {
            Exposure memory e = exposures[i];
            before[i] = e;
            if (e.size == 0 || !e.funding.hasIndex(e.size > 0)) continue;
            (bool graced, int256 size, int256 quote) = clearingHouse.formerPositionOf(id, e.asset);
            if (!graced) continue;
            cut = true;
            before[i] = Exposure({
                asset: e.asset,
                price: e.price,
                size: size,
                quote: quote,
                collateral: e.collateral,
                funding: e.funding,
                risk: e.risk,
                sizes: e.sizes,
                trade: e.trade
            });
        }
        if (!cut) return false;
        Terms memory terms = Risk.assess(before, cash, groups, block.timestamp, false);
        return terms.equity > int256(terms.maintenance(globals));
    }

    // ---------------------------------------------------------------- liquidation price

    /// @inheritdoc ILens
    /// @dev E − R_M is concave along one price: E is linear in it and R_M convex. So the healthy prices are one interval,
    /// and bisection from inside it finds each end exactly.
    function liquidationPrices(AccountId id, uint256 asset) external view returns (uint256 below, uint256 above) {
        Margin memory margin;
        AccountState memory state;
        (state, margin.exposures, ) = clearingHouse.snapshot(id);
        (margin.globals, margin.groups, ) = clearingHouse.globals();
        margin.cash = _moneyOf(state);
        for (margin.place = 0; margin.place < margin.exposures.length; ++margin.place) {
            if (margin.exposures[margin.place].asset == asset) break;
        }
        if (margin.place == margin.exposures.length) return (0, type(uint96).max);

        uint256 current = margin.exposures[margin.place].price.last();
        if (!_healthyAt(margin, current)) return (current, current);
        below = _healthyAt(margin, 0) ? 0 : _edge(margin, current, 0);
        above = _healthyAt(margin, type(uint96).max) ? type(uint96).max : _edge(margin, current, type(uint96).max);
    }

    struct Margin {
        Exposure[] exposures;
        uint256 place; // of the asset whose price varies
        int256 cash;
        GlobalParameters globals;
        GroupParameters groups;
    }

    function _healthyAt(Margin memory margin, uint256 price) private view returns (bool) {
        Exposure memory e = margin.exposures[margin.place];
        e.price = toPrice({
            last_: price,
            spread_: 0,
            refusal_: Refusal.None,
            settling_: false,
            dead_: false,
            updatedAt_: e.price.updatedAt()
        });
        Terms memory terms = Risk.assess(margin.exposures, margin.cash, margin.groups, block.timestamp, false);
        return terms.equity > int256(terms.maintenance(margin.globals));
    }

    /// @dev The price nearest to `inside` on the way to `outside` at which the account is not healthy.
    function _edge(Margin memory margin, uint256 inside, uint256 outside) private view returns (uint256) {
        while (inside > outside ? inside - outside > 1 : outside - inside > 1) {
            uint256 middle = (inside + outside) / 2;
            if (_healthyAt(margin, middle)) inside = middle;
            else outside = middle;
        }
        return outside;
    }

    // ---------------------------------------------------------------- preview

    /// @inheritdoc ILens
    function preview(AccountId id, Leg[] calldata legs, bool reduceOnly) external returns (Preview memory result) {
        Leg[] memory priced = legs;
        for (uint256 i = 0; i < priced.length; ++i) {
            priced[i].price = _priceOf(priced[i].asset).last();
        }
        try clearingHouse.simulate(id, priced, reduceOnly) {
            assert(false); // simulate always reverts
        } catch (bytes memory reason) {
            if (bytes4(reason) != IClearingHouse.Simulated.selector) {
                result.refusal = reason;
                return result;
            }
            assembly ("memory-safe") {
                // Drops the selector: the length moves up by four bytes.
                mstore(add(reason, 4), sub(mload(reason), 4))
                reason := add(reason, 4)
            }
            Terms memory terms;
            (result.fills, result.cash, terms, result.initial, result.maintenance) = abi.decode(
                reason,
                (FillResult[], int256, Terms, uint256, uint256)
            );
            result.initialEquity = terms.weighted;
            result.accepted = true;
        }
    }

    // ---------------------------------------------------------------- liquidation

    /// @inheritdoc ILiquidationFinder
    function leastReduction(AccountId id, uint256 asset) external view returns (LiquidationPlan memory) {
        return _finder.leastReduction(id, asset);
    }

    /// @inheritdoc ILiquidationFinder
    function leastSlice(AccountId id) external view returns (LiquidationPlan memory) {
        return _finder.leastSlice(id);
    }

    // ---------------------------------------------------------------- markets and pool

    /// @inheritdoc ILens
    function market(uint256 asset) external view returns (MarketView memory result) {
        (, SizeParameters sizes, TradeParameters trade) = clearingHouse.parametersOf(asset);
        Price price = _priceOf(asset);
        Funding funding;
        (result.longSize, result.longQuote, result.shortSize, result.shortQuote, funding) = clearingHouse.marketOf(
            asset
        );
        result.price = price.last();
        result.refusal = price.refusal();
        funding = funding.accrued(trade.maxFundingRate(), result.price, block.timestamp);
        result.status = sizes.status();
        result.fundingRate = funding.rate();
        result.fundingVelocity = funding.velocity();
        result.fundingIndex = funding.index();
        result.depth = sizes.depth();
        (, , , , int256 mark, ) = clearingHouse.balances();
        uint256 share =
            mark > 0 && result.price != 0
                ? Fixed.mulDivDown(uint256(mark) * sizes.openInterestShare(), WAD, result.price * PPM)
                : 0;
        result.openInterestCap = Math.min(sizes.openInterestCap(), share);
        result.skewCap = trade.skewCap();
        result.takerFee = trade.takerFee();
        result.makerFee = trade.makerFee();
        result.closesAt = clearingHouse.watchOf(asset).closesAt();
    }

    function _priceOf(uint256 asset) private view returns (Price) {
        // No bit of a set: the oracle would answer for none.
        require(asset < 256, IClearingHouse.UnknownMarket(asset));
        (, Price[] memory prices) = clearingHouse.oracle().peek(1 << asset, false);
        return prices[0];
    }

    /// @inheritdoc ILens
    function poolEquity() external view returns (int256 equity, bool live) {
        PoolValuation memory pool = clearingHouse.poolValuation();
        return (pool.equity, pool.live);
    }

    // ---------------------------------------------------------------- solvency

    /// @inheritdoc ILens
    function solvency() external view returns (Solvency memory result) {
        Ledger memory ledger = clearingHouse.ledger();
        (, , MoneyParameters money) = clearingHouse.globals();
        result.ledger = ledger;
        result.pool = clearingHouse.poolValuation();
        result.custody = _custody();
        Custody memory settlement = result.custody[0];
        int256 unit = int256(10 ** (18 - settlement.decimals));
        int256 held = int256(settlement.held) * unit;
        result.tradersCash = held - ledger.base - int256(ledger.insurance + ledger.protocolFees);
        result.seniorCoverage = held + SignedMath.min(settlement.surplus, 0) * unit - result.tradersCash;
        result.insuranceTarget = IInsuranceFund(clearingHouse.insuranceFund()).targetBalance();
        result.utilisation = Interest.utilisationDown(ledger.base, ledger.lent);
        result.borrowRate = Interest.rateDown(result.utilisation, money);
        // Of the equity now, as deleveraging counts it, not of the stored mark.
        uint256 budget =
            result.pool.equity > 0 ? Fixed.mulDivDown(uint256(result.pool.equity), money.lossBudget(), PPM) : 0;
        result.markets = _markets(budget);
    }

    function _custody() private view returns (Custody[] memory custody) {
        IVault vault = IVault(clearingHouse.vault());
        custody = new Custody[](vault.count() + 1);
        for (uint256 i = 0; i < custody.length; ++i) {
            Custody memory c = custody[i];
            c.token = i == 0 ? SETTLEMENT : i - 1;
            (c.contractAddress, c.decimals) = vault.tokenOf(c.token);
            c.held = vault.held(c.token);
            c.surplus = vault.surplus(c.token);
        }
    }

    function _markets(uint256 budget) private view returns (MarketSolvency[] memory rows) {
        (uint256 assets, ) = clearingHouse.listed();
        (, Price[] memory prices) = clearingHouse.oracle().peek((1 << assets) - 1, false);
        rows = new MarketSolvency[](assets);
        uint256 count = 0;
        for (uint256 asset = 0; asset < assets; ++asset) {
            (, SizeParameters sizes, TradeParameters trade) = clearingHouse.parametersOf(asset);
            if (sizes.status() == MarketStatus.None) continue;
            MarketSolvency memory row = rows[count++];
            (row.asset, row.status, row.budget) = (asset, sizes.status(), budget);
            (row.price, row.refusal) = (prices[asset].last(), prices[asset].refusal());
            _weighSides(row, sizes, trade);
            (row.insuranceRoom, row.insuranceCap) = clearingHouse.insuranceRoomOf(asset);
            MarketWatch watch = clearingHouse.watchOf(asset);
            (row.flag, row.flaggedAt, row.overSince) = (watch.trigger(), watch.flaggedAt(), watch.overSince());
            (row.graceUntil, row.closesAt) = (watch.graceUntil(), watch.closesAt());
        }
        assembly ("memory-safe") {
            // Fewer than there is room for.
            mstore(rows, count)
        }
    }

    function _weighSides(MarketSolvency memory row, SizeParameters sizes, TradeParameters trade) private view {
        (, , , , Funding funding) = clearingHouse.marketOf(row.asset);
        int256 net = int256(row.price) - funding.accrued(trade.maxFundingRate(), row.price, block.timestamp).index();
        SideView memory long = clearingHouse.sideOf(row.asset, true);
        SideView memory short = clearingHouse.sideOf(row.asset, false);
        (row.longSize, row.shortSize) = (long.size, short.size);
        row.skew = int256(long.size) - int256(short.size);
        row.longValue = _sideValueCeil(long, int256(long.units), net);
        row.shortValue = _sideValueCeil(short, -int256(short.units), net);
        row.heldPremium = Pricing.heldPremiumUp(row.skew, row.price, sizes.depth());
    }

    /// @notice N·A·(P − F) + N·B + M·H, as `Sides.valueCeil`.
    function _sideValueCeil(SideView memory side, int256 units, int256 net) private pure returns (int256) {
        SideIndex index = toSideIndex(side.scale, side.profitScale, side.offset);
        return
            Fixed.mulDivCeil(units * int256(side.scale), net, ONE_64 * WAD) +
            Sides.heldQuoteCeil(index, units, side.quote);
    }
}
