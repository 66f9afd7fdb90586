// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {AccountId} from "../types/AccountId.sol";
import {Funding} from "../types/Funding.sol";
import {MarketWatch} from "../types/MarketWatch.sol";
import {CUTS, MarketSide} from "../types/MarketSide.sol";
import {NO_POSITION, Position, toPosition} from "../types/Position.sol";
import {ONE_64, OFFSET_UNIT, SideIndex, UNTOUCHED} from "../types/SideIndex.sol";
import {BooksStorage, Market} from "./Books.sol";
import {Fixed, WAD} from "./Fixed.sol";
import {Pricing} from "./Pricing.sol";
import {Exposure} from "./Risk.sol";

/// @notice Positions and sides of a market, read and written through the side's index where it has one.
library Sides {
    using SafeCast for uint256;

    /// @notice Makes size and quote of `e` what the position reads as now. It holds units and quote as stored, and funding.
    /// A position of an older epoch has no size; its quote is what it became when its side was closed whole.
    function read(Market storage market, Exposure memory e, uint256 epoch) internal view {
        bool long = e.size > 0;
        int256 units = e.size;
        if (epoch != side(market, long).epoch()) {
            e.quote = market.closed[long][epoch].heldQuoteFloor(units, e.quote);
            e.size = 0;
            return;
        }
        SideIndex index = indexOf(market, long);
        (e.size, e.quote) = through(index, units, e.quote);
        e.quote += index.restDown(units, e.size, int256(e.price.last()) - e.funding.index());
    }

    /// @notice Makes size and quote of `e` what the position would read as had its side not been deleveraged of late.
    /// @return restored False, and `e` as it was, where no grace runs for that side and epoch, and where the position was
    /// given its size after the first of those deleveragings: nothing was taken from it, or its owner has acted since.
    function restore(
        Market storage market,
        Position position,
        Exposure memory e
    ) internal view returns (bool restored) {
        MarketWatch watch = market.watch;
        bool long = e.size > 0;
        if (block.timestamp >= watch.graceUntil() || watch.formerLong() != long) return false;
        MarketSide sums = side(market, long);
        if (watch.formerEpoch() != position.epoch() || position.epoch() != sums.epoch()) return false;
        if ((sums.cuts() + CUTS - position.cuts()) % CUTS < (sums.cuts() + CUTS - watch.formerCuts()) % CUTS)
            return false;
        (e.size, e.quote) = through(market.former, position.units(), position.quote());
        return true;
    }

    /// @notice Size and quote of a stored position under `index`, the dropped fraction of its size apart. A position that
    /// is left keeps a wei of size, so that one without size is one of an older epoch.
    function through(SideIndex index, int256 units, int256 quote) internal pure returns (int256, int256) {
        int256 size = int256(index.sizeDown(SignedMath.abs(units)));
        if (size == 0 && units != 0) size = 1;
        return (units < 0 ? -size : size, index.heldQuoteFloor(units, quote));
    }

    /// @notice Writes a position that `e` has become, and moves it between the sums of its sides. One whose size stays, as
    /// anybody may bring about, keeps its grace.
    /// @param sizeBefore Size before, as read. @param quoteBefore Quote before; of a side without an index as stored.
    function write(
        BooksStorage storage books,
        AccountId account,
        Exposure memory e,
        int256 sizeBefore,
        int256 quoteBefore
    ) internal {
        Market storage market = books.markets[e.asset];
        mapping(uint256 asset => Position) storage positions = books.positions[account];
        bool wasLong = sizeBefore > 0;
        bool isLong = e.size > 0;
        int256 units = sizeBefore;
        int256 quote = quoteBefore;
        uint256 kept = CUTS;
        if (sizeBefore != 0 && e.funding.hasIndex(wasLong)) {
            Position before = positions[e.asset];
            (units, quote) = (before.units(), before.quote());
            if (e.size == sizeBefore) kept = before.cuts();
        }
        (Position next, int256 nextUnits, int256 nextQuote) = _stored(market, e, isLong, kept);
        positions[e.asset] = next;
        if (sizeBefore != 0 && e.size != 0 && wasLong == isLong) {
            _add(market, isLong, _magnitude(nextUnits, isLong) - _magnitude(units, isLong), nextQuote - quote);
            return;
        }
        if (sizeBefore != 0) _add(market, wasLong, -_magnitude(units, wasLong), -quote);
        if (e.size != 0) _add(market, isLong, _magnitude(nextUnits, isLong), nextQuote);
    }

    /// @param kept Cuts that the position keeps; CUTS: it gets those of its side.
    function _stored(
        Market storage market,
        Exposure memory e,
        bool long,
        uint256 kept
    ) private view returns (Position position, int256 units, int256 quote) {
        if (e.size == 0) return (NO_POSITION, 0, 0);
        (units, quote) = (e.size, e.quote);
        uint256 epoch = 0;
        uint256 cuts = 0;
        if (e.funding.hasIndex(long)) {
            SideIndex index = indexOf(market, long);
            MarketSide sums = side(market, long);
            epoch = sums.epoch();
            cuts = kept < CUTS ? kept : sums.cuts();
            int256 magnitude = index.unitsUp(SignedMath.abs(e.size)).toInt256();
            units = long ? magnitude : -magnitude;
            int256 rest = index.restUp(units, e.size, int256(e.price.last()) - e.funding.index());
            quote = index.storedQuoteFloor(units, e.quote - rest);
        }
        position = toPosition(units, quote, epoch, cuts);
    }

    function _add(Market storage market, bool long, int256 units, int256 quote) private {
        if (long) market.long = market.long.add(units, quote);
        else market.short = market.short.add(units, quote);
    }

    function _magnitude(int256 units, bool long) private pure returns (int256) {
        return long ? units : -units;
    }

    function side(Market storage market, bool long) internal view returns (MarketSide) {
        return long ? market.long : market.short;
    }

    function indexOf(Market storage market, bool long) internal view returns (SideIndex) {
        return long ? market.longIndex : market.shortIndex;
    }

    /// @notice Index of a side; that of one which nothing has happened to is not read.
    function indexOf(Market storage market, Funding funding, bool long) internal view returns (SideIndex) {
        return funding.hasIndex(long) ? indexOf(market, long) : UNTOUCHED;
    }

    /// @notice Size of a side, WAD, rounded down.
    function sizeDown(Market storage market, Funding funding, bool long) internal view returns (uint256) {
        uint256 units = side(market, long).units();
        return funding.hasIndex(long) ? indexOf(market, long).sizeDown(units) : units;
    }

    /// @notice S: net size of all traders, WAD.
    function skew(Market storage market, Funding funding) internal view returns (int256) {
        return int256(sizeDown(market, funding, true)) - int256(sizeDown(market, funding, false));
    }

    /// @notice What the pool owes to all positions of a side, rounded up: N·A·(P − F) + N·B + M·H.
    /// @param net P − F, WAD.
    function valueCeil(Market storage market, Funding funding, bool long, int256 net) internal view returns (int256) {
        MarketSide sums = side(market, long);
        int256 units = long ? int256(sums.units()) : -int256(sums.units());
        if (!funding.hasIndex(long)) return Pricing.sideValueCeil(units, sums.quote(), net);
        SideIndex index = indexOf(market, long);
        return
            Fixed.mulDivCeil(units * int256(index.scale()), net, ONE_64 * WAD) +
            heldQuoteCeil(index, units, sums.quote());
    }

    /// @notice n·B + m·H, each rounded up.
    function heldQuoteCeil(SideIndex index, int256 units, int256 quote) internal pure returns (int256) {
        return
            Fixed.divCeil(units * index.offset(), OFFSET_UNIT * WAD) +
            Fixed.divCeil(quote * int256(index.profitScale()), ONE_64);
    }
}
