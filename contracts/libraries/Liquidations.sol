// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {
    FillResult,
    IClearingHouse,
    LiquidationResult,
    Reduction,
    Sale,
    UNATTRIBUTED
} from "../interfaces/IClearingHouse.sol";
import {IOracle} from "../interfaces/IOracle.sol";
import {AccountId} from "../types/AccountId.sol";
import {AccountState} from "../types/AccountState.sol";
import {Conditions} from "../types/Conditions.sol";
import {CollateralParameters, GlobalParameters, GroupParameters, MoneyParameters} from "../types/GlobalParameters.sol";
import {Price} from "../types/Price.sol";
import {Books, BooksStorage, Flow} from "./Books.sol";
import {Deficits} from "./Deficits.sol";
import {Fills} from "./Fills.sol";
import {Fixed, PPM, WAD} from "./Fixed.sol";
import {ParameterTable} from "./ParameterTable.sol";
import {Exposure, Risk, Terms} from "./Risk.sol";
import {Sales} from "./Sales.sol";
import {Sides} from "./Sides.sol";

/// @notice Liquidation as a verified basket of reductions, paid by the risk that it removes.
library Liquidations {
    using Books for BooksStorage;
    using ParameterTable for address;

    struct Context {
        AccountId account;
        AccountId liquidator;
        AccountState state;
        Exposure[] exposures;
        Conditions conditions;
        GlobalParameters globals;
        GroupParameters groups;
        MoneyParameters money;
        Flow flow;
        uint256 fees;
        uint256 discount; // wished for by sales and takeovers, before the bound
        int256 worst; // most negative result of a reduction, and its market
        uint256 market;
    }

    /// @notice See IClearingHouse.liquidate. Authority over `liquidator` is the caller's to check.
    function liquidate(
        BooksStorage storage books,
        IOracle oracle,
        AccountId account,
        Reduction[] calldata reductions,
        Sale[] calldata sales,
        AccountId liquidator
    ) external returns (LiquidationResult memory result) {
        Context memory c = _open(books, oracle, account, liquidator, sales.length != 0);
        _requireUnhealthy(books, c, result);
        _reduceAll(books, c, reductions);
        _sellAll(books, c, sales);
        Fills.splitFees(c.flow, c.fees, c.globals);
        _settle(books, c, result, reductions, sales);
    }

    /// @notice See IClearingHouse.takeOver. Authority over `taker` is the caller's to check.
    function takeOver(
        BooksStorage storage books,
        IOracle oracle,
        AccountId account,
        Reduction[] calldata legs,
        AccountId taker
    ) external returns (LiquidationResult memory result) {
        Context memory c = _open(books, oracle, account, taker, false);
        _requireUnhealthy(books, c, result);
        require(legs.length != 0, IClearingHouse.NothingToTakeOver(account));

        AccountState memory state = books.stateOf(taker);
        uint256 assets = books.assetsOf(state);
        for (uint256 i = 0; i < legs.length; ++i) assets |= 1 << Books.find(c.exposures, legs[i].asset).asset;
        Books.requireFewAssets(assets);
        (, Price[] memory prices) = oracle.read(assets, true);
        Exposure[] memory exposures = books.exposuresOf(taker, state, assets, prices);
        books.foldClosed(taker, state, c.flow, exposures);

        uint256 rate = _takeoverDiscount(c, result);
        uint256 seen = 0;
        for (uint256 i = 0; i < legs.length; ++i) {
            require(seen & (1 << legs[i].asset) == 0, IClearingHouse.DuplicateLeg(legs[i].asset));
            seen |= 1 << legs[i].asset;
            _move(books, c, legs[i], rate, state, Books.find(exposures, legs[i].asset));
        }
        books.store(taker, state, c.flow);
        _settle(books, c, result, legs, _none());

        // Discount and reward have been paid into the account by now.
        state = books.stateOf(taker);
        Terms memory terms = Risk.assess(exposures, state.cash, c.groups, block.timestamp, true);
        require(
            terms.meetsInitial(c.globals),
            IClearingHouse.InsufficientMargin(taker, terms.weighted, terms.initial(), terms.shortfall())
        );
    }

    function _open(
        BooksStorage storage books,
        IOracle oracle,
        AccountId account,
        AccountId liquidator,
        bool needPeg
    ) private returns (Context memory c) {
        require(account != liquidator, IClearingHouse.SelfLiquidation(account));
        c.account = account;
        c.liquidator = liquidator;
        c.market = UNATTRIBUTED;
        c.state = books.fullStateOf(account);
        (c.globals, c.groups) = books.table.globals();
        c.money = books.table.money();
        Price[] memory prices;
        uint256 assets = books.assetsOf(c.state);
        (c.conditions, prices) = oracle.read(assets, needPeg);
        require(c.conditions.sequencerSettled(), IClearingHouse.SequencerNotSettled());
        c.exposures = books.exposuresOf(account, c.state, assets, prices);
        books.foldClosed(account, c.state, c.flow, c.exposures);
    }

    function _requireUnhealthy(
        BooksStorage storage books,
        Context memory c,
        LiquidationResult memory result
    ) private view {
        Terms memory terms = _assess(c);
        result.equityBefore = terms.equity;
        result.maintenanceBefore = terms.maintenance(c.globals);
        require(
            terms.equity <= int256(result.maintenanceBefore) && (c.state.positions | c.state.collaterals) != 0,
            IClearingHouse.Healthy(c.account, terms.equity, result.maintenanceBefore)
        );
        _requireUnhealthyBefore(books, c);
    }

    /// @notice While the grace after a deleveraging runs, an account must be unhealthy with the size that it had before,
    /// too: whose hedge was cut gets time to restore it.
    function _requireUnhealthyBefore(BooksStorage storage books, Context memory c) private view {
        uint256 count = c.exposures.length;
        uint256 places = 0; // bitmap
        for (uint256 i = 0; i < count; ++i) {
            Exposure memory e = c.exposures[i];
            if (e.size != 0 && e.funding.hasIndex(e.size > 0)) places |= 1 << i;
        }
        if (places == 0) return;
        int256[] memory sizes = new int256[](count);
        int256[] memory quotes = new int256[](count);
        uint256 cut = 0;
        for (uint256 bits = places; bits != 0; bits = Books.withoutLowestBit(bits)) {
            uint256 i = Books.lowestBit(bits);
            Exposure memory e = c.exposures[i];
            (sizes[i], quotes[i]) = (e.size, e.quote);
            if (Sides.restore(books.markets[e.asset], books.positions[c.account][e.asset], e)) cut |= 1 << i;
        }
        if (cut == 0) return;
        Terms memory terms = _assess(c);
        uint256 maintenance = terms.maintenance(c.globals);
        require(terms.equity <= int256(maintenance), IClearingHouse.InGrace(c.account, terms.equity, maintenance));
        for (; cut != 0; cut = Books.withoutLowestBit(cut)) {
            uint256 i = Books.lowestBit(cut);
            (c.exposures[i].size, c.exposures[i].quote) = (sizes[i], quotes[i]);
        }
    }

    /// @notice Pays, books a deficit, checks what the account is left with.
    function _settle(
        BooksStorage storage books,
        Context memory c,
        LiquidationResult memory result,
        Reduction[] calldata reductions,
        Sale[] calldata sales
    ) private {
        Terms memory terms = _assess(c);
        result.maintenanceAfter = terms.maintenance(c.globals);
        bool closed = c.state.positions == 0 && c.state.collaterals == 0;
        _charge(books, c, result, terms.equity, closed);
        result.equityAfter = terms.equity - int256(result.penalty + result.discount);
        if (closed && c.state.cash < 0) {
            if (c.state.pending == 0) {
                result.deficit = Deficits.book(books, c.flow, c.account, c.state, c.market);
            } else if (result.equityAfter < 0 && books.insolventSince[c.account] == 0) {
                // What a pending order has in escrow still belongs to the account: until it ends the debt is not
                // forgiven. What the escrow does not cover is a loss, and the pool's providers wait for it.
                Deficits.flag(books, c.account, result.equityAfter);
            }
        }
        books.store(c.account, c.state, c.flow);
        // The reward last: liquidator and account differ, but the account's word must be final before others move.
        books.pay(c.flow, c.liquidator, int256(result.discount + result.reward));
        books.flush(c.flow);

        int256 marginBefore = result.equityBefore - int256(result.maintenanceBefore);
        int256 marginAfter = result.equityAfter - int256(result.maintenanceAfter);
        require(
            marginAfter > marginBefore || result.deficit != 0,
            IClearingHouse.HealthNotImproved(marginBefore, marginAfter)
        );
        bool whole = closed && _mayCloseWhole(c, result);
        if (!whole) _requireTargetNotPassed(books, c, result, reductions, sales);
        emit IClearingHouse.Liquidated({account: c.account, liquidator: c.liquidator, result: result});
    }

    /// @notice Grows with the shortfall, from 0 at E = R_M to the whole at E ≤ 0, 1e-6 of the notional, rounded down.
    function _takeoverDiscount(Context memory c, LiquidationResult memory result) private pure returns (uint256) {
        uint256 most = c.globals.takeoverDiscount();
        if (result.equityBefore <= 0) return most;
        uint256 lacking = result.maintenanceBefore - uint256(result.equityBefore);
        return Fixed.mulDivDown(most, lacking, result.maintenanceBefore);
    }

    /// @notice Moves a slice of a position to the taker at the last price: it takes on exactly what the account is paid.
    /// No size reaches the pool, so that there is no impact and no fee.
    function _move(
        BooksStorage storage books,
        Context memory c,
        Reduction calldata leg,
        uint256 rate,
        AccountState memory taker,
        Exposure memory to
    ) private {
        Exposure memory from = Books.find(c.exposures, leg.asset);
        _requireSlice(from, leg.delta);
        uint256 price = from.price.last();
        int256 net = int256(price) - from.funding.index();
        FillResult memory out;
        (out.asset, out.delta, out.quote) = (leg.asset, leg.delta, Fixed.mulDivCeil(leg.delta, net, WAD));
        Fills.book(books, c.flow, c.account, c.state, from, price, out);
        FillResult memory in_;
        (in_.asset, in_.delta, in_.quote) = (leg.asset, -leg.delta, -out.quote);
        if (to.size == 0) books.accrue(to);
        Fills.book(books, c.flow, c.liquidator, taker, to, price, in_);
        // The taker's result may have moved the sums that the account's has written.
        Fills.requireViable(from, price, c.money);
        Fills.requireViable(to, price, c.money);
        c.discount += Fixed.mulDivDown(SignedMath.abs(leg.delta) * price, rate, PPM * WAD);
        _note(c, leg.asset, out.realised);
    }

    function _requireSlice(Exposure memory e, int256 delta) private pure {
        int256 size = e.size;
        require(
            delta != 0 && (size < 0) != (delta < 0) && SignedMath.abs(delta) <= SignedMath.abs(size),
            IClearingHouse.NotASlice(e.asset, size, delta)
        );
        require(e.price.liquidatable(), IClearingHouse.NotLiquidatable(e.asset));
    }

    /// @dev A deficit is charged to the market with the greatest loss in the call that finds it.
    function _note(Context memory c, uint256 asset, int256 realised) private pure {
        if (realised < c.worst) (c.worst, c.market) = (realised, asset);
    }

    function _none() private pure returns (Sale[] calldata sales) {
        assembly ("memory-safe") {
            sales.offset := 0
            sales.length := 0
        }
    }

    /// @dev At the better ends: doubt about a price never liquidates anyone.
    function _assess(Context memory c) private view returns (Terms memory) {
        return Risk.assess(c.exposures, c.state.cash + int256(c.state.escrow), c.groups, block.timestamp, false);
    }

    function _reduceAll(BooksStorage storage books, Context memory c, Reduction[] calldata reductions) private {
        uint256 seen = 0;
        for (uint256 i = 0; i < reductions.length; ++i) {
            uint256 asset = reductions[i].asset;
            // Each leg may end one lot past the target: the same leg twice would be two.
            require(seen & (1 << asset) == 0, IClearingHouse.DuplicateLeg(asset));
            seen |= 1 << asset;
            _reduce(books, c, reductions[i]);
        }
    }

    function _sellAll(BooksStorage storage books, Context memory c, Sale[] calldata sales) private {
        uint256 seen = 0;
        for (uint256 i = 0; i < sales.length; ++i) {
            uint256 token = sales[i].token;
            require(seen & (1 << token) == 0, IClearingHouse.DuplicateLeg(token));
            seen |= 1 << token;
            _sell(books, c, sales[i]);
        }
    }

    function _reduce(BooksStorage storage books, Context memory c, Reduction calldata reduction) private {
        Exposure memory e = Books.find(c.exposures, reduction.asset);
        _requireSlice(e, reduction.delta);
        uint256 price = e.price.last();
        FillResult memory filled = Fills.fill(books, c.flow, c.account, c.state, e, reduction.delta, price);
        Fills.requireViable(e, price, c.money);
        c.fees += filled.fee;
        _note(c, e.asset, filled.realised);
    }

    /// @dev Sold at the oracle's price; the discount is settled with the penalty.
    function _sell(BooksStorage storage books, Context memory c, Sale calldata sale) private {
        CollateralParameters parameters = books.table.collateral(sale.token);
        uint256 proceeds = Sales.sell({
            books: books,
            flow: c.flow,
            account: c.account,
            state: c.state,
            exposures: c.exposures,
            conditions: c.conditions,
            sale: sale,
            parameters: parameters,
            discount: 0,
            buyer: c.liquidator
        });
        c.discount += Fixed.mulDivDown(proceeds, parameters.saleDiscount(), PPM);
    }

    /// @notice penalty = φ·(R_M before − R_M after); with the discount at most max(E, 0)·(R_M before − after)/R_M
    /// before, rounded down, E being the smaller of before and after the fills: nothing is paid out of a deficit. Where
    /// the liquidator's share of it for closing an account is less than the flat reward, or than R_M before if that is
    /// less, insurance adds the rest: of an account with equity no more than its own share, of one without out of the
    /// bucket that no market has caused. (Whoever wins on a second account what the first one loses has lost nothing, so
    /// that any payment beyond the penalty could be farmed.)
    /// @param equity E after the fills.
    function _charge(
        BooksStorage storage books,
        Context memory c,
        LiquidationResult memory result,
        int256 equity,
        bool closed
    ) private {
        uint256 relief =
            result.maintenanceBefore > result.maintenanceAfter ? result.maintenanceBefore - result.maintenanceAfter : 0;
        if (result.equityBefore > 0) {
            int256 least = SignedMath.max(SignedMath.min(result.equityBefore, equity), 0);
            uint256 bound = Fixed.mulDivDown(uint256(least), relief, result.maintenanceBefore);
            result.discount = Math.min(c.discount, bound);
            result.penalty = Math.min(
                Fixed.mulDivDown(relief, c.globals.liquidationPenalty(), PPM),
                bound - result.discount
            );
            c.state.cash = Books.moveCash(c.flow, c.state.cash, -int256(result.penalty + result.discount));
            result.reward = Fixed.mulDivDown(result.penalty, c.globals.liquidatorShare(), PPM);
            c.flow.insurance += int256(result.penalty - result.reward);
        }
        if (!closed) return;
        uint256 floor = Math.min(c.money.flatReward(), result.maintenanceBefore);
        if (result.equityBefore > 0) floor = Math.min(floor, result.penalty);
        if (result.reward < floor) {
            result.reward += Deficits.take(books, c.flow, UNATTRIBUTED, floor - result.reward);
        }
    }

    /// @dev A small account or a deep loss is closed at once: what would be left could not pay for its own liquidation.
    function _mayCloseWhole(Context memory c, LiquidationResult memory result) private pure returns (bool) {
        return
            result.maintenanceBefore <= c.money.smallRequirement() ||
            result.equityBefore * int256(PPM) <= int256(result.maintenanceBefore * c.globals.deepLoss());
    }

    /// @notice With one lot more of every leg left open, equity would not reach the target
    /// R_M + τ·(R_I − R_M). A leg that is closed may have been the least that a position can be.
    function _requireTargetNotPassed(
        BooksStorage storage books,
        Context memory c,
        LiquidationResult memory result,
        Reduction[] calldata reductions,
        Sale[] calldata sales
    ) private view {
        for (uint256 i = 0; i < reductions.length; ++i) {
            Exposure memory e = Books.find(c.exposures, reductions[i].asset);
            uint256 step = e.trade.lot();
            if (e.size == 0) step = Math.max(step, Fixed.mulDivUp(c.money.minNotional(), WAD, e.price.last()));
            step = Math.min(step, SignedMath.abs(reductions[i].delta));
            e.size += reductions[i].delta < 0 ? int256(step) : -int256(step);
        }
        for (uint256 i = 0; i < sales.length; ++i) {
            CollateralParameters parameters = books.table.collateral(sales[i].token);
            Books.find(c.exposures, parameters.asset()).collateral += Math.min(parameters.saleLot(), sales[i].amount);
        }
        Terms memory terms = _assess(c);
        uint256 maintenance = terms.maintenance(c.globals);
        uint256 target =
            maintenance + Fixed.mulDivUp(terms.initial() - maintenance, c.globals.liquidationTarget(), PPM);
        require(result.equityAfter < int256(target), IClearingHouse.TargetPassed(result.equityAfter, target));
    }
}
