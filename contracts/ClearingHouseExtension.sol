// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Clearing, Links} from "./Clearing.sol";
import {
    IClearingHouse,
    Ledger,
    Liquidation,
    LiquidationResult,
    PoolValuation,
    Reduction,
    Sale,
    SETTLEMENT,
    SideView
} from "./interfaces/IClearingHouse.sol";
import {RoundHint} from "./interfaces/IOracle.sol";
import {Books, BooksStorage, Flow, Market, Seizure} from "./libraries/Books.sol";
import {Deficits} from "./libraries/Deficits.sol";
import {Deleveraging} from "./libraries/Deleveraging.sol";
import {Interest} from "./libraries/Interest.sol";
import {Liquidations} from "./libraries/Liquidations.sol";
import {Listings} from "./libraries/Listings.sol";
import {ParameterTable} from "./libraries/ParameterTable.sol";
import {PoolAccount} from "./libraries/PoolAccount.sol";
import {Exposure, Terms} from "./libraries/Risk.sol";
import {Sides} from "./libraries/Sides.sol";
import {Waterfall} from "./libraries/Waterfall.sol";
import {AccountId} from "./types/AccountId.sol";
import {AccountState} from "./types/AccountState.sol";
import {MarketStatus, RiskParameters, SizeParameters, TradeParameters} from "./types/AssetParameters.sol";
import {Conditions} from "./types/Conditions.sol";
import {Funding} from "./types/Funding.sol";
import {CollateralParameters, GlobalParameters, GroupParameters, MoneyParameters} from "./types/GlobalParameters.sol";
import {MarketSide} from "./types/MarketSide.sol";
import {MarketWatch, Trigger} from "./types/MarketWatch.sol";
import {ALL_RIGHTS, OperatorGrant, RIGHT_TRADE, RIGHT_WITHDRAW, toOperatorGrant} from "./types/OperatorGrant.sol";
import {Position} from "./types/Position.sol";
import {Price} from "./types/Price.sol";
import {SideIndex} from "./types/SideIndex.sol";

