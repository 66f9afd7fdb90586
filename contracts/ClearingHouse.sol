// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {
    AssetListing,
    Closing,
    ESCROW_UNIT,
    FillResult,
    IClearingHouse,
    Leg,
    LiquidationResult,
    Reduction,
    Sale,
    SETTLEMENT
} from "./interfaces/IClearingHouse.sol";
import {IOracle} from "./interfaces/IOracle.sol";
import {Books, BooksStorage, Flow, Market} from "./libraries/Books.sol";
import {Fills} from "./libraries/Fills.sol";
import {Fixed, PPM, WAD} from "./libraries/Fixed.sol";
import {Liquidations} from "./libraries/Liquidations.sol";
import {Listings} from "./libraries/Listings.sol";
import {ParameterTable} from "./libraries/ParameterTable.sol";
import {PoolAccount} from "./libraries/PoolAccount.sol";
import {Exposure, Risk, Terms} from "./libraries/Risk.sol";
import {AccountId} from "./types/AccountId.sol";
import {AccountState} from "./types/AccountState.sol";
import {MarketStatus, RiskParameters, RiskRates, SizeParameters, TradeParameters} from "./types/AssetParameters.sol";
import {Conditions} from "./types/Conditions.sol";
import {Funding} from "./types/Funding.sol";
import {CollateralParameters, GlobalParameters, GroupParameters, MoneyParameters} from "./types/GlobalParameters.sol";
import {
    ALL_RIGHTS,
    OperatorGrant,
    RIGHT_TRADE,
    RIGHT_TRANSFER,
    RIGHT_WITHDRAW,
    toOperatorGrant
} from "./types/OperatorGrant.sol";
import {Price} from "./types/Price.sol";

