// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {LiquidationResult, Reduction, Sale, SETTLEMENT} from "../interfaces/IClearingHouse.sol";
import {LiquidationPlan} from "../interfaces/ILens.sol";
import {GlobalParameters, GroupParameters, MoneyParameters} from "../types/GlobalParameters.sol";
import {Fixed, PPM} from "./Fixed.sol";
import {Pricing} from "./Pricing.sol";
import {Exposure, Risk, Terms} from "./Risk.sol";

/// @notice Looks for baskets that `liquidate` accepts, for views only: it carries each out in memory, as `Liquidations` does
/// on the books, and answers with one that passes the same checks.
/// @dev E − target along one leg, or along equal shares of all, is concave but for roundings: it has one peak, which is
/// found by thirds, and a least point from which on it is not negative, found by bisection and so exact to the step. A
/// closed form would be one of some twenty quadratics, by the sign of the exposure, of the group's net and of the skew, by
/// which arm of the group's maximum counts, and by whether the penalty is bounded by the equity.
library LiquidationSearch {
    /// @dev In place of a part: an equal share of every part.
    uint256 internal constant ALL = type(uint256).max;
    /// @dev The finest share that a slice is counted in.
    uint256 private constant FINEST = 1 << 40;

    /// @notice What of the account may be closed now: a position, or a token.
    struct Part {
        uint256 place; // of its exposure
        uint256 token; // SETTLEMENT: a position
        uint256 size; // WAD
        uint256 lot;
        uint256 least; // what must not be left open, other than nothing
        uint256 discount; // of a sale, 1e-6
    }

    /// @notice An unhealthy account and all that its liquidation depends on.
    struct Case {
        Exposure[] exposures; // changed by every run
        int256[] sizes; // as they are, as the next two
        int256[] quotes;
        uint256[] collaterals;
        int256[] skews; // S of each market
        Part[] parts;
        int256 cash;
        bool pending; // an order waits
        GlobalParameters globals;
        GroupParameters groups;
        MoneyParameters money;
        uint256 divisor; // min(1, settlement token's price)
        uint256 insurance;
        uint256 room; // what insurance still pays for what no market has caused
        int256 equity;
        uint256 maintenance;
    }

    /// @dev A basket that has been carried out.
    struct Outcome {
        LiquidationResult result;
        int256 gap; // equity over the target of what is left
        uint256 fees;
        bool closed; // nothing is left
    }

    /// @notice The least of one part that brings the account to its target, or the last before it that is accepted; empty if
    /// no size of it does.
    function leastOf(Case memory c, uint256 part) internal view returns (LiquidationPlan memory plan) {
        uint256 count = _stepsOf(c.parts[part]);
        (bool found, uint256 step) = _firstReaching(c, part, count);
        if (found) (, plan) = _lastAccepted(c, part, step, count);
    }

    /// @notice The least equal share of all parts that brings the account to its target; where none does, the share that
    /// ends nearest to it, or everything if none gets any nearer. Where that is not accepted, the last share before it that
    /// is; where there is none, everything.
    function leastSlice(Case memory c) internal view returns (LiquidationPlan memory plan) {
        uint256 count = 1;
        for (uint256 i = 0; i < c.parts.length; ++i) count = Math.max(count, _stepsOf(c.parts[i]));
        count = Math.min(count, FINEST);
        (bool found, uint256 step) = _firstReaching(c, ALL, count);
        // Not the least that does anything: E − R_M may rise all the same.
        if (!found && _gapAt(c, ALL, step, count) <= _gapAt(c, ALL, 0, count)) step = count;
        bool accepted;
        (accepted, plan) = _lastAccepted(c, ALL, step, count);
        if (!accepted) (, plan) = _planAt(c, ALL, count, count);
    }

    // ---------------------------------------------------------------- search

    /// @notice The least step from 1 to `count` that reaches the target, found below one that does; else the step that ends
    /// nearest to it.
    function _firstReaching(
        Case memory c,
        uint256 part,
        uint256 count
    ) private view returns (bool found, uint256 high) {
        high = count;
        int256 gap = _gapAt(c, part, count, count);
        if (gap < 0) (high, gap) = _peak(c, part, count, gap);
        if (gap < 0) return (false, high);
        uint256 low = 0;
        while (high - low > 1) {
            uint256 middle = (low + high) / 2;
            if (_gapAt(c, part, middle, count) < 0) low = middle;
            else high = middle;
        }
        return (true, high);
    }

    /// @notice The step whose end is nearest to the target, `count` if it is as near, or some step that reaches it.
    /// @param last Gap at `count`.
    function _peak(
        Case memory c,
        uint256 part,
        uint256 count,
        int256 last
    ) private view returns (uint256 best, int256 most) {
        (uint256 left, uint256 right) = (1, count);
        while (right - left > 2) {
            uint256 third = (right - left) / 3;
            int256 a = _gapAt(c, part, left + third, count);
            if (a >= 0) return (left + third, a);
            int256 b = _gapAt(c, part, right - third, count);
            if (b >= 0) return (right - third, b);
            if (a < b) left += third;
            else right -= third;
        }
        (best, most) = (count, last);
        for (uint256 step = left; step <= right; ++step) {
            int256 gap = _gapAt(c, part, step, count);
            if (gap > most) (best, most) = (step, gap);
        }
    }

    /// @notice The greatest step from 1 to `from` that is accepted, given that all below an accepted one are: the last lot may
    /// earn more than the target has room for, and an account with one lot more of a hedge may need less.
    /// @dev Strides double on the way down, and the last one is bisected.
    function _lastAccepted(
        Case memory c,
        uint256 part,
        uint256 from,
        uint256 count
    ) private view returns (bool accepted, LiquidationPlan memory plan) {
        (uint256 low, uint256 high) = (from, from);
        (accepted, plan) = _planAt(c, part, low, count);
        for (uint256 stride = 1; !accepted && low > 1; stride *= 2) {
            high = low;
            low = low > stride ? low - stride : 1;
            (accepted, plan) = _planAt(c, part, low, count);
        }
        while (accepted && high - low > 1) {
            uint256 middle = (low + high) / 2;
            (bool better, LiquidationPlan memory found) = _planAt(c, part, middle, count);
            if (better) (low, plan) = (middle, found);
            else high = middle;
        }
    }

    function _planAt(
        Case memory c,
        uint256 part,
        uint256 step,
        uint256 count
    ) private view returns (bool accepted, LiquidationPlan memory plan) {
        return _planOf(c, _amountsAt(c, part, step, count));
    }

    function _gapAt(Case memory c, uint256 part, uint256 step, uint256 count) private view returns (int256) {
        return _run(c, _amountsAt(c, part, step, count)).gap;
    }

    /// @notice What `step` closes of each part: so many lots of one, or step/count of each in lots, rounded down.
    function _amountsAt(
        Case memory c,
        uint256 part,
        uint256 step,
        uint256 count
    ) private pure returns (uint256[] memory amounts) {
        amounts = new uint256[](c.parts.length);
        if (part != ALL) {
            amounts[part] = _closable(c.parts[part], step * c.parts[part].lot);
            return amounts;
        }
        for (uint256 i = 0; i < amounts.length; ++i) {
            Part memory p = c.parts[i];
            uint256 amount = p.size;
            if (step != count) {
                amount = (p.size * step) / count;
                amount -= amount % p.lot;
            }
            amounts[i] = _closable(p, amount);
        }
    }

    /// @dev The whole part where less than its least would be left.
    function _closable(Part memory p, uint256 amount) private pure returns (uint256) {
        return amount >= p.size || p.size - amount < p.least ? p.size : amount;
    }

    /// @dev Lots until the whole part is closed.
    function _stepsOf(Part memory p) private pure returns (uint256) {
        uint256 most = p.size > p.least ? p.size - p.least : 0;
        return Fixed.divUp(most + 1, p.lot);
    }

    // ---------------------------------------------------------------- liquidation in memory

    /// @notice Carries a basket out. See `Liquidations._settle`.
    function _run(Case memory c, uint256[] memory amounts) private view returns (Outcome memory o) {
        for (uint256 i = 0; i < c.exposures.length; ++i) {
            Exposure memory e = c.exposures[i];
            (e.size, e.quote, e.collateral) = (c.sizes[i], c.quotes[i], c.collaterals[i]);
        }
        int256 cash = c.cash;
        uint256 discount = 0;
        for (uint256 i = 0; i < amounts.length; ++i) {
            if (amounts[i] == 0) continue;
            Part memory p = c.parts[i];
            if (p.token == SETTLEMENT) {
                cash += _reduce(c, o, p.place, amounts[i]);
                continue;
            }
            Exposure memory e = c.exposures[p.place];
            uint256 proceeds = Fixed.mulDivUp(amounts[i], e.price.last(), c.divisor);
            e.collateral -= amounts[i];
            cash += int256(proceeds);
            discount += Fixed.mulDivDown(proceeds, p.discount, PPM);
        }
        Terms memory terms = Risk.assess(c.exposures, cash, c.groups, block.timestamp, false);
        (o.result.equityBefore, o.result.maintenanceBefore) = (c.equity, c.maintenance);
        o.result.maintenanceAfter = terms.maintenance(c.globals);
        o.closed = _isClosed(c);
        cash = _charge(c, o, terms.equity, cash, discount);
        o.result.equityAfter = terms.equity - int256(o.result.penalty + o.result.discount);
        if (o.closed && cash < 0 && !c.pending) o.result.deficit = uint256(-cash);
        o.gap = o.result.equityAfter - int256(_targetUp(c, terms));
    }

    /// @notice See `Fills.fill`, for a fill that only closes.
    function _reduce(
        Case memory c,
        Outcome memory o,
        uint256 place,
        uint256 amount
    ) private pure returns (int256 paid) {
        Exposure memory e = c.exposures[place];
        int256 delta = e.size < 0 ? int256(amount) : -int256(amount);
        (uint256 price, int256 skew) = (e.price.last(), c.skews[place]);
        int256 quote = Pricing.quoteCeil(delta, price, skew, e.sizes.depth(), e.funding.index());
        int256 part = Fixed.mulDivFloor(e.quote, int256(amount), SignedMath.abs(e.size));
        e.size += delta;
        e.quote -= part;
        uint256 fee = Pricing.feeUp(delta, price, skew, e.trade.takerFee(), e.trade.makerFee());
        o.fees += fee;
        return part - quote - int256(fee);
    }

    /// @notice See `Liquidations._charge`.
    /// @return Cash afterwards.
    function _charge(
        Case memory c,
        Outcome memory o,
        int256 equity,
        int256 cash,
        uint256 discount
    ) private pure returns (int256) {
        LiquidationResult memory r = o.result;
        if (c.equity > 0) {
            uint256 relief = c.maintenance > r.maintenanceAfter ? c.maintenance - r.maintenanceAfter : 0;
            int256 least = SignedMath.max(SignedMath.min(c.equity, equity), 0);
            uint256 bound = Fixed.mulDivDown(uint256(least), relief, c.maintenance);
            r.discount = Math.min(discount, bound);
            r.penalty = Math.min(Fixed.mulDivDown(relief, c.globals.liquidationPenalty(), PPM), bound - r.discount);
            r.reward = Fixed.mulDivDown(r.penalty, c.globals.liquidatorShare(), PPM);
            cash -= int256(r.penalty + r.discount);
        }
        if (o.closed) r.reward += _topUp(c, o);
        return cash;
    }

    /// @notice What insurance adds to the reward for closing an account, its shares of fees and penalty included in what it
    /// has. See `Deficits.take`.
    function _topUp(Case memory c, Outcome memory o) private pure returns (uint256) {
        LiquidationResult memory r = o.result;
        uint256 floor = Math.min(c.money.flatReward(), c.maintenance);
        if (c.equity > 0) floor = Math.min(floor, r.penalty);
        if (r.reward >= floor) return 0;
        uint256 gained = r.penalty - r.reward + Fixed.mulDivDown(o.fees, c.globals.insuranceFeeShare(), PPM);
        return Math.min(Math.min(floor - r.reward, c.insurance + gained), c.room);
    }

    function _isClosed(Case memory c) private pure returns (bool) {
        for (uint256 i = 0; i < c.exposures.length; ++i) {
            if (c.exposures[i].size != 0 || c.exposures[i].collateral != 0) return false;
        }
        return true;
    }

    /// @notice R_M + τ·(R_I − R_M).
    function _targetUp(Case memory c, Terms memory terms) private pure returns (uint256) {
        uint256 maintenance = terms.maintenance(c.globals);
        return maintenance + Fixed.mulDivUp(terms.initial() - maintenance, c.globals.liquidationTarget(), PPM);
    }

    /// @notice The basket, if `liquidate` would accept it.
    function _planOf(
        Case memory c,
        uint256[] memory amounts
    ) private view returns (bool accepted, LiquidationPlan memory plan) {
        Outcome memory o = _run(c, amounts);
        int256 before = c.equity - int256(c.maintenance);
        bool improved = o.result.equityAfter - int256(o.result.maintenanceAfter) > before || o.result.deficit != 0;
        if (!improved) return (false, plan);
        if (!(o.closed && _mayCloseWhole(c)) && o.result.equityAfter >= _targetBefore(c, amounts)) return (false, plan);
        plan.result = o.result;
        _name(c, amounts, plan);
        return (true, plan);
    }

    /// @notice See `Liquidations._mayCloseWhole`.
    function _mayCloseWhole(Case memory c) private pure returns (bool) {
        return
            c.maintenance <= c.money.smallRequirement() ||
            c.equity * int256(PPM) <= int256(c.maintenance * c.globals.deepLoss());
    }

    /// @notice The target with one lot of every leg still open. See `Liquidations._requireTargetNotPassed`.
    function _targetBefore(Case memory c, uint256[] memory amounts) private view returns (int256) {
        for (uint256 i = 0; i < amounts.length; ++i) {
            Part memory p = c.parts[i];
            Exposure memory e = c.exposures[p.place];
            if (p.token != SETTLEMENT) {
                e.collateral += Math.min(p.lot, amounts[i]);
                continue;
            }
            uint256 step = Math.min(e.size == 0 ? Math.max(p.lot, p.least) : p.lot, amounts[i]);
            e.size += c.sizes[p.place] < 0 ? -int256(step) : int256(step);
        }
        // Only requirements count, not equity.
        return int256(_targetUp(c, Risk.assess(c.exposures, 0, c.groups, block.timestamp, false)));
    }

    function _name(Case memory c, uint256[] memory amounts, LiquidationPlan memory plan) private pure {
        plan.reductions = new Reduction[](amounts.length);
        plan.sales = new Sale[](amounts.length);
        (uint256 reductions, uint256 sales) = (0, 0);
        for (uint256 i = 0; i < amounts.length; ++i) {
            if (amounts[i] == 0) continue;
            Part memory p = c.parts[i];
            if (p.token != SETTLEMENT) {
                plan.sales[sales++] = Sale({token: p.token, amount: amounts[i]});
                continue;
            }
            int256 delta = c.sizes[p.place] < 0 ? int256(amounts[i]) : -int256(amounts[i]);
            plan.reductions[reductions++] = Reduction({asset: c.exposures[p.place].asset, delta: delta});
        }
        Reduction[] memory named = plan.reductions;
        Sale[] memory sold = plan.sales;
        assembly ("memory-safe") {
            // Fewer than there is room for.
            mstore(named, reductions)
            mstore(sold, sales)
        }
    }
}