/// @title ClearingHouseExtension
/// @notice The verbs of the clearing house that no order passes through, but for those of governance. Documented in
/// `IClearingHouse`.
/// @dev Runs on the storage of the clearing house, which calls it by delegatecall; called at its own address it finds empty
/// books and can do nothing to others.
contract ClearingHouseExtension is Clearing {
    using Books for BooksStorage;
    using Deleveraging for BooksStorage;
    using Listings for BooksStorage;
    using Liquidations for BooksStorage;
    using ParameterTable for address;
    using PoolAccount for BooksStorage;
    using SafeCast for uint256;
    using Waterfall for BooksStorage;

    /// @dev An item of a batch gets at least so much, so that nobody can starve it.
    uint256 private constant MIN_ITEM_GAS = 3_000_000;

    /// @notice Code of what governance does; works on the same storage.
    address public immutable governance;

    constructor(Links memory links, address governance_) Clearing(links) {
        governance = governance_;
    }

    /// @dev Everything that is declared neither in the clearing house nor here.
    // solhint-disable-next-line no-complex-fallback
    fallback() external {
        _forward(governance);
    }

    // ---------------------------------------------------------------- operators

    function setOperator(
        AccountId account,
        address operator,
        uint256 rights,
        uint256 until,
        uint256 allowance
    ) external locking {
        require(msg.sender == account.owner(), IClearingHouse.NotAuthorized(account, msg.sender, ALL_RIGHTS));
        require(
            rights <= ALL_RIGHTS && until <= type(uint40).max && allowance <= type(uint64).max,
            IClearingHouse.InvalidGrant(rights, until, allowance)
        );
        _books.operators[account][operator] = toOperatorGrant(rights, until, allowance);
        emit IClearingHouse.OperatorSet(account, operator, rights, until, allowance);
    }

    // ---------------------------------------------------------------- liquidation

    function liquidateBatch(Liquidation[] calldata items, AccountId liquidator) external locking {
        _authorize(liquidator, msg.sender, RIGHT_TRADE, 0);
        for (uint256 i = 0; i < items.length; ++i) {
            uint256 left = gasleft();
            require(left >= MIN_ITEM_GAS, IClearingHouse.InsufficientGas(left, MIN_ITEM_GAS));
            try IClearingHouse(address(this)).liquidateItem(items[i], liquidator) {} catch (bytes memory reason) {
                emit IClearingHouse.LiquidationFailed(items[i].account, reason);
            }
        }
    }

    function liquidateItem(
        Liquidation calldata item,
        AccountId liquidator
    ) external returns (LiquidationResult memory) {
        require(msg.sender == address(this), IClearingHouse.OnlySelf(msg.sender));
        return _liquidate(item.account, item.reductions, item.sales, liquidator);
    }

    function takeOver(
        AccountId account,
        Reduction[] calldata legs,
        AccountId taker
    ) external locking returns (LiquidationResult memory) {
        _authorize(taker, msg.sender, RIGHT_TRADE, 0);
        return _books.takeOver(oracle, account, legs, taker);
    }

    // ---------------------------------------------------------------- waterfall

    function convert(
        AccountId account,
        Sale[] calldata sales,
        AccountId buyer
    ) external locking returns (uint256 proceeds) {
        _authorize(buyer, msg.sender, RIGHT_TRADE, 0);
        proceeds = _books.convert(oracle, account, sales, buyer);
        _requireAfterPurchase(buyer);
    }

    function realise(AccountId account) external locking returns (uint256) {
        return _books.realise(oracle, account);
    }

    function settleDeficit(AccountId account) external locking returns (uint256) {
        return _books.settleDeficit(oracle, account);
    }

    function flagInsolvent(AccountId account) external locking {
        _books.flagInsolvent(oracle, account);
    }

    function clearInsolvency(AccountId account) external locking {
        _books.clearInsolvency(oracle, account);
    }

    function seize(AccountId account) external locking returns (uint256) {
        return _books.seize(oracle, account, _insuranceAccount());
    }

    function buySeized(Sale calldata sale, AccountId buyer) external locking returns (uint256 proceeds) {
        _authorize(buyer, msg.sender, RIGHT_TRADE, 0);
        proceeds = _books.buySeized(oracle, sale, _insuranceAccount(), buyer);
        _requireAfterPurchase(buyer);
    }

    function writeOff(uint256 token) external locking {
        _books.writeOff(oracle, token);
    }

    function _insuranceAccount() private view returns (AccountId) {
        return AccountId.wrap(bytes32(bytes20(insuranceFund)));
    }

    // ---------------------------------------------------------------- the crowded side

    function flagDeleveraging(uint256 asset) external locking returns (Trigger) {
        return _books.flag(oracle, asset);
    }

    function deleverage(uint256 asset, RoundHint calldata hint) external locking returns (uint256) {
        return _books.deleverage(oracle, asset, hint);
    }

    function cutProfits() external locking returns (uint256) {
        return _books.cutProfits(oracle);
    }

    function closeMarket(uint256 asset, RoundHint calldata hint) external locking {
        _books.closeMarket(oracle, asset, hint);
        _books.setStatus(asset, MarketStatus.Closed);
    }

    // ---------------------------------------------------------------- pool and insurance

    function markPool() external locking returns (int256) {
        return _books.mark(oracle).equity;
    }

    function valuePool() external only(pool) returns (PoolValuation memory) {
        return _books.mark(oracle);
    }

    function fundPool(AccountId account, address caller, uint256 amount) external only(pool) {
        _authorize(account, caller, RIGHT_WITHDRAW, 0);
        Flow memory flow;
        _takeOut(account, SETTLEMENT, amount, flow);
        flow.base += amount.toInt256();
        _books.flush(flow);
        _books.mark(oracle);
        emit IClearingHouse.PoolFunded(account, amount);
    }

    function drainPool(AccountId account, uint256 amount) external only(pool) {
        _books.drain(oracle, account, amount);
    }

    function fundInsurance(AccountId account, address caller, uint256 amount) external only(insuranceFund) {
        _authorize(account, caller, RIGHT_WITHDRAW, 0);
        Flow memory flow;
        _takeOut(account, SETTLEMENT, amount, flow);
        flow.insurance += amount.toInt256();
        _books.flush(flow);
        emit IClearingHouse.InsuranceFunded(account, amount);
    }

    function drainInsurance(AccountId account, uint256 amount) external only(insuranceFund) {
        require(amount <= _books.insurance, IClearingHouse.InsufficientInsurance(_books.insurance, amount));
        Flow memory flow;
        flow.insurance = -amount.toInt256();
        _books.pay(flow, account, amount.toInt256());
        _books.flush(flow);
        emit IClearingHouse.InsurancePaidOut(account, amount);
    }

    function lackOf(AccountId account) external only(vault) returns (uint256) {
        AccountState memory state = _books.fullStateOf(account);
        if (state.positions == 0 && state.cash >= 0) return 0;
        (Terms memory terms, GlobalParameters globals_) = _assess(account, state);
        return terms.lackUp(globals_);
    }

    // ---------------------------------------------------------------- views

    function snapshot(
        AccountId account
    ) external view settled returns (AccountState memory state, Exposure[] memory exposures, Conditions conditions) {
        state = _books.fullStateOf(account);
        uint256 assets = _books.assetsOf(state);
        Price[] memory prices;
        (conditions, prices) = oracle.peek(assets, false);
        exposures = _books.exposuresOf(account, state, assets, prices);
        Flow memory none;
        Books.fold(state, none, exposures);
    }

    function accountOf(AccountId account) external view settled returns (AccountState memory) {
        return _books.fullStateOf(account);
    }

    function positionOf(AccountId account, uint256 asset) external view settled returns (int256 size, int256 quote) {
        Position position = _books.positions[account][asset];
        (int256 units, int256 stored) = (position.units(), position.quote());
        if (units == 0) return (0, 0);
        bool long = units > 0;
        Market storage market = _books.markets[asset];
        if (position.epoch() != Sides.side(market, long).epoch()) {
            return (0, market.closed[long][position.epoch()].heldQuoteFloor(units, stored));
        }
        return Sides.through(Sides.indexOf(market, long), units, stored);
    }

    function storedPositionOf(
        AccountId account,
        uint256 asset
    ) external view settled returns (int256 units, int256 quote, uint256 epoch, uint256 cuts) {
        Position position = _books.positions[account][asset];
        return (position.units(), position.quote(), position.epoch(), position.cuts());
    }

    function formerPositionOf(
        AccountId account,
        uint256 asset
    ) external view settled returns (bool graced, int256 size, int256 quote) {
        Position position = _books.positions[account][asset];
        Exposure memory e;
        e.size = position.units();
        if (e.size == 0 || !Sides.restore(_books.markets[asset], position, e)) return (false, 0, 0);
        return (true, e.size, e.quote);
    }

    function collateralOf(AccountId account, uint256 token) external view settled returns (uint256) {
        return _books.collateral[account][token];
    }

    function operatorOf(AccountId account, address operator) external view returns (OperatorGrant) {
        return _books.operators[account][operator];
    }

    function marketOf(
        uint256 asset
    )
        external
        view
        settled
        returns (uint256 longSize, int256 longQuote, uint256 shortSize, int256 shortQuote, Funding funding)
    {
        Market storage market = _books.markets[asset];
        (longSize, longQuote) = _sumsOf(market, true);
        (shortSize, shortQuote) = _sumsOf(market, false);
        funding = market.funding;
    }

    function _sumsOf(Market storage market, bool long) private view returns (uint256 size, int256 quote) {
        MarketSide sums = Sides.side(market, long);
        SideIndex index = Sides.indexOf(market, long);
        int256 units = long ? int256(sums.units()) : -int256(sums.units());
        return (index.sizeDown(sums.units()), Sides.heldQuoteCeil(index, units, sums.quote()));
    }

    function sideOf(uint256 asset, bool long) external view settled returns (SideView memory result) {
        Market storage market = _books.markets[asset];
        MarketSide sums = Sides.side(market, long);
        SideIndex index = Sides.indexOf(market, long);
        (result.units, result.quote, result.epoch, result.cuts) = (
            sums.units(),
            sums.quote(),
            sums.epoch(),
            sums.cuts()
        );
        (result.scale, result.profitScale, result.offset) = (index.scale(), index.profitScale(), index.offset());
        result.size = index.sizeDown(sums.units());
    }

    function watchOf(uint256 asset) external view returns (MarketWatch) {
        return _books.markets[asset].watch;
    }

    function insuranceRoomOf(uint256 market) external view returns (uint256 room, uint256 cap) {
        return (Deficits.roomDown(_books, market), Deficits.capOf(_books, market));
    }

    function insolventSince(AccountId account) external view returns (uint256) {
        return _books.insolventSince[account];
    }

    function seizedOf(uint256 token) external view settled returns (uint256 amount, uint256 owed, uint256 since) {
        Seizure storage seizure = _books.seizures[token];
        return (_books.collateral[_insuranceAccount()][token], seizure.owed, seizure.since);
    }

    function balances()
        external
        view
        settled
        returns (
            int256 base,
            uint256 debts,
            uint256 insurance,
            uint256 protocolFees,
            int256 markValue,
            uint256 markTime
        )
    {
        return (
            _books.base,
            _books.lentNow(),
            _books.insurance,
            _books.protocolFees,
            _books.markValue,
            _books.markTime
        );
    }

    function ledger() external view settled returns (Ledger memory result) {
        result.base = _books.base;
        result.debtShares = _books.debts;
        result.debtIndex = _books.debtIndexNow();
        result.lent = Interest.lentDown(result.debtShares, result.debtIndex);
        result.insurance = _books.insurance;
        result.protocolFees = _books.protocolFees;
        result.closedValue = _books.closedValue;
        result.seizedOwed = _books.seizedOwed;
        result.uncoveredDeficits = _books.uncoveredDeficits;
        result.pendingLosses = _books.pendingLosses;
        result.flaggedMarkets = _books.flaggedMarkets;
        result.markValue = _books.markValue;
        result.markTime = _books.markTime;
        result.paused = _books.paused;
    }

    function poolValuation() external view settled returns (PoolValuation memory) {
        return _books.peek(oracle);
    }

    function parametersOf(uint256 asset) external view returns (RiskParameters, SizeParameters, TradeParameters) {
        return _books.table.asset(asset);
    }

    function globals()
        external
        view
        returns (GlobalParameters globals_, GroupParameters groups_, MoneyParameters money_)
    {
        (globals_, groups_) = _books.table.globals();
        money_ = _books.table.money();
    }

    function collateralParametersOf(uint256 token) external view returns (CollateralParameters) {
        return _books.table.collateral(token);
    }

    function listed() external view returns (uint256 assets, uint256 tokens) {
        return (_books.assets, _books.tokens);
    }
}
