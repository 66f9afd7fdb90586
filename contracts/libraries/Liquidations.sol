// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {FillResult, IClearingHouse, LiquidationResult, Reduction, Sale} from "../interfaces/IClearingHouse.sol";
import {IOracle} from "../interfaces/IOracle.sol";
import {AccountId} from "../types/AccountId.sol";
import {AccountState} from "../types/AccountState.sol";
import {Conditions} from "../types/Conditions.sol";
import {CollateralParameters, GlobalParameters, GroupParameters, MoneyParameters} from "../types/GlobalParameters.sol";
import {Price} from "../types/Price.sol";
import {Books, BooksStorage, Flow} from "./Books.sol";
import {Fills} from "./Fills.sol";
import {Fixed, PPM, WAD} from "./Fixed.sol";
import {ParameterTable} from "./ParameterTable.sol";
import {Exposure, Risk, Terms} from "./Risk.sol";

/// @notice Liquidation as a verified basket of reductions, paid by the risk that it removes.
library Liquidations {
    using Books for BooksStorage;
    using ParameterTable for address;
    using SafeCast for uint256;

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
        uint256 discount; // wished for by the sales, before the bound
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
        require(account != liquidator, IClearingHouse.SelfLiquidation(account));
        Context memory c;
        c.account = account;
        c.liquidator = liquidator;
        c.state = books.stateOf(account);
        (c.globals, c.groups) = books.table.globals();
        c.money = books.table.money();
        _load(books, oracle, c, sales.length != 0);

        Terms memory terms = _assess(c);
        result.equityBefore = terms.equity;
        result.maintenanceBefore = terms.maintenance(c.globals);
        require(
            terms.equity <= int256(result.maintenanceBefore) &&
                (c.state.positions | c.state.collaterals != 0 || c.state.cash < 0),
            IClearingHouse.Healthy(account, terms.equity, result.maintenanceBefore)
        );

        _reduceAll(books, c, reductions);
        _sellAll(books, c, sales);
        Fills.splitFees(c.flow, c.fees, c.globals);

        terms = _assess(c);
        result.maintenanceAfter = terms.maintenance(c.globals);
        bool closed = c.state.positions == 0 && c.state.collaterals == 0;
        _charge(books, c, result, terms.equity, closed);
        result.equityAfter = terms.equity - int256(result.penalty + result.discount);
        // What a pending order has in escrow still belongs to the account: until then its debt is not forgiven.
        if (closed && c.state.cash < 0 && c.state.pending == 0) result.deficit = _bookDeficit(books, c);
        books.store(account, c.state);
        // The reward last: liquidator and account differ, but the account's word must be final before others move.
        books.pay(c.flow, liquidator, int256(result.discount + result.reward));
        books.flush(c.flow);

        int256 marginBefore = result.equityBefore - int256(result.maintenanceBefore);
        int256 marginAfter = result.equityAfter - int256(result.maintenanceAfter);
        require(
            marginAfter > marginBefore || result.deficit != 0,
            IClearingHouse.HealthNotImproved(marginBefore, marginAfter)
        );
        bool whole = closed && _mayCloseWhole(c, result);
        if (!whole) _requireTargetNotPassed(books, c, result, reductions, sales);
        emit IClearingHouse.Liquidated({account: account, liquidator: liquidator, result: result});
    }

    function _load(BooksStorage storage books, IOracle oracle, Context memory c, bool needPeg) private {
        uint256 assets = books.assetsOf(c.state);
        Price[] memory prices;
        (c.conditions, prices) = oracle.read(assets, needPeg);
        require(c.conditions.sequencerSettled(), IClearingHouse.SequencerNotSettled());
        c.exposures = books.exposuresOf(c.account, c.state, assets, prices);
    }

    /// @dev At the better ends: doubt about a price never liquidates anyone.
    function _assess(Context memory c) private view returns (Terms memory) {
        return Risk.assess(c.exposures, c.state.cash, c.groups, block.timestamp, false);
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
        int256 size = e.size;
        int256 delta = reduction.delta;
        require(
            delta != 0 && (size < 0) != (delta < 0) && SignedMath.abs(delta) <= SignedMath.abs(size),
            IClearingHouse.NotASlice(e.asset, size, delta)
        );
        require(e.price.liquidatable(), IClearingHouse.NotLiquidatable(e.asset));
        uint256 price = e.price.last();
        FillResult memory filled = Fills.fill(books, c.flow, c.account, c.state, e, delta, price);
        Fills.requireViable(e, price, c.money);
        c.fees += filled.fee;
    }

    /// @dev Sold at the oracle's price over min(1, settlement token's price); the discount is settled with the penalty.
    function _sell(BooksStorage storage books, Context memory c, Sale calldata sale) private {
        uint256 token = sale.token;
        CollateralParameters parameters = books.table.collateral(token);
        uint256 held = books.collateral[c.account][token];
        require(
            sale.amount != 0 && sale.amount <= held,
            IClearingHouse.InsufficientCollateral(c.account, token, held, sale.amount)
        );
        Exposure memory e = Books.find(c.exposures, parameters.asset());
        require(e.price.liquidatable() && c.conditions.settlementPrice() != 0, IClearingHouse.NotLiquidatable(e.asset));
        uint256 unit = Math.min(WAD, c.conditions.settlementPrice());
        uint256 proceeds = Fixed.mulDivUp(sale.amount, e.price.last(), unit);

        AccountState memory buyer = books.stateOf(c.liquidator);
        require(buyer.cash >= int256(proceeds), IClearingHouse.InsufficientCash(c.liquidator, buyer.cash, proceeds));
        buyer.cash = Books.moveCash(c.flow, buyer.cash, -int256(proceeds));
        buyer.collaterals |= 1 << token;
        Books.requireFewAssets(books.assetsOf(buyer));
        books.store(c.liquidator, buyer);
        books.collateral[c.liquidator][token] = (books.collateral[c.liquidator][token] + sale.amount).toUint112();

        c.state.cash = Books.moveCash(c.flow, c.state.cash, int256(proceeds));
        books.collateral[c.account][token] = held - sale.amount;
        e.collateral -= sale.amount;
        if (held == sale.amount) c.state.collaterals ^= 1 << token;
        c.discount += Fixed.mulDivDown(proceeds, parameters.saleDiscount(), PPM);
        emit IClearingHouse.CollateralSold({
            account: c.account,
            buyer: c.liquidator,
            token: token,
            amount: sale.amount,
            proceeds: proceeds
        });
    }

    /// @notice penalty = φ·(R_M before − R_M after); with the discount at most max(E, 0)·(R_M before − after)/R_M
    /// before, rounded down, E being the smaller of before and after the fills: nothing is paid out of a deficit. For an
    /// account closed without equity insurance pays the flat reward, at most R_M before: less than its owner has put in.
    /// @param equity E after the fills.
    function _charge(
        BooksStorage storage books,
        Context memory c,
        LiquidationResult memory result,
        int256 equity,
        bool closed
    ) private view {
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
        } else if (closed) {
            result.reward = Math.min(Math.min(c.money.flatReward(), result.maintenanceBefore), books.insurance);
            c.flow.insurance -= int256(result.reward);
        }
    }

    /// @notice Forgives the debt of an account that has nothing left: insurance pays what it can, the pool the rest.
    function _bookDeficit(BooksStorage storage books, Context memory c) private returns (uint256 deficit) {
        deficit = uint256(-c.state.cash);
        c.state.cash = 0;
        uint256 left = uint256(int256(uint256(books.insurance)) + c.flow.insurance);
        uint256 fromInsurance = Math.min(deficit, left);
        c.flow.debts -= int256(deficit);
        c.flow.insurance -= int256(fromInsurance);
        c.flow.base += int256(fromInsurance);
        emit IClearingHouse.DeficitBooked({account: c.account, deficit: deficit, fromInsurance: fromInsurance});
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
