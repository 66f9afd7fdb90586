// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {IClearingHouse} from "../interfaces/IClearingHouse.sol";
import {IOracle, RoundHint, Verdict} from "../interfaces/IOracle.sol";
import {MarketStatus, SizeParameters, TradeParameters} from "../types/AssetParameters.sol";
import {Conditions} from "../types/Conditions.sol";
import {Funding} from "../types/Funding.sol";
import {MarketSide} from "../types/MarketSide.sol";
import {MarketWatch, Trigger} from "../types/MarketWatch.sol";
import {Price} from "../types/Price.sol";
import {ONE_64, OFFSET_UNIT, SideIndex, toSideIndex, UNTOUCHED} from "../types/SideIndex.sol";
import {Books, BooksStorage, Flow, Market} from "./Books.sol";
import {Fixed, PPM, WAD} from "./Fixed.sol";
import {ParameterTable} from "./ParameterTable.sol";
import {PoolAccount} from "./PoolAccount.sol";
import {Pricing} from "./Pricing.sol";
import {Exposure} from "./Risk.sol";
import {Sides} from "./Sides.sol";

/// @notice What reaches every position of a side at once, whatever their number: deleveraging, cuts of profits, closing.
library Deleveraging {
    using Books for BooksStorage;
    using ParameterTable for address;
    using SafeCast for int256;
    using SafeCast for uint256;

    /// @dev Most that one deleveraging closes of a side, WAD.
    uint256 internal constant MAX_FRACTION = WAD / 4;
    /// @dev |S| beyond so many skew caps for so long is deleveraged.
    uint256 internal constant HARD_CAPS = 2;
    uint256 internal constant SKEW_PATIENCE = 1 hours;
    uint256 internal constant GRACE = 1 hours;
    uint256 internal constant FLAG_PATIENCE = 1 days;
    /// @dev A flag is of use for so long after the round that it settles at.
    uint256 internal constant EXECUTION_WINDOW = 10 minutes;
    /// @dev Below this scale a side is closed whole: sizes would lose their precision.
    uint256 internal constant MIN_SCALE = 1 << 32;
    /// @dev And below this H: m = q/H has 128 bits, and the quotes of any market fit only with so many to spare.
    uint256 internal constant MIN_PROFIT_SCALE = 1 << 40;
    /// @dev N has 112 bits: a side is closed whole, too, where its cap on open interest would come to more units than 2^111.
    uint256 internal constant CAP_SHIFT = 111 - 64;
    /// @dev Halvings of the search for the least fraction that the pool needs.
    uint256 internal constant BISECTIONS = 8;
    /// @dev From its announcement to its final price a market can be left at ordinary prices.
    uint256 internal constant CLOSING_NOTICE = 1 days;
    /// @dev Without any proof of a final round a market is closed at the last accepted price so much later.
    uint256 internal constant CLOSING_PATIENCE = 7 days;

    struct Case {
        uint256 asset;
        int256 skew;
        uint256 side; // size of the crowded side, WAD
        PoolAccount.Valuation pool;
        Exposure exposure; // the pool's, of the market
    }

    // ---------------------------------------------------------------- deleverage

    /// @notice See IClearingHouse.flagDeleveraging.
    function flag(BooksStorage storage books, IOracle oracle, uint256 asset) external returns (Trigger trigger) {
        Market storage market = books.markets[asset];
        MarketWatch watch = market.watch;
        require(watch.flaggedAt() == 0, IClearingHouse.AlreadyFlagged(asset));
        require(watch.closesAt() == 0, IClearingHouse.NotDue(asset));
        Case memory c = _caseAt(books, oracle, asset);
        require(c.exposure.price.liquidatable(), IClearingHouse.NotLiquidatable(asset));

        uint256 cap = HARD_CAPS * c.exposure.trade.skewCap();
        bool over = SignedMath.abs(c.skew) > cap;
        uint256 since = watch.overSince();
        if (over != (since != 0)) {
            // It is seen for the first time, or no longer.
            watch = watch.withOverSince(over ? block.timestamp : 0);
            market.watch = watch;
            emit IClearingHouse.SkewWatched(asset, SignedMath.abs(c.skew), cap, over);
        }
        (uint256 fraction, Trigger found) = _needed(books, c, watch);
        if (fraction == 0) {
            require(over != (since != 0), IClearingHouse.NotDue(asset));
            return Trigger.None;
        }
        (, uint256 phase, ) = oracle.stored(asset);
        market.watch = watch.withFlag(block.timestamp, phase, found);
        ++books.flaggedMarkets;
        emit IClearingHouse.DeleveragingFlagged(asset, found);
        return found;
    }

    /// @notice See IClearingHouse.deleverage.
    function deleverage(
        BooksStorage storage books,
        IOracle oracle,
        uint256 asset,
        RoundHint calldata hint
    ) external returns (uint256 closed) {
        Market storage market = books.markets[asset];
        MarketWatch watch = market.watch;
        require(watch.flaggedAt() != 0, IClearingHouse.NotFlagged(asset));
        Verdict verdict = Verdict.Void;
        uint256 price = 0;
        uint256 settledAt = 0;
        // What nobody could prove for so long is dropped.
        if (block.timestamp <= watch.flaggedAt() + FLAG_PATIENCE) {
            (verdict, price, settledAt) = oracle.settle(asset, watch.phase(), watch.flaggedAt(), hint);
        }
        market.watch = watch.withoutFlag();
        --books.flaggedMarkets;
        // Later, whoever has joined the side meanwhile would be closed at a price from before.
        bool timely = verdict == Verdict.Settled && block.timestamp <= settledAt + EXECUTION_WINDOW;
        if (timely && _isOpen(market) && oracle.accepts(asset, price)) {
            Case memory c = _caseAt(books, oracle, asset);
            _revalue(books, c, price);
            (uint256 fraction, ) = _needed(books, c, watch);
            if (fraction != 0) closed = _close(books, c, fraction, price);
        }
        if (closed == 0) emit IClearingHouse.DeleveragingDropped(asset);
    }

    function _isOpen(Market storage market) private view returns (bool) {
        return market.long.units() != 0 || market.short.units() != 0;
    }

    function _caseAt(BooksStorage storage books, IOracle oracle, uint256 asset) private returns (Case memory c) {
        uint256 assets = PoolAccount.assetsOf(books);
        require((assets >> asset) & 1 != 0, IClearingHouse.NotDue(asset));
        (Conditions conditions, Price[] memory prices) = oracle.read(assets, false);
        require(conditions.sequencerSettled(), IClearingHouse.SequencerNotSettled());
        c.asset = asset;
        c.pool = PoolAccount.value(books, assets, prices);
        c.exposure = Books.find(c.pool.exposures, asset);
        c.skew = -c.exposure.size;
        c.side = Sides.sizeDown(books.markets[asset], c.exposure.funding, c.skew > 0);
    }

    /// @dev The pool as it is worth with the settlement price of the market in place of the last.
    function _revalue(BooksStorage storage books, Case memory c, uint256 price) private view {
        Market storage market = books.markets[c.asset];
        Exposure memory e = c.exposure;
        c.pool.equity += PoolAccount.weigh(market, e);
        e.price = e.price.withLast(price);
        c.pool.equity -= PoolAccount.weigh(market, e);
    }

    /// @notice f = min(needed, 25 %, |S|/side), WAD, rounded up, for the first trigger that holds.
    function _needed(
        BooksStorage storage books,
        Case memory c,
        MarketWatch watch
    ) private view returns (uint256 fraction, Trigger trigger) {
        uint256 skew = SignedMath.abs(c.skew);
        if (skew == 0 || c.side == 0) return (0, Trigger.None);
        uint256 most = Math.min(MAX_FRACTION, Fixed.mulDivDown(skew, WAD, c.side));
        uint256 cap = HARD_CAPS * c.exposure.trade.skewCap();
        uint256 since = watch.overSince();
        if (skew > cap && since != 0 && block.timestamp >= since + SKEW_PATIENCE) {
            (fraction, trigger) = (Math.min(most, Fixed.mulDivUp(skew - cap, WAD, c.side)), Trigger.Skew);
        }
        if (_overBudget(books, c)) (fraction, trigger) = (most, Trigger.Budget);
        uint256 requirement = PoolAccount.maintenanceOf(books, c.pool.exposures);
        if (c.pool.equity < int256(requirement)) {
            (fraction, trigger) = (Math.max(fraction, _neededByPool(books, c, most)), Trigger.Pool);
        }
        if (fraction == 0) return (0, Trigger.None);
        uint256 closing = _scaleAfter(books, c, fraction) == 0 ? WAD : fraction;
        if (_maintenanceAfter(books, c, closing) >= requirement) return (0, Trigger.None);
    }

    /// @notice A' = A·(1 − f), in 2^-64, rounded down: no less is closed than what is needed. 0 where the side is to be
    /// closed whole.
    function _scaleAfter(BooksStorage storage books, Case memory c, uint256 fraction) private view returns (uint256) {
        uint256 scale = Sides.indexOf(books.markets[c.asset], c.skew > 0).scale();
        scale -= Fixed.mulDivUp(scale, fraction, WAD);
        uint256 least = Math.max(MIN_SCALE, c.exposure.sizes.openInterestCap() >> CAP_SHIFT);
        return scale < least ? 0 : scale;
    }

    function _overBudget(BooksStorage storage books, Case memory c) private view returns (bool) {
        uint256 equity = c.pool.equity > 0 ? uint256(c.pool.equity) : 0;
        uint256 budget = Fixed.mulDivDown(equity, books.table.money().lossBudget(), PPM);
        return PoolAccount.weigh(books.markets[c.asset], c.exposure) > int256(budget);
    }

    /// @notice The least fraction that brings the pool's equity up to its R_M, or `most`. Equity stays: what the side is
    /// paid as impact has been held for it.
    function _neededByPool(
        BooksStorage storage books,
        Case memory c,
        uint256 most
    ) private view returns (uint256 high) {
        high = most;
        uint256 low = 0;
        for (uint256 i = 0; i < BISECTIONS; ++i) {
            uint256 middle = (low + high + 1) / 2;
            if (c.pool.equity >= int256(_maintenanceAfter(books, c, middle))) high = middle;
            else low = middle;
        }
    }

    /// @dev R_M of the pool with `fraction` of the crowded side closed; leaves the exposure as it was.
    function _maintenanceAfter(
        BooksStorage storage books,
        Case memory c,
        uint256 fraction
    ) private view returns (uint256 r) {
        int256 size = c.exposure.size;
        int256 closed = Fixed.mulDivDown(c.side, fraction, WAD).toInt256();
        c.exposure.size = size < 0 ? size + closed : size - closed;
        r = PoolAccount.maintenanceOf(books, c.pool.exposures);
        c.exposure.size = size;
    }

    /// @notice Closes a fraction of the crowded side through the ordinary fill price.
    function _close(
        BooksStorage storage books,
        Case memory c,
        uint256 fraction,
        uint256 price
    ) private returns (uint256 closed) {
        Market storage market = books.markets[c.asset];
        bool long = c.skew > 0;
        MarketSide sums = Sides.side(market, long);
        SideIndex index = Sides.indexOf(market, long);
        uint256 scale = _scaleAfter(books, c, fraction);
        closed = c.side - ((sums.units() * scale) >> 64);
        int256 delta = long ? -closed.toInt256() : closed.toInt256();
        Funding funding = c.exposure.funding;
        uint256 depth = c.exposure.sizes.depth();
        int256 paid = -Pricing.quoteCeil(delta, price, c.skew, depth, funding.index());
        int256 offset = index.offset() + _offsetFor(sums, long, paid);

        _keepFormer(market, index, sums, long);
        sums = sums.withCut();
        if (long) market.long = sums;
        else market.short = sums;
        _forgetOver(market, c.exposure.trade, c.skew + delta);
        _put(books, c.asset, long, index, scale, index.profitScale(), offset);
        funding = funding.withIndex(long);
        market.funding = funding.steered(c.exposure.trade.fundingVelocity(), c.skew + delta, depth);
        emit IClearingHouse.Deleveraged(c.asset, long, closed, price, paid, scale, offset);
    }

    /// @dev No longer over the hard cap: `overSince` begins anew.
    function _forgetOver(Market storage market, TradeParameters trade, int256 skew) private {
        if (SignedMath.abs(skew) <= HARD_CAPS * trade.skewCap()) market.watch = market.watch.withOverSince(0);
    }

    /// @notice What B grows by so that the side is paid `paid`, rounded toward the pool.
    function _offsetFor(MarketSide sums, bool long, int256 paid) private pure returns (int256) {
        int256 whole = int256(OFFSET_UNIT * WAD);
        return long ? Fixed.mulDivFloor(paid, whole, sums.units()) : -Fixed.mulDivFloor(paid, whole, sums.units());
    }

    /// @dev Of a run of deleveragings within each other's grace the index before the first is kept.
    function _keepFormer(Market storage market, SideIndex index, MarketSide sums, bool long) private {
        MarketWatch watch = market.watch;
        bool running =
            block.timestamp < watch.graceUntil() && watch.formerLong() == long && watch.formerEpoch() == sums.epoch();
        if (!running) market.former = index;
        uint256 cuts = running ? watch.formerCuts() : sums.cuts();
        market.watch = watch.withFormer(block.timestamp + GRACE, sums.epoch(), cuts, long);
    }

    /// @dev Writes a side's index. With a scale of 0 the side is closed whole: positions of its epoch keep what they are
    /// worth, and the next epoch begins.
    function _put(
        BooksStorage storage books,
        uint256 asset,
        bool long,
        SideIndex index,
        uint256 scale,
        uint256 profitScale,
        int256 offset
    ) private {
        Market storage market = books.markets[asset];
        if (scale != 0) {
            index = toSideIndex(scale, profitScale, offset);
            if (long) market.longIndex = index;
            else market.shortIndex = index;
            return;
        }
        MarketSide sums = Sides.side(market, long);
        SideIndex last = toSideIndex(ONE_64, profitScale, offset);
        market.closed[long][sums.epoch()] = last;
        int256 units = long ? int256(sums.units()) : -int256(sums.units());
        books.closedValue = (books.closedValue + Sides.heldQuoteCeil(last, units, sums.quote())).toInt128();
        if (long) (market.long, market.longIndex) = (sums.nextEpoch(), UNTOUCHED);
        else (market.short, market.shortIndex) = (sums.nextEpoch(), UNTOUCHED);
        emit IClearingHouse.SideClosed(asset, long, sums.epoch());
    }

    // ---------------------------------------------------------------- depth

    /// @notice Charges the crowded side what the held premium Φ = S²·P/(2D) grows by when D becomes `depth`, or pays it what
    /// Φ falls by; so the pool's equity stays, and nobody is paid for a depth that was not there when the skew arose. The
    /// caller writes D.
    /// @return charged Φ' − Φ, WAD. @return rate What that is of the side's notional, 1e-6, rounded up to at least one
    /// more; 0 where nothing is charged.
    function moveDepth(
        BooksStorage storage books,
        IOracle oracle,
        uint256 asset,
        uint256 depth
    ) external returns (int256 charged, uint256 rate) {
        Market storage market = books.markets[asset];
        Exposure memory e;
        e.asset = asset;
        (e.risk, e.sizes, e.trade) = books.table.asset(asset);
        (, Price[] memory prices) = oracle.read(1 << asset, false);
        e.price = prices[0];
        books.accrue(e);
        int256 skew = Sides.skew(market, e.funding);
        Funding funding = e.funding;
        if (skew != 0) {
            require(e.price.live(), IClearingHouse.NotLive(asset));
            uint256 price = e.price.last();
            charged =
                Pricing.heldPremiumUp(skew, price, depth).toInt256() -
                Pricing.heldPremiumUp(skew, price, e.sizes.depth()).toInt256();
            bool long = skew > 0;
            if (charged > 0) {
                uint256 notional = Fixed.mulDivDown(Sides.sizeDown(market, funding, long), price, WAD);
                // One more for the roundings of value and requirement of each position.
                rate = Fixed.mulDivUp(uint256(charged), PPM, notional) + 1;
            }
            MarketSide sums = Sides.side(market, long);
            SideIndex index = Sides.indexOf(market, long);
            int256 offset = index.offset() + _offsetFor(sums, long, -charged);
            _put(books, asset, long, index, index.scale(), index.profitScale(), offset);
            funding = funding.withIndex(long);
        }
        market.funding = funding.steered(e.trade.fundingVelocity(), skew, depth);
    }

    // ---------------------------------------------------------------- cut of profits

    /// @notice See IClearingHouse.cutProfits.
    function cutProfits(BooksStorage storage books, IOracle oracle) external returns (uint256 cut) {
        uint256 assets = PoolAccount.assetsOf(books);
        (Conditions conditions, Price[] memory prices) = oracle.read(assets, false);
        require(conditions.sequencerSettled(), IClearingHouse.SequencerNotSettled());
        PoolAccount.Valuation memory pool = PoolAccount.value(books, assets, prices);
        require(pool.equity < 0 && pool.live, IClearingHouse.PoolSolvent(pool.equity, pool.live));
        uint256 shortfall = uint256(-pool.equity);
        uint256 fromInsurance = Math.min(shortfall, books.insurance);
        if (fromInsurance != 0) {
            Flow memory flow;
            (flow.insurance, flow.base) = (-int256(fromInsurance), int256(fromInsurance));
            books.flush(flow);
            emit IClearingHouse.PoolRescued(fromInsurance);
        }
        shortfall -= fromInsurance;
        if (shortfall == 0) return 0;
        uint256 profits = 0;
        for (uint256 i = 0; i < pool.exposures.length; ++i) {
            Exposure memory e = pool.exposures[i];
            profits += _profitOf(books, e, true) + _profitOf(books, e, false);
        }
        require(profits != 0, IClearingHouse.NoProfits());
        // 2^-64, rounded up: the cut must cover the shortfall.
        cut = Math.min(ONE_64, Fixed.mulDivUp(shortfall, ONE_64, profits));
        for (uint256 i = 0; i < pool.exposures.length; ++i) {
            Exposure memory e = pool.exposures[i];
            if (_profitOf(books, e, true) != 0) _cut(books, e, true, cut);
            if (_profitOf(books, e, false) != 0) _cut(books, e, false, cut);
        }
    }

    function _profitOf(BooksStorage storage books, Exposure memory e, bool long) private view returns (uint256) {
        int256 net = int256(e.price.last()) - e.funding.index();
        int256 value = Sides.valueCeil(books.markets[e.asset], e.funding, long, net);
        return value > 0 ? uint256(value) : 0;
    }

    /// @notice Scales every value of a side by 1 − h: H' = H·(1 − h), B' = B − h·(A·(P − F) + B), rounded toward the pool.
    function _cut(BooksStorage storage books, Exposure memory e, bool long, uint256 cut) private {
        Market storage market = books.markets[e.asset];
        SideIndex index = Sides.indexOf(market, long);
        uint256 before = index.profitScale();
        uint256 profitScale = before - Fixed.mulDivUp(before, cut, ONE_64);
        if (profitScale < MIN_PROFIT_SCALE) return _cutWhole(books, e, long, cut);
        int256 net = int256(e.price.last()) - e.funding.index();
        int256 lost = int256(before - profitScale);
        int256 scale = int256(index.scale());
        // h·Π with the 32 bits of B: up for longs, down for shorts, whose units are negative.
        int256 offset =
            index.offset() -
                (
                    long
                        ? Fixed.mulDivCeil(Fixed.mulDivCeil(scale, net, OFFSET_UNIT) + index.offset(), lost, before)
                        : Fixed.mulDivFloor(Fixed.mulDivFloor(scale, net, OFFSET_UNIT) + index.offset(), lost, before)
                );
        _put(books, e.asset, long, index, index.scale(), profitScale, offset);
        market.funding = e.funding.withIndex(long);
        e.funding = market.funding;
        emit IClearingHouse.ProfitsCut(e.asset, long, ONE_64 - Fixed.mulDivDown(ONE_64, profitScale, before), offset);
    }

    /// @notice A cut that H has no room for: the side is closed whole at the last price. Its positions keep (1 − h) of what it
    /// was worth, less what Φ grows by without it, but nothing below 0; by value as in any cut, and what Φ falls by, by
    /// size. So the pool gains as much as by any cut, unless Φ grows by more than that.
    function _cutWhole(BooksStorage storage books, Exposure memory e, bool long, uint256 cut) private {
        Market storage market = books.markets[e.asset];
        MarketSide sums = Sides.side(market, long);
        SideIndex index = Sides.indexOf(market, long);
        uint256 value = _profitOf(books, e, long);
        int256 skew = Sides.skew(market, e.funding);
        int256 size = Sides.sizeDown(market, e.funding, long).toInt256();
        int256 rest = long ? skew - size : skew + size;
        (uint256 price, uint256 depth) = (e.price.last(), e.sizes.depth());
        int256 kept =
            (value - Fixed.mulDivUp(value, cut, ONE_64)).toInt256() +
                Pricing.heldPremiumUp(skew, price, depth).toInt256() -
                Pricing.heldPremiumUp(rest, price, depth).toInt256();
        if (kept < 0) kept = 0;
        uint256 before = index.profitScale();
        // Above 0, which stands for 1.
        uint256 profitScale = Math.max(1, Fixed.mulDivDown(before, Math.min(uint256(kept), value), value));
        int256 fromQuotes = Fixed.mulDivCeil(sums.quote(), int256(profitScale), ONE_64);
        int256 offset = _offsetFor(sums, long, kept - fromQuotes);
        _put(books, e.asset, long, index, 0, profitScale, offset);
        _forgetOver(market, e.trade, rest);
        market.funding = e.funding.withIndex(long).steered(e.trade.fundingVelocity(), rest, depth);
        e.funding = market.funding;
        emit IClearingHouse.ProfitsCut(e.asset, long, cut, offset);
    }

    // ---------------------------------------------------------------- wind-down

    /// @notice See IClearingHouse.windDown.
    function windDown(BooksStorage storage books, IOracle oracle, uint256 asset) external {
        (, SizeParameters sizes, ) = books.table.asset(asset);
        MarketStatus status = sizes.status();
        require(
            status == MarketStatus.Active || status == MarketStatus.ReduceOnly,
            IClearingHouse.WrongStatus(asset, status)
        );
        Market storage market = books.markets[asset];
        if (market.watch.flaggedAt() != 0) --books.flaggedMarkets;
        (, uint256 phase, ) = oracle.stored(asset);
        uint256 closesAt = block.timestamp + CLOSING_NOTICE;
        market.watch = market.watch.withClosing(closesAt, phase);
        emit IClearingHouse.WindDownAnnounced(asset, closesAt);
    }

    /// @notice See IClearingHouse.closeMarket.
    function closeMarket(BooksStorage storage books, IOracle oracle, uint256 asset, RoundHint calldata hint) external {
        // The table multiplies without a check: some larger index would read and write the words of a listed one.
        require(asset < books.assets, IClearingHouse.UnknownMarket(asset));
        (, SizeParameters sizes, TradeParameters trade) = books.table.asset(asset);
        require(sizes.status() == MarketStatus.Closing, IClearingHouse.WrongStatus(asset, sizes.status()));
        Market storage market = books.markets[asset];
        uint256 price = _finalPrice(oracle, asset, market.watch, hint);
        Funding funding = market.funding.accrued(trade.maxFundingRate(), price, block.timestamp);
        int256 skew = Sides.skew(market, funding);
        // P·(1 + S/(2D)): the impact that the pool holds goes back to whom it came from.
        int256 twoDepth = 2 * int256(sizes.depth());
        int256 last = Fixed.mulDivFloor(int256(price), twoDepth + skew, uint256(twoDepth));
        _closeSide(books, asset, true, funding, last);
        _closeSide(books, asset, false, funding, last);
        market.funding = funding.withIndex(true).withIndex(false).steered(0, 0, sizes.depth());
        emit IClearingHouse.MarketClosed(asset, price, last);
    }

    function _finalPrice(
        IOracle oracle,
        uint256 asset,
        MarketWatch watch,
        RoundHint calldata hint
    ) private returns (uint256 price) {
        uint256 closesAt = watch.closesAt();
        require(block.timestamp > closesAt, IClearingHouse.ClosingLater(asset, closesAt));
        if (block.timestamp <= closesAt + CLOSING_PATIENCE) {
            Verdict verdict;
            (verdict, price, ) = oracle.settle(asset, watch.phase(), closesAt, hint);
            if (verdict == Verdict.Settled && oracle.accepts(asset, price)) return price;
        }
        // Read now: of what was stored last, and to where it was walked, the caller could choose. In a halt, or while
        // the market is closed, who likes the last price would act before it ends.
        (, Price[] memory prices) = oracle.read(1 << asset, false);
        bool patient = block.timestamp <= closesAt + CLOSING_PATIENCE;
        require(!patient || prices[0].live() || prices[0].dead(), IClearingHouse.NotLiquidatable(asset));
        return prices[0].last();
    }

    /// @dev Every unit becomes worth A·(p − F) + B, rounded toward the pool.
    function _closeSide(BooksStorage storage books, uint256 asset, bool long, Funding funding, int256 last) private {
        Market storage market = books.markets[asset];
        SideIndex index = Sides.indexOf(market, long);
        int256 net = last - funding.index();
        int256 scale = int256(index.scale());
        int256 offset =
            index.offset() +
                (long ? Fixed.mulDivFloor(scale, net, OFFSET_UNIT) : Fixed.mulDivCeil(scale, net, OFFSET_UNIT));
        _put(books, asset, long, index, 0, index.profitScale(), offset);
    }
}