/// @title ClearingHouse
contract ClearingHouse is IClearingHouse, AccessManaged, Multicall {
    using Books for BooksStorage;
    using Liquidations for BooksStorage;
    using Listings for BooksStorage;
    using ParameterTable for address;
    using PoolAccount for BooksStorage;
    using SafeCast for uint256;

    IOracle public immutable oracle;
    address public immutable vault;
    address public immutable orders;
    address public immutable pool;

    BooksStorage private _books;
    bool private transient _locked;

    /// @param vault_ Satellites are known before they are deployed: their addresses follow from the deployer's nonce.
    constructor(
        address authority,
        IOracle oracle_,
        address vault_,
        address orders_,
        address pool_,
        GlobalParameters globals_,
        GroupParameters groups_,
        MoneyParameters money_
    ) AccessManaged(authority) {
        oracle = oracle_;
        vault = vault_;
        orders = orders_;
        pool = pool_;
        _books.initialize(globals_, groups_, money_);
        // Never zero again: a first deposit should not pay for these slots.
        _books.markTime = uint40(block.timestamp);
    }

    modifier locking() {
        require(!_locked, Locked());
        _locked = true;
        _;
        _locked = false;
    }

    /// @dev Satellites call in under the lock that they took themselves.
    modifier only(address satellite) {
        require(msg.sender == satellite, OnlySatellite(msg.sender));
        require(_locked, NotLocked());
        _;
    }

    modifier settled() {
        require(!_locked, Locked());
        _;
    }

    // ---------------------------------------------------------------- lock

    /// @inheritdoc IClearingHouse
    function lock() external {
        require(msg.sender == vault || msg.sender == orders || msg.sender == pool, OnlySatellite(msg.sender));
        require(!_locked, Locked());
        _locked = true;
    }

    /// @inheritdoc IClearingHouse
    function unlock() external {
        require(msg.sender == vault || msg.sender == orders || msg.sender == pool, OnlySatellite(msg.sender));
        _locked = false;
    }

    // ---------------------------------------------------------------- operators

    /// @inheritdoc IClearingHouse
    function setOperator(
        AccountId account,
        address operator,
        uint256 rights,
        uint256 until,
        uint256 allowance
    ) external locking {
        require(msg.sender == account.owner(), NotAuthorized(account, msg.sender, ALL_RIGHTS));
        require(
            rights <= ALL_RIGHTS && until <= type(uint40).max && allowance <= type(uint64).max,
            InvalidGrant(rights, until, allowance)
        );
        _books.operators[account][operator] = toOperatorGrant(rights, until, allowance);
        emit OperatorSet(account, operator, rights, until, allowance);
    }

    /// @dev Reverts unless `caller` owns the account or is an operator with `right` and `fee` left in its allowance.
    function _authorize(AccountId account, address caller, uint256 right, uint256 fee) private {
        if (caller == account.owner()) return;
        OperatorGrant grant = _books.operators[account][caller];
        require(grant.rights() & right != 0, NotAuthorized(account, caller, right));
        require(block.timestamp <= grant.until(), OperatorExpired(account, caller, grant.until()));
        if (fee != 0) _books.operators[account][caller] = grant.spend(fee, block.timestamp);
    }

    function _authorized(AccountId account, address caller) private view returns (bool) {
        if (caller == account.owner()) return true;
        OperatorGrant grant = _books.operators[account][caller];
        return grant.rights() != 0 && block.timestamp <= grant.until();
    }

    // ---------------------------------------------------------------- deposit and withdraw

    /// @inheritdoc IClearingHouse
    function credit(AccountId account, address caller, uint256 token, uint256 amount) external only(vault) {
        _add(account, caller, token, amount);
        emit Credited(account, token, amount);
    }

    /// @inheritdoc IClearingHouse
    function debit(AccountId account, address caller, uint256 token, uint256 amount) external only(vault) {
        _authorize(account, caller, RIGHT_WITHDRAW, 0);
        _takeOut(account, token, amount);
        emit Debited(account, token, amount);
    }

    /// @inheritdoc IClearingHouse
    function transfer(AccountId from, AccountId to, uint256 token, uint256 amount) external locking {
        _authorize(from, msg.sender, RIGHT_TRANSFER, 0);
        require(from.owner() == to.owner() && from != to, NotOwnSubAccounts(from, to));
        _takeOut(from, token, amount);
        _add(to, to.owner(), token, amount);
        emit Transferred(from, to, token, amount);
    }

    /// @inheritdoc IClearingHouse
    function fundInsurance(AccountId account, uint256 amount) external locking {
        _authorize(account, msg.sender, RIGHT_WITHDRAW, 0);
        _takeOut(account, SETTLEMENT, amount);
        Flow memory flow;
        flow.insurance = amount.toInt256();
        _books.flush(flow);
        emit InsuranceFunded(account, amount);
    }

    function _add(AccountId account, address caller, uint256 token, uint256 amount) private {
        require(amount != 0, ZeroAmount());
        if (token == SETTLEMENT) {
            Flow memory flow;
            _books.pay(flow, account, amount.toInt256());
            _books.flush(flow);
            return;
        }
        require(token < _books.tokens, UnknownCollateral(token));
        AccountState memory state = _books.stateOf(account);
        if (state.collaterals & (1 << token) == 0) {
            // A kind of collateral that others may add is a way to fill up someone's account.
            require(_authorized(account, caller), NotAuthorized(account, caller, RIGHT_TRADE));
            state.collaterals |= 1 << token;
            Books.requireFewAssets(_books.assetsOf(state));
            _books.store(account, state);
        }
        // The risk formula relies on the width.
        _books.collateral[account][token] = (_books.collateral[account][token] + amount).toUint112();
    }

    /// @dev Takes cash or collateral out of an account: initial requirement afterwards, no pending order.
    function _takeOut(AccountId account, uint256 token, uint256 amount) private {
        require(amount != 0, ZeroAmount());
        AccountState memory state = _books.stateOf(account);
        require(state.pending == 0, OrderPending(account, state.pending));
        if (token == SETTLEMENT) {
            require(state.cash >= amount.toInt256(), InsufficientCash(account, state.cash, amount));
            state.cash -= amount.toInt256();
        } else {
            require(token < _books.tokens, UnknownCollateral(token));
            uint256 held = _books.collateral[account][token];
            require(held >= amount, InsufficientCollateral(account, token, held, amount));
            _books.collateral[account][token] = held - amount;
            if (held == amount) state.collaterals ^= 1 << token;
        }
        _books.store(account, state);
        _requireInitial(account, state);
    }

    /// @dev At the worse ends of all prices.
    function _requireInitial(AccountId account, AccountState memory state) private {
        if (state.positions == 0 && state.cash >= 0) return; // nothing owed, nothing required
        (Exposure[] memory exposures, ) = _load(account, state, 0, false);
        (GlobalParameters globals_, GroupParameters groups_) = _books.table.globals();
        Terms memory terms = Risk.assess(exposures, state.cash, groups_, block.timestamp, true);
        _requireMeetsInitial(account, terms, globals_);
    }

    function _requireMeetsInitial(AccountId account, Terms memory terms, GlobalParameters globals_) private pure {
        require(
            terms.meetsInitial(globals_),
            InsufficientMargin(account, terms.weighted, terms.initial(), terms.shortfall())
        );
    }

    /// @dev Exposures to all that the account holds and to `more`.
    function _load(
        AccountId account,
        AccountState memory state,
        uint256 more,
        bool needPeg
    ) private returns (Exposure[] memory exposures, Conditions conditions) {
        uint256 assets = _books.assetsOf(state) | more;
        Price[] memory prices;
        (conditions, prices) = oracle.read(assets, needPeg);
        exposures = _books.exposuresOf(account, state, assets, prices);
    }

    // ---------------------------------------------------------------- orders

    /// @inheritdoc IClearingHouse
    function openOrder(
        AccountId account,
        address caller,
        Leg[] calldata legs,
        uint256 pay,
        bool reduceOnly
    ) external only(orders) returns (uint256 sequence, uint256 charge) {
        charge = _cancelCharge(legs, reduceOnly);
        _authorize(account, caller, RIGHT_TRADE, pay + charge);
        AccountState memory state = _books.stateOf(account);
        require(!state.exclusive && (reduceOnly || !state.raising), OrderPending(account, state.pending));
        sequence = state.sequence++;
        state.pending++;
        if (!reduceOnly) state.raising = true;

        Flow memory flow;
        if (state.cash < (pay + charge).toInt256() && reduceOnly) {
            require(state.pending == 1, OrderPending(account, state.pending - 1));
            charge = 0;
            state.exclusive = true;
        }
        bool covered = state.cash >= (pay + charge).toInt256();
        state.cash = Books.moveCash(flow, state.cash, -(pay + charge).toInt256());
        _books.store(account, state);
        if (!covered) {
            _books.flush(flow);
            if (reduceOnly) _requireMaintenance(account, state);
            else _requireInitial(account, state);
        }
    }

    /// @inheritdoc IClearingHouse
    function reserveSequence(
        AccountId account,
        address caller,
        uint256 pay
    ) external only(orders) returns (uint256 sequence) {
        _authorize(account, caller, RIGHT_TRADE, pay);
        AccountState memory state = _books.stateOf(account);
        sequence = state.sequence++;
        _books.store(account, state);
    }

    /// @inheritdoc IClearingHouse
    function payKeeper(AccountId from, AccountId to, uint256 amount) external only(orders) {
        Flow memory flow;
        _books.pay(flow, from, -amount.toInt256());
        _books.pay(flow, to, amount.toInt256());
        _books.flush(flow);
        emit KeeperPaid(from, to, amount);
    }

    /// @inheritdoc IClearingHouse
    function executeOrder(
        Closing calldata closing,
        Leg[] calldata legs
    ) external only(orders) returns (FillResult[] memory results) {
        AccountState memory state = _books.stateOf(closing.account);
        Flow memory flow;
        _release(closing, state, flow);
        (results, , ) = _trade(closing.account, state, flow, legs, closing.reduceOnly);
        _finish(closing, state, flow);
    }

    /// @inheritdoc IClearingHouse
    function closeOrder(Closing calldata closing) external only(orders) {
        AccountState memory state = _books.stateOf(closing.account);
        Flow memory flow;
        _release(closing, state, flow);
        flow.base += closing.forfeited.toInt256();
        _finish(closing, state, flow);
    }

    function _release(Closing calldata closing, AccountState memory state, Flow memory flow) private pure {
        state.pending--;
        if (!closing.reduceOnly) state.raising = false;
        if (state.pending == 0) state.exclusive = false;
        state.cash = Books.moveCash(flow, state.cash, closing.released.toInt256());
    }

    function _finish(Closing calldata closing, AccountState memory state, Flow memory flow) private {
        _books.store(closing.account, state);
        // After the account is stored: it may be paid itself.
        _books.pay(flow, closing.payTo, closing.pay.toInt256());
        _books.flush(flow);
        emit OrderClosed(closing.account, closing.payTo, closing.released, closing.pay, closing.forfeited);
    }

    /// @notice Taker fee on the notional of all legs, rounded up to ESCROW_UNIT.
    function _cancelCharge(Leg[] calldata legs, bool reduceOnly) private view returns (uint256 charge) {
        for (uint256 i = 0; i < legs.length; ++i) {
            Leg calldata leg = legs[i];
            require(leg.delta != 0, ZeroSize(leg.asset));
            (, SizeParameters sizes, TradeParameters trade) = _marketParameters(leg.asset);
            require(reduceOnly || sizes.status() == MarketStatus.Active, MarketIsReduceOnly(leg.asset));
            charge += Fixed.mulDivUp(SignedMath.abs(leg.delta) * leg.price, trade.takerFee(), PPM * WAD);
        }
        return Fixed.divUp(charge, ESCROW_UNIT) * ESCROW_UNIT;
    }

    function _marketParameters(
        uint256 asset
    ) private view returns (RiskParameters risk, SizeParameters sizes, TradeParameters trade) {
        require(asset < _books.assets, UnknownMarket(asset));
        (risk, sizes, trade) = _books.table.asset(asset);
        require(sizes.status() != MarketStatus.None, UnknownMarket(asset));
    }

    function _requireMaintenance(AccountId account, AccountState memory state) private {
        (Exposure[] memory exposures, ) = _load(account, state, 0, false);
        (GlobalParameters globals_, GroupParameters groups_) = _books.table.globals();
        Terms memory terms = Risk.assess(exposures, state.cash, groups_, block.timestamp, true);
        uint256 requirement = terms.maintenance(globals_);
        require(
            terms.equity > int256(requirement),
            InsufficientMargin(account, terms.equity, requirement, terms.shortfall())
        );
    }

    /// @dev Cash and the positions of each leg before the fills, for the rule of reductions.
    struct Before {
        int256 cash;
        int256[] sizes;
        int256[] quotes;
    }

    /// @notice Fills all legs and checks what the account is left with. Changes `state`, which the caller stores.
    function _trade(
        AccountId account,
        AccountState memory state,
        Flow memory flow,
        Leg[] calldata legs,
        bool reduceOnly
    ) private returns (FillResult[] memory results, Terms memory terms, GlobalParameters globals_) {
        uint256 legAssets = 0;
        for (uint256 i = 0; i < legs.length; ++i) {
            uint256 asset = legs[i].asset;
            require(legs[i].delta != 0, ZeroSize(asset));
            require(legAssets & (1 << asset) == 0, DuplicateLeg(asset));
            legAssets |= 1 << asset;
        }
        uint256 held = _books.assetsOf(state);
        if (held | legAssets != held) Books.requireFewAssets(held | legAssets);
        (Exposure[] memory exposures, Conditions conditions) = _load(account, state, legAssets, true);
        GroupParameters groups_;
        (globals_, groups_) = _books.table.globals();
        Before memory before = Before({
            cash: state.cash,
            sizes: new int256[](legs.length),
            quotes: new int256[](legs.length)
        });

        results = new FillResult[](legs.length);
        uint256 fees = 0;
        for (uint256 i = 0; i < legs.length; ++i) {
            Exposure memory e = Books.find(exposures, legs[i].asset);
            (before.sizes[i], before.quotes[i]) = (e.size, e.quote);
            results[i] = _fillLeg(account, state, flow, e, legs[i], reduceOnly, globals_);
            fees += results[i].fee;
        }
        Fills.splitFees(flow, fees, globals_);

        terms = Risk.assess(exposures, state.cash, groups_, block.timestamp, true);
        bool initial = terms.meetsInitial(globals_);
        (uint256 blocked, uint256 reason) = _obstacle(exposures, conditions, legAssets);
        if (!initial || reason != 0) {
            _requireReduction(account, exposures, before, results, globals_, groups_, terms, blocked, reason);
        }
    }

    function _fillLeg(
        AccountId account,
        AccountState memory state,
        Flow memory flow,
        Exposure memory e,
        Leg calldata leg,
        bool reduceOnly,
        GlobalParameters globals_
    ) private returns (FillResult memory result) {
        MarketStatus status = e.sizes.status();
        require(status != MarketStatus.None, UnknownMarket(leg.asset));
        if (e.size == 0) _books.accrue(e);
        int256 sizeBefore = e.size;
        int256 delta = leg.delta;
        bool opposite = sizeBefore != 0 && (sizeBefore < 0) != (delta < 0);
        if (reduceOnly) {
            require(opposite, NothingToReduce(account, leg.asset, sizeBefore, delta));
            if (SignedMath.abs(delta) > SignedMath.abs(sizeBefore)) delta = -sizeBefore;
        }
        result = Fills.fill(_books, flow, account, state, e, delta, leg.price);
        require(
            status == MarketStatus.Active || (opposite && SignedMath.abs(delta) <= SignedMath.abs(sizeBefore)),
            MarketIsReduceOnly(leg.asset)
        );
        Fills.requireViable(e, leg.price, _books.table.money());
        Fills.requireWithinCaps(_books, e, sizeBefore, leg.price, globals_);
    }

    /// @dev What stands against raising the requirement: an asset (0 if none) and the reason of `IncreaseRefused`.
    function _obstacle(
        Exposure[] memory exposures,
        Conditions conditions,
        uint256 legAssets
    ) private pure returns (uint256 asset, uint256 reason) {
        if (!conditions.sequencerSettled()) return (0, 1);
        if (!conditions.pegHeld()) return (0, 2);
        for (uint256 bits = legAssets; bits != 0; bits = Books.withoutLowestBit(bits)) {
            asset = Books.lowestBit(bits);
            Price price = Books.find(exposures, asset).price;
            if (!price.live()) return (asset, 16 + uint256(price.refusal()));
        }
        return (0, 0);
    }

    /// @notice The rule of reductions: R_M not raised; below initial margin also E − R_M not lowered,
    /// E₀ − E₁ ≤ Σ γ·|Δ|·P and E₁ ≥ min(E₀, 0). At the worse ends, before and after: at the better ones a flip in doubt
    /// would pass for a reduction, and every reduction for a loss.
    function _requireReduction(
        AccountId account,
        Exposure[] memory exposures,
        Before memory before,
        FillResult[] memory results,
        GlobalParameters globals_,
        GroupParameters groups_,
        Terms memory terms,
        uint256 blocked,
        uint256 reason
    ) private view {
        uint256 charge = 0;
        for (uint256 i = 0; i < results.length; ++i) {
            Exposure memory e = Books.find(exposures, results[i].asset);
            charge += Fixed.mulDivDown(
                SignedMath.abs(results[i].delta) * e.price.last(),
                e.risk.rates(block.timestamp).gamma,
                PPM * WAD
            );
            (e.size, e.quote) = (before.sizes[i], before.quotes[i]);
        }
        Terms memory start = Risk.assess(exposures, before.cash, groups_, block.timestamp, true);
        uint256 maintenance0 = start.maintenance(globals_);
        uint256 maintenance1 = terms.maintenance(globals_);
        if (maintenance1 > maintenance0) {
            require(reason == 0, IncreaseRefused(account, blocked, reason));
            _requireMeetsInitial(account, terms, globals_);
        }
        if (terms.meetsInitial(globals_)) return;
        int256 loss = start.equity - terms.equity;
        require(
            loss <= int256(charge) &&
                loss <= int256(maintenance0 - maintenance1) &&
                terms.equity >= SignedMath.min(start.equity, 0),
            ReductionRefused(start.equity, terms.equity, maintenance0, maintenance1)
        );
    }

    /// @inheritdoc IClearingHouse
    function simulate(AccountId account, Leg[] calldata legs, bool reduceOnly) external {
        require(!_locked, Locked());
        AccountState memory state = _books.stateOf(account);
        Flow memory flow;
        (FillResult[] memory fills, Terms memory terms, GlobalParameters globals_) = _trade(
            account,
            state,
            flow,
            legs,
            reduceOnly
        );
        revert Simulated(fills, state.cash, terms, terms.initial(), terms.maintenance(globals_));
    }

    // ---------------------------------------------------------------- liquidation

    /// @inheritdoc IClearingHouse
    function liquidate(
        AccountId account,
        Reduction[] calldata reductions,
        Sale[] calldata sales,
        AccountId liquidator
    ) external locking returns (LiquidationResult memory result) {
        _authorize(liquidator, msg.sender, RIGHT_TRADE, 0);
        result = _books.liquidate(oracle, account, reductions, sales, liquidator);
        if (sales.length != 0) {
            // The buyer has swapped cash for collateral: as after a withdrawal.
            AccountState memory state = _books.stateOf(liquidator);
            require(state.pending == 0, OrderPending(liquidator, state.pending));
            _requireInitial(liquidator, state);
        }
    }

    // ---------------------------------------------------------------- pool

    /// @inheritdoc IClearingHouse
    function markPool() external locking returns (int256 value) {
        (value, , ) = _books.mark(oracle);
    }

    /// @inheritdoc IClearingHouse
    function valuePool() external only(pool) returns (int256 value, uint256 gross, bool live) {
        return _books.mark(oracle);
    }

    /// @inheritdoc IClearingHouse
    function fundPool(AccountId account, address caller, uint256 amount) external only(pool) {
        _authorize(account, caller, RIGHT_WITHDRAW, 0);
        _takeOut(account, SETTLEMENT, amount);
        Flow memory flow;
        flow.base = amount.toInt256();
        _books.flush(flow);
        _books.mark(oracle);
        emit PoolFunded(account, amount);
    }

    /// @inheritdoc IClearingHouse
    function drainPool(AccountId account, uint256 amount) external only(pool) {
        _books.drain(oracle, account, amount);
    }

    // ---------------------------------------------------------------- governance

    /// @notice Lists assets; their indices follow those listed before.
    function listAssets(AssetListing[] calldata listings) external restricted locking {
        _books.listAssets(listings);
    }

    /// @notice Lists a collateral token; its index is that of the vault.
    /// @param saleDiscount 1e-6. @param lotExponent Lot of a sale = 10^lotExponent of WAD.
    function listCollateral(uint256 asset, uint256 saleDiscount, uint256 lotExponent) external restricted locking {
        _books.listCollateral(asset, saleDiscount, lotExponent);
    }

    /// @notice Moves an asset's risk rates to `target` linearly over `duration` seconds.
    function rampRisk(uint256 asset, RiskRates calldata target, uint256 duration) external restricted locking {
        _books.rampRisk(asset, target, duration);
    }

    /// @notice Sets what does not enter any requirement: caps and fees.
    function setLimits(
        uint256 asset,
        uint256 openInterestCap,
        uint256 openInterestShare,
        uint256 skewCap,
        uint256 takerFee,
        uint256 makerFee
    ) external restricted locking {
        _books.setLimits(asset, openInterestCap, openInterestShare, skewCap, takerFee, makerFee);
    }

    function setReduceOnly(uint256 asset, bool reduceOnly) external restricted locking {
        _books.setReduceOnly(asset, reduceOnly);
    }

    /// @notice Sets amounts in cents of settlement token.
    function setMoney(uint256 minNotional, uint256 smallRequirement, uint256 flatReward) external restricted locking {
        _books.setMoney(minNotional, smallRequirement, flatReward);
    }

    /// @notice Pays protocol fees out to an account, WAD.
    function payProtocolFees(AccountId account, uint256 amount) external restricted locking {
        Flow memory flow;
        flow.protocolFees = -amount.toInt256();
        _books.pay(flow, account, amount.toInt256());
        _books.flush(flow);
        emit ProtocolFeesPaid(account, amount);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IClearingHouse
    function snapshot(
        AccountId account
    ) external view settled returns (AccountState memory state, Exposure[] memory exposures, Conditions conditions) {
        state = _books.stateOf(account);
        uint256 assets = _books.assetsOf(state);
        Price[] memory prices;
        (conditions, prices) = oracle.peek(assets, false);
        exposures = _books.exposuresOf(account, state, assets, prices);
    }

    /// @inheritdoc IClearingHouse
    function accountOf(AccountId account) external view settled returns (AccountState memory) {
        return _books.stateOf(account);
    }

    /// @inheritdoc IClearingHouse
    function positionOf(AccountId account, uint256 asset) external view settled returns (int256 size, int256 quote) {
        return (_books.positions[account][asset].size(), _books.positions[account][asset].quote());
    }

    /// @inheritdoc IClearingHouse
    function collateralOf(AccountId account, uint256 token) external view settled returns (uint256) {
        return _books.collateral[account][token];
    }

    /// @inheritdoc IClearingHouse
    function operatorOf(AccountId account, address operator) external view returns (OperatorGrant) {
        return _books.operators[account][operator];
    }

    /// @inheritdoc IClearingHouse
    function marketOf(
        uint256 asset
    )
        external
        view
        settled
        returns (uint256 longSize, int256 longQuote, uint256 shortSize, int256 shortQuote, Funding funding)
    {
        Market storage market = _books.markets[asset];
        return (market.long.size(), market.long.quote(), market.short.size(), market.short.quote(), market.funding);
    }

    /// @inheritdoc IClearingHouse
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
        return (_books.base, _books.debts, _books.insurance, _books.protocolFees, _books.markValue, _books.markTime);
    }

    /// @inheritdoc IClearingHouse
    function parametersOf(uint256 asset) external view returns (RiskParameters, SizeParameters, TradeParameters) {
        return _books.table.asset(asset);
    }

    /// @inheritdoc IClearingHouse
    function globals()
        external
        view
        returns (GlobalParameters globals_, GroupParameters groups_, MoneyParameters money_)
    {
        (globals_, groups_) = _books.table.globals();
        money_ = _books.table.money();
    }

    /// @inheritdoc IClearingHouse
    function collateralParametersOf(uint256 token) external view returns (CollateralParameters) {
        return _books.table.collateral(token);
    }

    /// @inheritdoc IClearingHouse
    function listed() external view returns (uint256 assets, uint256 tokens) {
        return (_books.assets, _books.tokens);
    }
}
