// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IClearingHouse, Sale, UNATTRIBUTED} from "../interfaces/IClearingHouse.sol";
import {IOracle} from "../interfaces/IOracle.sol";
import {AccountId} from "../types/AccountId.sol";
import {AccountState} from "../types/AccountState.sol";
import {Conditions} from "../types/Conditions.sol";
import {CollateralParameters, GlobalParameters, GroupParameters} from "../types/GlobalParameters.sol";
import {Price} from "../types/Price.sol";
import {Books, BooksStorage, Flow, Seizure} from "./Books.sol";
import {Deficits} from "./Deficits.sol";
import {Fixed, PPM} from "./Fixed.sol";
import {ParameterTable} from "./ParameterTable.sol";
import {Exposure, Risk, Terms} from "./Risk.sol";
import {Sales} from "./Sales.sol";
import {Sides} from "./Sides.sol";

/// @notice What happens to an account beside its liquidation: debts, their collateral, and who bears them in the end.
library Waterfall {
    using Books for BooksStorage;
    using ParameterTable for address;
    using SafeCast for int256;
    using SafeCast for uint256;

    /// @dev Most that a conversion of collateral may cost its owner, 1e-6.
    uint256 internal constant CONVERSION_DISCOUNT = 5_000;
    /// @dev So long after an account was found insolvent anyone may buy its collateral before insurance has to.
    uint256 internal constant SEIZURE_DELAY = 10 minutes;
    /// @dev Discount of seized collateral: from nothing to the whole, 1e-6, in so long.
    uint256 internal constant AUCTION_DISCOUNT = 100_000;
    uint256 internal constant AUCTION_TIME = 6 hours;

    struct Context {
        AccountId account;
        AccountState state;
        Exposure[] exposures;
        Conditions conditions;
        GlobalParameters globals;
        GroupParameters groups;
        Flow flow;
    }

    function _open(
        BooksStorage storage books,
        IOracle oracle,
        AccountId account,
        bool needPeg
    ) private returns (Context memory c) {
        c.account = account;
        c.state = books.fullStateOf(account);
        (c.globals, c.groups) = books.table.globals();
        uint256 assets = books.assetsOf(c.state);
        Price[] memory prices;
        (c.conditions, prices) = oracle.read(assets, needPeg);
        require(c.conditions.sequencerSettled(), IClearingHouse.SequencerNotSettled());
        c.exposures = books.exposuresOf(account, c.state, assets, prices);
        books.foldClosed(account, c.state, c.flow, c.exposures);
    }

    /// @dev At the better ends: doubt about a price is not to cost anyone anything.
    function _assess(Context memory c) private view returns (Terms memory) {
        return Risk.assess(c.exposures, c.state.cash + int256(c.state.escrow), c.groups, block.timestamp, false);
    }

    // ---------------------------------------------------------------- conversion

    /// @notice See IClearingHouse.convert. Authority over `buyer` is the caller's to check.
    function convert(
        BooksStorage storage books,
        IOracle oracle,
        AccountId account,
        Sale[] calldata sales,
        AccountId buyer
    ) external returns (uint256 proceeds) {
        require(account != buyer, IClearingHouse.SelfLiquidation(account));
        Context memory c = _open(books, oracle, account, true);
        Terms memory terms = _assess(c);
        (uint256 shortfall, uint256 limit) = _shortfall(terms, c.globals.shortfallMaintenance());
        require(shortfall > limit, IClearingHouse.ShortfallWithinLimit(account, shortfall, limit));
        int256 margin = terms.equity - int256(terms.maintenance(c.globals));

        uint256 seen = 0;
        for (uint256 i = 0; i < sales.length; ++i) {
            require(seen & (1 << sales[i].token) == 0, IClearingHouse.DuplicateLeg(sales[i].token));
            seen |= 1 << sales[i].token;
            proceeds += _sell(books, c, sales[i], buyer);
        }
        books.store(account, c.state, c.flow);
        books.flush(c.flow);

        terms = _assess(c);
        int256 left = terms.equity - int256(terms.maintenance(c.globals));
        // Collateral may be the hedge of a position: turning it into cash must not make anybody liquidatable.
        require(left > 0 || left >= margin, IClearingHouse.HealthNotImproved(margin, left));
        _requireNotBeyond(books, c, sales);
        emit IClearingHouse.Converted(account, buyer, proceeds, shortfall);
    }

    function _sell(
        BooksStorage storage books,
        Context memory c,
        Sale calldata sale,
        AccountId buyer
    ) private returns (uint256) {
        CollateralParameters parameters = books.table.collateral(sale.token);
        return
            Sales.sell({
                books: books,
                flow: c.flow,
                account: c.account,
                state: c.state,
                exposures: c.exposures,
                conditions: c.conditions,
                sale: sale,
                parameters: parameters,
                discount: Math.min(parameters.saleDiscount(), CONVERSION_DISCOUNT),
                buyer: buyer
            });
    }

    /// @notice With one lot of each sale unsold, at the oracle's price, the shortfall would still be above λ_I.
    function _requireNotBeyond(BooksStorage storage books, Context memory c, Sale[] calldata sales) private view {
        int256 unpaid = 0;
        for (uint256 i = 0; i < sales.length; ++i) {
            CollateralParameters parameters = books.table.collateral(sales[i].token);
            Exposure memory e = Books.find(c.exposures, parameters.asset());
            uint256 step = Math.min(parameters.saleLot(), sales[i].amount);
            e.collateral += step;
            unpaid += Sales.proceedsUp(step, e.price.last(), c.conditions, e.asset).toInt256();
        }
        c.state.cash -= unpaid;
        (uint256 shortfall, uint256 limit) = _shortfall(_assess(c), c.globals.shortfallInitial());
        require(shortfall > limit, IClearingHouse.TargetPassed(-int256(shortfall), limit));
    }

    /// @notice h = max(0, −(c + U)) and what it may be, λ·Σ k·P; profits in full. WAD, rounded down.
    function _shortfall(Terms memory terms, uint256 share) private pure returns (uint256 shortfall, uint256 limit) {
        int256 free = terms.equity - int256(terms.collateralValue);
        shortfall = free < 0 ? uint256(-free) : 0;
        limit = Fixed.mulDivDown(terms.collateralValue, share, PPM);
    }

    // ---------------------------------------------------------------- realise

    /// @notice See IClearingHouse.realise.
    function realise(BooksStorage storage books, IOracle oracle, AccountId account) external returns (uint256 moved) {
        Context memory c = _open(books, oracle, account, false);
        int256 remaining = -_assessLive(c);
        for (uint256 i = 0; i < c.exposures.length && remaining > 0; ++i) {
            Exposure memory e = c.exposures[i];
            if (e.size == 0 || !e.price.live()) continue;
            int256 value = Risk.valueFloor(e, e.price.last());
            if (value >= 0) continue;
            int256 loss = -value < remaining ? -value : remaining;
            int256 quote = e.quote;
            e.quote += loss;
            Sides.write(books, account, e, e.size, quote);
            c.state.cash = Books.moveCash(c.flow, c.state.cash, -loss);
            c.flow.base += loss;
            remaining -= loss;
            moved += uint256(loss);
            emit IClearingHouse.LossRealised(account, e.asset, uint256(loss));
        }
        books.store(account, c.state, c.flow);
        books.flush(c.flow);
    }

    /// @notice U over the legs with live prices: others have no loss that is known.
    function _assessLive(Context memory c) private pure returns (int256 unrealised) {
        for (uint256 i = 0; i < c.exposures.length; ++i) {
            Exposure memory e = c.exposures[i];
            if (e.size != 0 && e.price.live()) unrealised += Risk.valueFloor(e, e.price.last());
        }
    }

    // ---------------------------------------------------------------- deficit

    /// @notice See IClearingHouse.settleDeficit.
    function settleDeficit(BooksStorage storage books, IOracle oracle, AccountId account) external returns (uint256) {
        Context memory c = _open(books, oracle, account, false);
        require(c.state.positions == 0, IClearingHouse.PositionsLeft(account, c.state.positions));
        require(c.state.collaterals == 0, IClearingHouse.CollateralLeft(account, c.state.collaterals));
        return _bookDeficit(books, c);
    }

    function _bookDeficit(BooksStorage storage books, Context memory c) private returns (uint256 deficit) {
        require(c.state.cash < 0, IClearingHouse.NoDeficit(c.account, c.state.cash));
        require(c.state.pending == 0, IClearingHouse.OrderPending(c.account, c.state.pending));
        deficit = Deficits.book(books, c.flow, c.account, c.state, UNATTRIBUTED);
        books.store(c.account, c.state, c.flow);
        books.flush(c.flow);
    }

    // ---------------------------------------------------------------- insolvency

    /// @notice See IClearingHouse.flagInsolvent.
    function flagInsolvent(BooksStorage storage books, IOracle oracle, AccountId account) external {
        Context memory c = _open(books, oracle, account, false);
        require(books.insolventSince[account] == 0, IClearingHouse.AlreadyInsolvent(account));
        _requireInsolvent(c);
        Deficits.flag(books, account, _assess(c).equity);
        books.store(account, c.state, c.flow);
        books.flush(c.flow);
    }

    /// @notice See IClearingHouse.clearInsolvency.
    function clearInsolvency(BooksStorage storage books, IOracle oracle, AccountId account) external {
        Context memory c = _open(books, oracle, account, false);
        Terms memory terms = _assess(c);
        bool owing = (c.state.positions | c.state.collaterals) != 0 || c.state.cash < 0;
        require(!_lacks(terms) || !owing, IClearingHouse.StillInsolvent(account, terms.equity));
        require(Deficits.unflag(books, account), IClearingHouse.NotInsolvent(account, terms.equity));
        books.store(account, c.state, c.flow);
        books.flush(c.flow);
    }

    function _requireInsolvent(Context memory c) private view {
        Terms memory terms = _assess(c);
        // Where nothing but a debt is left, it is settled; with an order pending, once that has ended.
        require(
            _lacks(terms) && (c.state.positions | c.state.collaterals | c.state.pending) != 0,
            IClearingHouse.NotInsolvent(c.account, terms.equity)
        );
    }

    /// @notice E ≤ 0 and c + U < 0. Where c + U is not negative there is no loss: dust that is worth nothing must not hold up
    /// the pool.
    function _lacks(Terms memory terms) private pure returns (bool) {
        return terms.equity <= 0 && terms.equity < int256(terms.collateralValue);
    }

    /// @notice See IClearingHouse.seize.
    /// @param insurance The insurance account.
    function seize(
        BooksStorage storage books,
        IOracle oracle,
        AccountId account,
        AccountId insurance
    ) external returns (uint256 deficit) {
        Context memory c = _open(books, oracle, account, true);
        uint256 since = books.insolventSince[account];
        require(
            since != 0 && block.timestamp >= since + SEIZURE_DELAY,
            IClearingHouse.NotSeizable(account, since, SEIZURE_DELAY)
        );
        require(c.state.positions == 0, IClearingHouse.PositionsLeft(account, c.state.positions));
        _requireInsolvent(c);
        for (uint256 bits = c.state.collaterals; bits != 0; bits = Books.withoutLowestBit(bits)) {
            _pass(books, c, Books.lowestBit(bits), insurance);
        }
        c.state.collaterals = 0;
        if (c.state.cash < 0) {
            deficit = _bookDeficit(books, c);
        } else {
            Deficits.unflag(books, account);
            books.store(account, c.state, c.flow);
            books.flush(c.flow);
        }
    }

    /// @dev At the oracle's price; what insurance has not got the pool advances, and gets back when it is sold. Dead
    /// collateral passes for nothing.
    function _pass(BooksStorage storage books, Context memory c, uint256 token, AccountId insurance) private {
        Exposure memory e = Books.find(c.exposures, books.table.collateral(token).asset());
        uint256 amount = books.collateral[c.account][token];
        uint256 paid = 0;
        if (!e.price.dead()) {
            require(e.price.liquidatable(), IClearingHouse.NotLiquidatable(e.asset));
            paid = Sales.proceedsUp(amount, e.price.last(), c.conditions, e.asset);
        }
        uint256 left = (uint256(books.insurance).toInt256() + c.flow.insurance).toUint256();
        uint256 advanced = paid > left ? paid - left : 0;
        c.state.cash = Books.moveCash(c.flow, c.state.cash, int256(paid));
        c.flow.insurance -= int256(paid - advanced);
        c.flow.base -= int256(advanced);

        books.collateral[c.account][token] = 0;
        books.collateral[insurance][token] = (books.collateral[insurance][token] + amount).toUint112();
        Seizure storage seizure = books.seizures[token];
        seizure.owed = (seizure.owed + advanced).toUint128();
        // Of several lots the youngest counts: nobody gets a discount that has not had its time.
        seizure.since = uint40(block.timestamp);
        books.seizedOwed = (books.seizedOwed + advanced).toUint128();
        emit IClearingHouse.CollateralSeized(c.account, token, amount, paid, advanced);
    }

    /// @notice See IClearingHouse.buySeized. Authority over `buyer` is the caller's to check.
    function buySeized(
        BooksStorage storage books,
        IOracle oracle,
        Sale calldata sale,
        AccountId insurance,
        AccountId buyer
    ) external returns (uint256 proceeds) {
        require(buyer != insurance, IClearingHouse.SelfLiquidation(buyer));
        require(sale.token < books.tokens, IClearingHouse.UnknownCollateral(sale.token));
        uint256 held = books.collateral[insurance][sale.token];
        require(
            sale.amount != 0 && sale.amount <= held,
            IClearingHouse.InsufficientCollateral(insurance, sale.token, held, sale.amount)
        );
        uint256 asset = books.table.collateral(sale.token).asset();
        (Conditions conditions, Price[] memory prices) = oracle.read(1 << asset, true);
        require(conditions.sequencerSettled(), IClearingHouse.SequencerNotSettled());
        require(prices[0].liquidatable(), IClearingHouse.NotLiquidatable(asset));
        proceeds = Sales.proceedsUp(sale.amount, prices[0].last(), conditions, asset);
        Seizure storage seizure = books.seizures[sale.token];
        proceeds -= Fixed.mulDivDown(proceeds, _auctionDiscount(seizure.since), PPM);

        Flow memory flow;
        Sales.buy(books, flow, sale, buyer, proceeds);
        books.collateral[insurance][sale.token] = held - sale.amount;
        uint256 repaid = Math.min(proceeds, seizure.owed);
        _settleSeizure(books, seizure, repaid);
        // With the last of it sold, what it did not bring is the pool's loss.
        if (held == sale.amount && seizure.owed != 0) _giveUp(books, seizure);
        flow.base += int256(repaid);
        flow.insurance += int256(proceeds - repaid);
        books.flush(flow);
        emit IClearingHouse.CollateralSold(insurance, buyer, sale.token, sale.amount, proceeds);
    }

    /// @notice See IClearingHouse.writeOff.
    function writeOff(BooksStorage storage books, IOracle oracle, uint256 token) external {
        require(token < books.tokens, IClearingHouse.UnknownCollateral(token));
        uint256 asset = books.table.collateral(token).asset();
        (Conditions conditions, Price[] memory prices) = oracle.read(1 << asset, false);
        // While it is down a live feed ages unread, and would look dead to the first who gets through.
        require(conditions.sequencerSettled(), IClearingHouse.SequencerNotSettled());
        require(prices[0].dead(), IClearingHouse.NotDead(asset));
        Seizure storage seizure = books.seizures[token];
        emit IClearingHouse.WrittenOff(token, seizure.owed);
        _giveUp(books, seizure);
    }

    function _giveUp(BooksStorage storage books, Seizure storage seizure) private {
        Deficits.lose(books, seizure.owed);
        _settleSeizure(books, seizure, seizure.owed);
    }

    function _settleSeizure(BooksStorage storage books, Seizure storage seizure, uint256 amount) private {
        seizure.owed -= uint128(amount);
        books.seizedOwed -= uint128(amount);
    }

    function _auctionDiscount(uint256 since) private view returns (uint256) {
        uint256 elapsed = Math.min(block.timestamp - since, AUCTION_TIME);
        return (AUCTION_DISCOUNT * elapsed) / AUCTION_TIME;
    }
}
