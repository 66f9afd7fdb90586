// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {Clearing, Links} from "./Clearing.sol";
import {
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
import {Books, BooksStorage, Flow} from "./libraries/Books.sol";
import {Fills} from "./libraries/Fills.sol";
import {Fixed, PPM, WAD} from "./libraries/Fixed.sol";
import {Liquidations} from "./libraries/Liquidations.sol";
import {Listings} from "./libraries/Listings.sol";
import {ParameterTable} from "./libraries/ParameterTable.sol";
import {Exposure, Risk, Terms} from "./libraries/Risk.sol";
import {AccountId} from "./types/AccountId.sol";
import {AccountState} from "./types/AccountState.sol";
import {MarketStatus, RiskParameters, SizeParameters, TradeParameters} from "./types/AssetParameters.sol";
import {Conditions} from "./types/Conditions.sol";
import {GlobalParameters, GroupParameters, MoneySettings} from "./types/GlobalParameters.sol";
import {OperatorGrant, RIGHT_TRADE, RIGHT_TRANSFER, RIGHT_WITHDRAW} from "./types/OperatorGrant.sol";
import {Price} from "./types/Price.sol";

/// @title ClearingHouse
/// @notice The books. What is documented in `IClearingHouse` is either here, on the way of every order, or in the extension.
contract ClearingHouse is Clearing, Multicall {
    using Books for BooksStorage;
    using Liquidations for BooksStorage;
    using Listings for BooksStorage;
    using ParameterTable for address;
    using SafeCast for uint256;

    /// @notice Code of all verbs that are not here; works on the storage of this contract.
    address public immutable extension;

    /// @param links Satellites are known before they are deployed: their addresses follow from the deployer's nonce.
    constructor(
        Links memory links,
        address extension_,
        GlobalParameters globals_,
        GroupParameters groups_,
        MoneySettings memory money_
    ) Clearing(links) {
        extension = extension_;
        _books.initialize(globals_, groups_, money_);
    }

    /// @dev Everything that is not declared here belongs to the extension, whose code never changes either.
    // solhint-disable-next-line no-complex-fallback
    fallback() external {
        _forward(extension);
    }

    // ---------------------------------------------------------------- lock

    function lock() external {
        _requireAnySatellite();
        _lock();
    }

    function unlock() external {
        _requireAnySatellite();
        _locked = false;
    }

    function _requireAnySatellite() private view {
        require(
            msg.sender == vault || msg.sender == orders || msg.sender == pool || msg.sender == insuranceFund,
            IClearingHouse.OnlySatellite(msg.sender)
        );
    }

    // ---------------------------------------------------------------- operators

    function _authorized(AccountId account, address caller) private view returns (bool) {
        if (caller == account.owner()) return true;
        OperatorGrant grant = _books.operators[account][caller];
        return grant.rights() != 0 && block.timestamp <= grant.until();
    }

    // ---------------------------------------------------------------- deposit and withdraw

    function credit(AccountId account, address caller, uint256 token, uint256 amount) external only(vault) {
        _add(account, caller, token, amount);
        emit IClearingHouse.Credited(account, token, amount);
    }

    function debit(AccountId account, address caller, uint256 token, uint256 amount) external only(vault) {
        _authorize(account, caller, RIGHT_WITHDRAW, 0);
        Flow memory flow;
        _takeOut(account, token, amount, flow);
        _books.flush(flow);
        emit IClearingHouse.Debited(account, token, amount);
    }

    function transfer(AccountId from, AccountId to, uint256 token, uint256 amount) external locking {
        _authorize(from, msg.sender, RIGHT_TRANSFER, 0);
        require(from.owner() == to.owner() && from != to, IClearingHouse.NotOwnSubAccounts(from, to));
        Flow memory flow;
        _takeOut(from, token, amount, flow);
        _books.flush(flow);
        _add(to, to.owner(), token, amount);
        emit IClearingHouse.Transferred(from, to, token, amount);
    }

    function _add(AccountId account, address caller, uint256 token, uint256 amount) private {
        require(amount != 0, IClearingHouse.ZeroAmount());
        if (token == SETTLEMENT) {
            Flow memory flow;
            _books.pay(flow, account, amount.toInt256());
            _books.flush(flow);
            return;
        }
        require(token < _books.tokens, IClearingHouse.UnknownCollateral(token));
        AccountState memory state = _books.stateOf(account);
        if (state.collaterals & (1 << token) == 0) {
            // A kind of collateral that others may add is a way to fill up someone's account.
            require(_authorized(account, caller), IClearingHouse.NotAuthorized(account, caller, RIGHT_TRADE));
            state.collaterals |= 1 << token;
            Books.requireFewAssets(_books.assetsOf(state));
            Flow memory flow;
            _books.store(account, state, flow);
            _books.flush(flow);
        }
        // The risk formula relies on the width.
        _books.collateral[account][token] = (_books.collateral[account][token] + amount).toUint112();
    }

    // ---------------------------------------------------------------- orders

    function openOrder(
        AccountId account,
        address caller,
        Leg[] calldata legs,
        uint256 pay,
        bool reduceOnly
    ) external only(orders) returns (uint256 sequence, uint256 charge) {
        charge = _cancelCharge(legs, reduceOnly);
        _authorize(account, caller, RIGHT_TRADE, pay + charge);
        require(reduceOnly || !_books.paused, IClearingHouse.IncreaseRefused(account, 0, 3));
        AccountState memory state = _books.stateOf(account);
        require(
            !state.exclusive && (reduceOnly || !state.raising),
            IClearingHouse.OrderPending(account, state.pending)
        );
        sequence = state.sequence++;
        state.pending++;
        if (!reduceOnly) state.raising = true;

        Flow memory flow;
        if (state.cash < (pay + charge).toInt256() && reduceOnly) {
            require(state.pending == 1, IClearingHouse.OrderPending(account, state.pending - 1));
            charge = 0;
            state.exclusive = true;
        }
        bool covered = state.cash >= (pay + charge).toInt256();
        state.cash = Books.moveCash(flow, state.cash, -(pay + charge).toInt256());
        _books.store(account, state, flow);
        _books.putInEscrow(account, pay + charge, state.pending == 1);
        if (!covered) {
            if (!reduceOnly) _books.requireLiquidity(flow);
            _books.flush(flow);
            if (reduceOnly) _requireMaintenance(account, state);
            else _requireInitial(account, state);
        }
    }

    function reserveSequence(
        AccountId account,
        address caller,
        Leg[] calldata legs,
        uint256 pay
    ) external only(orders) returns (uint256 sequence) {
        // Its poke acts as the owner: what the order will cost counts now.
        _authorize(account, caller, RIGHT_TRADE, pay + _cancelCharge(legs, true));
        AccountState memory state = _books.stateOf(account);
        sequence = state.sequence++;
        Flow memory flow;
        _books.store(account, state, flow);
        _books.flush(flow);
    }

    function payKeeper(AccountId from, AccountId to, uint256 amount) external only(orders) {
        Flow memory flow;
        _books.pay(flow, from, -amount.toInt256());
        _books.pay(flow, to, amount.toInt256());
        _books.flush(flow);
        emit IClearingHouse.KeeperPaid(from, to, amount);
    }

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

    function closeOrder(Closing calldata closing) external only(orders) {
        AccountState memory state = _books.stateOf(closing.account);
        Flow memory flow;
        _release(closing, state, flow);
        flow.base += closing.forfeited.toInt256();
        _finish(closing, state, flow);
    }

    function _release(Closing calldata closing, AccountState memory state, Flow memory flow) private {
        state.pending--;
        _books.takeFromEscrow(closing.account, closing.released + closing.pay + closing.forfeited, state.pending == 0);
        if (!closing.reduceOnly) state.raising = false;
        if (state.pending == 0) state.exclusive = false;
        state.cash = Books.moveCash(flow, state.cash, closing.released.toInt256());
    }

    function _finish(Closing calldata closing, AccountState memory state, Flow memory flow) private {
        _books.store(closing.account, state, flow);
        // After the account is stored: it may be paid itself.
        _books.pay(flow, closing.payTo, closing.pay.toInt256());
        _books.flush(flow);
        emit IClearingHouse.OrderClosed(
            closing.account,
            closing.payTo,
            closing.released,
            closing.pay,
            closing.forfeited
        );
    }

    /// @notice Taker fee on the notional of all legs, rounded up to ESCROW_UNIT.
    function _cancelCharge(Leg[] calldata legs, bool reduceOnly) private view returns (uint256 charge) {
        for (uint256 i = 0; i < legs.length; ++i) {
            Leg calldata leg = legs[i];
            require(leg.delta != 0, IClearingHouse.ZeroSize(leg.asset));
            (, SizeParameters sizes, TradeParameters trade) = _marketParameters(leg.asset);
            require(reduceOnly || sizes.status() == MarketStatus.Active, IClearingHouse.MarketIsReduceOnly(leg.asset));
            charge += Fixed.mulDivUp(SignedMath.abs(leg.delta) * leg.price, trade.takerFee(), PPM * WAD);
        }
        return Fixed.divUp(charge, ESCROW_UNIT) * ESCROW_UNIT;
    }

    function _marketParameters(
        uint256 asset
    ) private view returns (RiskParameters risk, SizeParameters sizes, TradeParameters trade) {
        require(asset < _books.assets, IClearingHouse.UnknownMarket(asset));
        (risk, sizes, trade) = _books.table.asset(asset);
        require(sizes.status() != MarketStatus.None, IClearingHouse.UnknownMarket(asset));
    }

    function _requireMaintenance(AccountId account, AccountState memory state) private {
        (Terms memory terms, GlobalParameters globals_) = _assess(account, state);
        uint256 requirement = terms.maintenance(globals_);
        require(
            terms.equity > int256(requirement),
            IClearingHouse.InsufficientMargin(account, terms.equity, requirement, terms.shortfall())
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
            require(legs[i].delta != 0, IClearingHouse.ZeroSize(asset));
            require(legAssets & (1 << asset) == 0, IClearingHouse.DuplicateLeg(asset));
            legAssets |= 1 << asset;
        }
        uint256 held = _books.assetsOf(state);
        if (held | legAssets != held) Books.requireFewAssets(held | legAssets);
        (Exposure[] memory exposures, Conditions conditions) = _load(account, state, legAssets, true);
        _books.foldClosed(account, state, flow, exposures);
        GroupParameters groups_;
        (globals_, groups_) = _books.table.globals();
        Before memory before = Before({
            cash: state.cash,
            sizes: new int256[](legs.length),
            quotes: new int256[](legs.length)
        });

        results = new FillResult[](legs.length);
        uint256 fees = 0;
        bool widened = false;
        for (uint256 i = 0; i < legs.length; ++i) {
            Exposure memory e = Books.find(exposures, legs[i].asset);
            (before.sizes[i], before.quotes[i]) = (e.size, e.quote);
            results[i] = _fillLeg(account, state, flow, e, legs[i], reduceOnly, globals_);
            fees += results[i].fee;
            widened = widened || _widens(before.sizes[i], e.size);
        }
        Fills.splitFees(flow, fees, globals_);
        if (widened && state.cash < SignedMath.min(before.cash, 0)) _books.requireLiquidity(flow);

        terms = Risk.assess(exposures, state.cash, groups_, block.timestamp, true);
        bool initial = terms.meetsInitial(globals_);
        (uint256 blocked, uint256 reason) = _obstacle(exposures, conditions, legAssets);
        if (!initial || reason != 0) {
            _requireReduction(account, exposures, before, results, globals_, groups_, terms, blocked, reason);
        }
    }

    function _widens(int256 before, int256 size) private pure returns (bool) {
        return
            size != 0 && (before == 0 || (before < 0) != (size < 0) || SignedMath.abs(size) > SignedMath.abs(before));
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
        require(status != MarketStatus.None, IClearingHouse.UnknownMarket(leg.asset));
        require(status != MarketStatus.Closed, IClearingHouse.MarketIsReduceOnly(leg.asset));
        if (e.size == 0) _books.accrue(e);
        int256 sizeBefore = e.size;
        int256 delta = leg.delta;
        bool opposite = sizeBefore != 0 && (sizeBefore < 0) != (delta < 0);
        if (reduceOnly) {
            require(opposite, IClearingHouse.NothingToReduce(account, leg.asset, sizeBefore, delta));
            if (SignedMath.abs(delta) > SignedMath.abs(sizeBefore)) delta = -sizeBefore;
        }
        result = Fills.fill(_books, flow, account, state, e, delta, leg.price);
        require(
            status == MarketStatus.Active || (opposite && SignedMath.abs(delta) <= SignedMath.abs(sizeBefore)),
            IClearingHouse.MarketIsReduceOnly(leg.asset)
        );
        Fills.requireViable(e, leg.price, _books.table.money());
        Fills.requireWithinCaps(_books, e, sizeBefore, leg.price, globals_);
    }

    /// @dev What stands against raising the requirement: an asset (0 if none) and the reason of `IncreaseRefused`.
    function _obstacle(
        Exposure[] memory exposures,
        Conditions conditions,
        uint256 legAssets
    ) private view returns (uint256 asset, uint256 reason) {
        if (!conditions.sequencerSettled()) return (0, 1);
        if (!conditions.pegHeld()) return (0, 2);
        if (_books.paused) return (0, 3);
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
            require(reason == 0, IClearingHouse.IncreaseRefused(account, blocked, reason));
            _requireMeetsInitial(account, terms, globals_);
        }
        if (terms.meetsInitial(globals_)) return;
        int256 loss = start.equity - terms.equity;
        require(
            loss <= int256(charge) &&
                loss <= int256(maintenance0 - maintenance1) &&
                terms.equity >= SignedMath.min(start.equity, 0),
            IClearingHouse.ReductionRefused(start.equity, terms.equity, maintenance0, maintenance1)
        );
    }

    function simulate(AccountId account, Leg[] calldata legs, bool reduceOnly) external settled {
        AccountState memory state = _books.stateOf(account);
        Flow memory flow;
        (FillResult[] memory fills, Terms memory terms, GlobalParameters globals_) = _trade(
            account,
            state,
            flow,
            legs,
            reduceOnly
        );
        revert IClearingHouse.Simulated(fills, state.cash, terms, terms.initial(), terms.maintenance(globals_));
    }

    // ---------------------------------------------------------------- liquidation

    function liquidate(
        AccountId account,
        Reduction[] calldata reductions,
        Sale[] calldata sales,
        AccountId liquidator
    ) external locking returns (LiquidationResult memory) {
        _authorize(liquidator, msg.sender, RIGHT_TRADE, 0);
        return _liquidate(account, reductions, sales, liquidator);
    }
}
