// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {IClearingHouse} from "../interfaces/IClearingHouse.sol";
import {IOracle} from "../interfaces/IOracle.sol";
import {AccountId} from "../types/AccountId.sol";
import {GroupParameters} from "../types/GlobalParameters.sol";
import {MarketSide} from "../types/MarketSide.sol";
import {Price} from "../types/Price.sol";
import {Books, BooksStorage, Flow, Market} from "./Books.sol";
import {Fixed, WAD} from "./Fixed.sol";
import {ParameterTable} from "./ParameterTable.sol";
import {Pricing} from "./Pricing.sol";
import {Exposure, Risk} from "./Risk.sol";

/// @notice The pool as an account: the mirror of all traders.
library PoolAccount {
    using Books for BooksStorage;
    using ParameterTable for address;
    using SafeCast for int256;
    using SafeCast for uint256;

    struct Valuation {
        int256 equity; // base + debts − Σ ceil(value of a side) − Σ Φ
        uint256 gross; // Σ |S|·P, rounded up
        bool live; // no exposure without a live price
        Exposure[] exposures; // size −S in each market with open interest
    }

    /// @notice Values the pool and stores the mark.
    function mark(
        BooksStorage storage books,
        IOracle oracle
    ) external returns (int256 equity, uint256 gross, bool live) {
        Valuation memory valuation = _mark(books, oracle);
        return (valuation.equity, valuation.gross, valuation.live);
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
        (, GroupParameters groups) = books.table.globals();
        uint256 requirement = Risk.assess(valuation.exposures, 0, groups, block.timestamp, true).initial();
        require(
            valuation.equity >= requirement.toInt256(),
            IClearingHouse.PoolUndercovered(valuation.equity, requirement)
        );
        emit IClearingHouse.PoolDrained(account, amount);
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
            if (books.markets[a].long.size() != 0 || books.markets[a].short.size() != 0) assets |= 1 << a;
        }
    }

    /// @param assets As of `assetsOf`. @param prices One for each bit of it, ascending.
    function value(
        BooksStorage storage books,
        uint256 assets,
        Price[] memory prices
    ) internal view returns (Valuation memory result) {
        result.live = true;
        result.equity = books.base + int256(uint256(books.debts));
        result.exposures = new Exposure[](prices.length);
        uint256 i = 0;
        for (uint256 bits = assets; bits != 0; bits &= bits - 1) {
            Exposure memory e = result.exposures[i];
            e.asset = Books.lowestBit(bits);
            e.price = prices[i++];
            (e.risk, e.sizes, e.trade) = books.table.asset(e.asset);
            books.accrue(e);
            Market storage market = books.markets[e.asset];
            MarketSide long = market.long;
            MarketSide short = market.short;
            uint256 price = e.price.last();
            int256 net = int256(price) - e.funding.index();
            e.size = int256(short.size()) - int256(long.size());
            e.quote = -(long.quote() + short.quote());
            result.equity -= Pricing.sideValueCeil(int256(long.size()), long.quote(), net);
            result.equity -= Pricing.sideValueCeil(-int256(short.size()), short.quote(), net);
            result.equity -= Pricing.heldPremiumUp(e.size, price, e.sizes.depth()).toInt256();
            result.gross += Fixed.mulDivUp(SignedMath.abs(e.size), price, WAD);
            if (!e.price.live()) result.live = false;
        }
    }
}
