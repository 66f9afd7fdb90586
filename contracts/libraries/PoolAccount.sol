// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {IClearingHouse, PoolValuation} from "../interfaces/IClearingHouse.sol";
import {IOracle} from "../interfaces/IOracle.sol";
import {AccountId} from "../types/AccountId.sol";
import {GlobalParameters, GroupParameters} from "../types/GlobalParameters.sol";
import {Price} from "../types/Price.sol";
import {Books, BooksStorage, Flow, Market} from "./Books.sol";
import {Fixed, WAD} from "./Fixed.sol";
import {ParameterTable} from "./ParameterTable.sol";
import {Pricing} from "./Pricing.sol";
import {Exposure, Risk} from "./Risk.sol";
import {Sides} from "./Sides.sol";

/// @notice The pool as an account: the mirror of all traders.
library PoolAccount {
    using Books for BooksStorage;
    using ParameterTable for address;
    using SafeCast for int256;
    using SafeCast for uint256;

    /// @notice The pool's value and all that a request of a provider depends on.
    struct Valuation {
        int256 equity; // base + debts − closed value − Σ ceil(value of a side) − Σ Φ
        uint256 gross; // Σ |S|·P, rounded up
        uint256 oldest; // least time of a price with exposure; the largest number without exposure
        bool live; // no exposure without a live price
        Exposure[] exposures; // size −S in each market with open interest
    }

    /// @notice Values the pool and stores the mark.
    function mark(BooksStorage storage books, IOracle oracle) external returns (PoolValuation memory) {
        return _report(books, _mark(books, oracle));
    }

    /// @notice `mark` without storing anything.
    function peek(BooksStorage storage books, IOracle oracle) external view returns (PoolValuation memory) {
        uint256 assets = assetsOf(books);
        (, Price[] memory prices) = oracle.peek(assets, false);
        return _report(books, value(books, assets, prices));
    }

    /// @notice Takes `amount` out of the pool's free liquidity. Its equity must cover its initial requirement afterwards.
    function drain(BooksStorage storage books, IOracle oracle, AccountId account, uint256 amount) external {
        int256 base = books.base;
        require(base >= amount.toInt256(), IClearingHouse.InsufficientLiquidity(base, amount));
        Flow memory flow;
        flow.base = -amount.toInt256();
        books.pay(flow, account, amount.toInt256());
        books.flush(flow);
        Valuation memory valuation = _mark(books, oracle);
        uint256 requirement = _initialOf(books, valuation);
        require(
            valuation.equity >= requirement.toInt256(),
            IClearingHouse.PoolUndercovered(valuation.equity, requirement)
        );
        emit IClearingHouse.PoolDrained(account, amount);
    }

    function _report(
        BooksStorage storage books,
        Valuation memory valuation
    ) private view returns (PoolValuation memory report) {
        report.equity = valuation.equity;
        report.gross = valuation.gross;
        report.oldest = valuation.oldest;
        report.live = valuation.live;
        report.blocked = books.pendingLosses != 0 || books.flaggedMarkets != 0 || books.seizedOwed != 0;
        int256 redeemable = SignedMath.min(books.base, valuation.equity - int256(_initialOf(books, valuation)));
        report.redeemable = redeemable > 0 ? uint256(redeemable) : 0;
    }

    function _initialOf(BooksStorage storage books, Valuation memory valuation) private view returns (uint256) {
        (, GroupParameters groups) = books.table.globals();
        return Risk.assess(valuation.exposures, 0, groups, block.timestamp, true).initial();
    }

    /// @notice R_M of the pool at the last prices, WAD.
    function maintenanceOf(BooksStorage storage books, Exposure[] memory exposures) internal view returns (uint256) {
        (GlobalParameters globals, GroupParameters groups) = books.table.globals();
        return Risk.assess(exposures, 0, groups, block.timestamp, true).maintenance(globals);
    }

    function _mark(BooksStorage storage books, IOracle oracle) private returns (Valuation memory valuation) {
        uint256 assets = assetsOf(books);
        (, Price[] memory prices) = oracle.read(assets, false);
        valuation = value(books, assets, prices);
        books.markValue = valuation.equity.toInt128();
        books.markTime = uint40(block.timestamp);
        emit IClearingHouse.PoolMarked(valuation.equity);
    }

    /// @notice Bitmap of the markets with open interest.
    function assetsOf(BooksStorage storage books) internal view returns (uint256 assets) {
        for (uint256 a = 0; a < books.assets; ++a) {
            if (books.markets[a].long.units() != 0 || books.markets[a].short.units() != 0) assets |= 1 << a;
        }
    }

    /// @param assets As of `assetsOf`. @param prices One for each bit of it, ascending.
    function value(
        BooksStorage storage books,
        uint256 assets,
        Price[] memory prices
    ) internal view returns (Valuation memory result) {
        result.live = true;
        result.oldest = type(uint256).max;
        result.equity = books.base + books.lentNow().toInt256() - books.closedValue;
        result.exposures = new Exposure[](prices.length);
        uint256 i = 0;
        for (uint256 bits = assets; bits != 0; bits = Books.withoutLowestBit(bits)) {
            Exposure memory e = result.exposures[i];
            e.asset = Books.lowestBit(bits);
            e.price = prices[i++];
            (e.risk, e.sizes, e.trade) = books.table.asset(e.asset);
            books.accrue(e);
            result.equity -= weigh(books.markets[e.asset], e);
            result.gross += Fixed.mulDivUp(SignedMath.abs(e.size), e.price.last(), WAD);
            result.oldest = Math.min(result.oldest, e.price.updatedAt());
            if (!e.price.live()) result.live = false;
        }
    }

    /// @notice What the pool owes to all positions of a market and holds for them, rounded up: Σ ceil(value of a side) +
    /// ceil(Φ). Makes the size of `e` that of the pool, −S.
    function weigh(Market storage market, Exposure memory e) internal view returns (int256 owed) {
        uint256 price = e.price.last();
        int256 net = int256(price) - e.funding.index();
        e.size = -Sides.skew(market, e.funding);
        owed =
            Sides.valueCeil(market, e.funding, true, net) +
            Sides.valueCeil(market, e.funding, false, net) +
            Pricing.heldPremiumUp(e.size, price, e.sizes.depth()).toInt256();
    }
}
