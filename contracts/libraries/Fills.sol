// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {FillResult, IClearingHouse} from "../interfaces/IClearingHouse.sol";
import {AccountId} from "../types/AccountId.sol";
import {AccountState} from "../types/AccountState.sol";
import {MoneyParameters, GlobalParameters} from "../types/GlobalParameters.sol";
import {Books, BooksStorage, Flow, Market} from "./Books.sol";
import {Fixed, PPM, WAD} from "./Fixed.sol";
import {Pricing} from "./Pricing.sol";
import {Exposure} from "./Risk.sol";
import {Sides} from "./Sides.sol";

/// @notice The one primitive: size of a market moves between an account and the pool at a price.
library Fills {
    using Books for BooksStorage;

    /// @notice Fills `delta` against the pool and writes position, sides and funding. Cash moves in `state`, the rest of
    /// the books in `flow`. Realisation by mirror: with cl = min(|Δ|, |s|) of it closing,
    ///   N_cl = floor(N·cl/|Δ|), part = floor(q·cl/|s|), realised = part − N_cl;
    /// the pool's base pays what is realised, and the rest of a flip opens with quote −(N − N_cl).
    /// @param e Exposure to the market, changed in place; its funding is accrued to now.
    /// @param price Price of the fill before impact, WAD.
    function fill(
        BooksStorage storage books,
        Flow memory flow,
        AccountId account,
        AccountState memory state,
        Exposure memory e,
        int256 delta,
        uint256 price
    ) internal returns (FillResult memory result) {
        Market storage market = books.markets[e.asset];
        int256 skew = Sides.skew(market, e.funding);
        result.asset = e.asset;
        result.delta = delta;
        result.quote = Pricing.quoteCeil(delta, price, skew, e.sizes.depth(), e.funding.index());
        result.fee = Pricing.feeUp(delta, price, skew, e.trade.takerFee(), e.trade.makerFee());
        book(books, flow, account, state, e, price, result);
        e.funding = e.funding.steered(e.trade.fundingVelocity(), skew + delta, e.sizes.depth());
        market.funding = e.funding;
    }

    /// @notice Books a change of size for the quote and the fee in `result`, and fills in what it realises.
    /// @param price Only for the event.
    function book(
        BooksStorage storage books,
        Flow memory flow,
        AccountId account,
        AccountState memory state,
        Exposure memory e,
        uint256 price,
        FillResult memory result
    ) internal {
        int256 delta = result.delta;
        int256 size = e.size;
        int256 quote = e.quote;
        int256 rest = result.quote;
        int256 part = 0;
        if (size != 0 && (size < 0) != (delta < 0)) {
            uint256 held = SignedMath.abs(size);
            uint256 taken = SignedMath.abs(delta);
            int256 closing = int256(Math.min(held, taken));
            int256 closingQuote = Fixed.mulDivFloor(result.quote, closing, taken);
            part = Fixed.mulDivFloor(quote, closing, held);
            result.realised = part - closingQuote;
            rest -= closingQuote;
        }
        e.size = size + delta;
        e.quote = quote - part - rest;

        Sides.write(books, account, e, size, quote);
        if (size == 0 || e.size == 0) state.positions ^= 1 << e.asset;
        flow.base -= result.realised;
        state.cash = Books.moveCash(flow, state.cash, result.realised - int256(result.fee));
        emit IClearingHouse.Fill({
            account: account,
            asset: e.asset,
            delta: delta,
            price: price,
            quote: result.quote,
            realised: result.realised,
            fee: result.fee,
            fundingIndex: e.funding.index()
        });
    }

    /// @notice Splits fees: insurance and protocol by their shares, rounded down; the rest goes to the pool.
    function splitFees(Flow memory flow, uint256 fees, GlobalParameters globals) internal pure {
        uint256 insurance = Fixed.mulDivDown(fees, globals.insuranceFeeShare(), PPM);
        uint256 protocol = Fixed.mulDivDown(fees, globals.protocolFeeShare(), PPM);
        flow.insurance += int256(insurance);
        flow.protocolFees += int256(protocol);
        flow.base += int256(fees - insurance - protocol);
    }

    /// @notice What is left of a position after a fill is nothing, or large enough to pay for its own liquidation.
    function requireViable(Exposure memory e, uint256 price, MoneyParameters money) internal pure {
        if (e.size == 0) return;
        uint256 notional = Fixed.mulDivDown(SignedMath.abs(e.size), price, WAD);
        uint256 minimum = money.minNotional();
        require(notional >= minimum, IClearingHouse.PositionTooSmall(e.asset, notional, minimum));
    }

    /// @notice Caps that bind when a fill widens them: open interest of the account's side in units and as a share of
    /// the pool mark, and net skew.
    /// @param sizeBefore Size of the position before the fill, WAD.
    function requireWithinCaps(
        BooksStorage storage books,
        Exposure memory e,
        int256 sizeBefore,
        uint256 price,
        GlobalParameters globals
    ) internal view {
        Market storage market = books.markets[e.asset];
        bool long = e.size > 0;
        bool grown = long ? e.size > sizeBefore : e.size < sizeBefore;
        if (!grown || e.size == 0) return;
        uint256 longSize = Sides.sizeDown(market, e.funding, true);
        uint256 shortSize = Sides.sizeDown(market, e.funding, false);

        uint256 openInterest = long ? longSize : shortSize;
        uint256 maximum = e.sizes.openInterestCap();
        require(openInterest <= maximum, IClearingHouse.OpenInterestExceeded(e.asset, openInterest, maximum));
        uint256 markTime = books.markTime;
        uint256 maxAge = globals.markMaxAge();
        require(block.timestamp - markTime <= maxAge, IClearingHouse.StalePoolMark(markTime, maxAge));
        int256 mark = books.markValue;
        maximum = mark > 0 ? Fixed.mulDivDown(uint256(mark) * e.sizes.openInterestShare(), WAD, price * PPM) : 0;
        require(openInterest <= maximum, IClearingHouse.OpenInterestExceeded(e.asset, openInterest, maximum));
        // Only the side that the fill is on can be the wider one if the fill has widened the skew.
        if (long == (longSize > shortSize)) {
            uint256 skew = longSize > shortSize ? longSize - shortSize : shortSize - longSize;
            maximum = e.trade.skewCap();
            require(skew <= maximum, IClearingHouse.SkewExceeded(e.asset, skew, maximum));
        }
    }
}
