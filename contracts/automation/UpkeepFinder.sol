// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IClearingHouse, PoolValuation, Reduction, Sale} from "../interfaces/IClearingHouse.sol";
import {AccountView, Health, ILens, LiquidationPlan, Standing} from "../interfaces/ILens.sol";
import {ILiquidityPool} from "../interfaces/ILiquidityPool.sol";
import {IOrders, LegView, OrderView, TriggerView} from "../interfaces/IOrders.sol";
import {RoundHint} from "../interfaces/IOracle.sol";
import {MAX_TOKENS} from "../interfaces/IVault.sol";
import {PPM, WAD} from "../libraries/Fixed.sol";
import {ChainlinkPush} from "../oracles/ChainlinkPush.sol";
import {FeedLimits, IPriceOracle, Proposal} from "../oracles/IPriceOracle.sol";
import {AccountId} from "../types/AccountId.sol";
import {AccountState} from "../types/AccountState.sol";
import {MarketStatus, SizeParameters} from "../types/AssetParameters.sol";
import {Conditions} from "../types/Conditions.sol";
import {FeedRound, PHASE_OFFSET} from "../types/FeedRound.sol";
import {FeedKind, FeedSource} from "../types/FeedSource.sol";
import {CollateralParameters, GlobalParameters, MoneyParameters} from "../types/GlobalParameters.sol";
import {MarketWatch} from "../types/MarketWatch.sol";
import {Price, Refusal} from "../types/Price.sol";
import {IAccountRegister} from "./IAccountRegister.sol";
import {Check, Duty} from "./IKeeperUpkeep.sol";
import {IUpkeepFinder} from "./IUpkeepFinder.sol";
import {Finding, SettlementRounds} from "./SettlementRounds.sol";
import {BARGAIN_AGE, Step, Steps, Verb} from "./Step.sol";

/// @title UpkeepFinder
contract UpkeepFinder is IUpkeepFinder {
    using ChainlinkPush for FeedSource;

    /// @dev Candidates of a check at most.
    uint256 private constant MAX_FOUND = 32;
    /// @dev Sequence numbers looked at to find the pending orders of an account, from the latest backwards; and orders found.
    uint256 private constant WALK = 48;
    uint256 private constant MAX_ORDERS = 8;
    /// @dev Entries that need no watching any more are taken out so many at a time, or a whole page: who makes them come and go
    /// pays for more than it costs.
    uint256 private constant FORGET_BATCH = 8;
    /// @dev Rounds that a walk along a jump may have.
    uint256 private constant MAX_WALK = 24;

    /// @dev As `Orders` has it.
    uint256 private constant ABANDONED_AFTER = 8 days;
    /// @dev As `PriceOracleExtension` has them.
    uint256 private constant HALT_TIME = 10 minutes;
    uint256 private constant HALT_ROUNDS = 2;
    /// @dev As `Waterfall` has them.
    uint256 private constant SEIZURE_DELAY = 10 minutes;
    uint256 private constant CONVERSION_DISCOUNT = 5_000;
    /// @dev As `Deleveraging` has them.
    uint256 private constant FLAG_PATIENCE = 1 days;
    uint256 private constant CLOSING_PATIENCE = 7 days;

    /// @dev What a loss that is not realised must come to, WAD: less earns less interest than the call costs.
    uint256 private constant REALISE_ABOVE = 1_000 * WAD;

    /// @dev A stored price older than this is replaced even if nothing else needs it. The peg guard reads anew after 15
    /// minutes, keeper pay after an hour: whoever trades then pays for the reading. Nobody is liquidated by a stored price.
    uint256 private constant REFRESH_AGE = 1 hours;
    /// @dev A source in shadow must be watched every two hours.
    uint256 private constant WATCH_AGE = 1 hours;

    ILens private immutable _lens;
    IClearingHouse private immutable _clearingHouse;
    IOrders private immutable _orders;
    ILiquidityPool private immutable _pool;
    IPriceOracle private immutable _oracle;

    /// @dev What has been found, and where it is stopped.
    struct Found {
        Step[] steps;
        uint256 count;
        uint256 reserve;
        AccountId buyer;
    }

    /// @dev The entries of a page: `index` of 0 to `count` − 1.
    struct Page {
        uint256 shard;
        uint256 shards;
        uint256 entries;
        uint256 start;
        uint256 count;
    }

    constructor(ILens lens) {
        _lens = lens;
        _clearingHouse = lens.clearingHouse();
        _orders = IOrders(_clearingHouse.orders());
        _pool = ILiquidityPool(_clearingHouse.pool());
        _oracle = IPriceOracle(address(_clearingHouse.oracle()));
    }

    /// @inheritdoc IUpkeepFinder
    function find(
        Check calldata check,
        IAccountRegister register,
        uint256 reserve
    ) external view returns (Step[] memory steps) {
        (Conditions conditions, ) = _oracle.peek(0, false);
        Found memory found;
        // Nothing may be executed, nor liquidated, and no price is taken, while the sequencer is down.
        if (!conditions.sequencerUp()) return found.steps;
        found.steps = new Step[](MAX_FOUND);
        found.reserve = reserve;
        found.buyer = AccountId.wrap(bytes32(uint256(uint160(msg.sender)) << 96));
        if (check.duty == Duty.Prices) _findPrices(found, check);
        else if (check.duty == Duty.Protocol) _findProtocol(found, check);
        else _findAccounts(found, check, register, conditions);
        steps = found.steps;
        uint256 count = found.count;
        assembly ("memory-safe") {
            // Fewer than there is room for.
            mstore(steps, count)
        }
    }

    // ---------------------------------------------------------------- pages

    function _pageOf(Check calldata check, uint256 total) private view returns (Page memory page) {
        (page.shard, page.shards) = (check.shard, check.shards);
        if (total <= check.shard) return page;
        uint256 entries = Math.ceilDiv(total - check.shard, check.shards);
        uint256 pages = Math.ceilDiv(entries, check.page);
        uint256 turn = block.timestamp / check.period;
        page.entries = entries;
        page.count = Math.min(check.page, entries);
        page.start = ((turn % pages) * check.page + turn / pages) % entries;
    }

    function _index(Page memory page, uint256 place) private pure returns (uint256) {
        return page.shard + ((page.start + place) % page.entries) * page.shards;
    }

    function _isFull(Found memory found) private view returns (bool) {
        return found.count == MAX_FOUND || gasleft() < found.reserve;
    }

    function _add(
        Found memory found,
        Verb verb,
        AccountId account,
        uint256 number,
        uint256[] memory words
    ) private pure {
        if (found.count == MAX_FOUND) return;
        found.steps[found.count++] = Step({verb: verb, account: account, number: number, words: words});
    }

    function _add(Found memory found, Verb verb, AccountId account) private pure {
        _add(found, verb, account, 0, new uint256[](0));
    }

    function _add(Found memory found, Verb verb, uint256 number) private pure {
        _add(found, verb, AccountId.wrap(0), number, new uint256[](0));
    }

    // ---------------------------------------------------------------- prices

    function _findPrices(Found memory found, Check calldata check) private view {
        Page memory page = _pageOf(check, _oracle.assetCount());
        uint256 updates = 0;
        for (uint256 i = 0; i < page.count && !_isFull(found); ++i) {
            uint256 asset = _index(page, i);
            if (_findPrice(found, asset)) updates |= 1 << asset;
            Proposal memory proposal = _oracle.proposalOf(asset);
            if (proposal.proxy != address(0) && block.timestamp >= proposal.watchedAt + WATCH_AGE) {
                _add(found, Verb.WatchSource, asset);
            }
        }
        if (updates != 0) _add(found, Verb.Update, updates);
    }

    /// @dev What the oracle has stored of an asset, and its feed.
    struct Feed {
        uint256 price;
        uint256 round;
        uint256 updatedAt;
        uint256 checkedAt;
        bool halted;
        FeedLimits limits;
        FeedSource source;
        FeedRound latest;
    }

    function _feedOf(uint256 asset) private view returns (Feed memory feed) {
        (feed.price, feed.round, feed.updatedAt, feed.checkedAt, , feed.halted) = _oracle.stateOf(asset);
        (FeedKind kind, , , , ) = _oracle.sourceOf(asset);
        address proxy;
        uint256 decimals;
        (proxy, decimals, feed.limits) = _oracle.feedOf(asset);
        feed.source = SettlementRounds.sourceAt(proxy, decimals, 0, kind);
        feed.latest = feed.source.latest();
    }

    /// @return Whether `update` should be called for the asset.
    function _findPrice(Found memory found, uint256 asset) private view returns (bool) {
        Feed memory feed = _feedOf(asset);
        if (!feed.latest.exists()) return false;
        bool isNewer = feed.latest.id() > feed.round && feed.latest.updatedAt() >= feed.updatedAt;
        bool isBack = _isNear(feed.latest.answer(), feed.price, feed.limits.jump);
        if (feed.halted) {
            if (isBack) return isNewer || feed.latest.id() == feed.round;
            (, , , , uint256 vetoedUntil) = _oracle.haltOf(asset);
            if (block.timestamp >= vetoedUntil && _findWalk(found, asset, feed)) return false;
            return isNewer && _endsHalt(asset, feed);
        }
        (, Price[] memory prices) = _oracle.peek(1 << asset, false);
        Refusal refusal = prices[0].refusal();
        // A jump is recorded unless steps explain it.
        if (refusal == Refusal.Jump) return !_findWalk(found, asset, feed);
        if (refusal != Refusal.None || !isNewer) return false;
        // Half way to a jump: a stored price that stays behind makes one out of two small moves. So would `update`, if the second
        // comes before it: the round is named, where there are rounds.
        bool isHalfWay = !_isNear(feed.latest.answer(), feed.price, feed.limits.jump / 2);
        return isHalfWay ? !_findWalk(found, asset, feed) : block.timestamp >= feed.checkedAt + REFRESH_AGE;
    }

    /// @dev Whether a halted price that has not come back may be accepted, or its recorded round replaced.
    function _endsHalt(uint256 asset, Feed memory feed) private view returns (bool) {
        (uint256 candidate, uint256 round, uint256 since, , uint256 vetoedUntil) = _oracle.haltOf(asset);
        if (feed.latest.id() == round) return false;
        bool samePhase = feed.latest.phase() == round >> PHASE_OFFSET;
        if (!samePhase || !_isNear(feed.latest.answer(), candidate, feed.limits.jump)) return true;
        return
            block.timestamp >= since + HALT_TIME &&
            block.timestamp >= vetoedUntil &&
            feed.latest.id() >= round + HALT_ROUNDS;
    }

    /// @dev Rounds by which the stored price has walked to the latest: every one that is near the one before it.
    function _findWalk(Found memory found, uint256 asset, Feed memory feed) private view returns (bool) {
        uint256 last = feed.latest.id();
        if (feed.source.kind() == FeedKind.Derived || feed.latest.phase() != feed.round >> PHASE_OFFSET) return false;
        if (last <= feed.round || last - feed.round > MAX_WALK) return false;
        uint256[] memory rounds = new uint256[](last - feed.round);
        uint256 count = 0;
        uint256 price = feed.price;
        for (uint256 id = feed.round + 1; id <= last; ++id) {
            uint256 answer = feed.source.roundAt(id).answer();
            if (!_isNear(answer, price, feed.limits.jump)) continue;
            price = answer;
            rounds[count++] = id;
        }
        if (!_isNear(feed.latest.answer(), price, feed.limits.jump)) return false;
        assembly ("memory-safe") {
            mstore(rounds, count)
        }
        _add(found, Verb.Advance, AccountId.wrap(0), asset, rounds);
        return true;
    }

    /// @dev |price − base| ≤ base · jump, as the oracle has it. @param jump 1e-6.
    function _isNear(uint256 price, uint256 base, uint256 jump) private pure returns (bool) {
        uint256 distance = price > base ? price - base : base - price;
        return distance * PPM <= base * jump;
    }

    // ---------------------------------------------------------------- accounts

    function _findAccounts(
        Found memory found,
        Check calldata check,
        IAccountRegister register,
        Conditions conditions
    ) private view {
        Page memory page = _pageOf(check, register.accountCount());
        AccountId[FORGET_BATCH] memory idle;
        uint256 idleCount = 0;
        for (uint256 i = 0; i < page.count && !_isFull(found); ++i) {
            AccountId account = register.accountAt(_index(page, i));
            if (check.duty == Duty.Orders) {
                _findOrders(found, account, conditions);
                _findTriggers(found, account, register);
            } else if (register.isWorthWatching(account)) {
                _findStanding(found, account);
            } else if (idleCount < FORGET_BATCH) {
                idle[idleCount++] = account;
            }
        }
        if (idleCount < Math.min(FORGET_BATCH, page.count)) return;
        for (uint256 i = 0; i < idleCount; ++i) _add(found, Verb.Forget, idle[i]);
    }

    function _findStanding(Found memory found, AccountId account) private view {
        AccountId[] memory ids = new AccountId[](1);
        ids[0] = account;
        Standing memory standing;
        try _lens.health(ids) returns (Health[] memory health) {
            standing = health[0].standing;
        } catch {
            return; // an account that cannot be read must not hide the others
        }
        AccountState memory state = _clearingHouse.accountOf(account);
        if (standing.liquidatable) _findLiquidation(found, account, state);
        if (standing.owing) _add(found, Verb.SettleDeficit, account);
        uint256 since = _clearingHouse.insolventSince(account);
        if (since == 0) {
            if (standing.insolvent) _add(found, Verb.FlagInsolvent, account);
        } else if (!standing.insolvent) {
            // What only owes is settled, which clears it.
            if (!standing.owing) _add(found, Verb.ClearInsolvency, account);
        } else if (state.positions == 0 && state.collaterals != 0 && block.timestamp >= since + SEIZURE_DELAY) {
            _add(found, Verb.Seize, account);
        }
        // A liquidation sells collateral, too.
        if (standing.liquidatable) return;
        if (standing.convertible) _findConversion(found, account, state);
        if (state.positions != 0 && state.collaterals != 0) _findHiddenLoss(found, account);
    }

    /// @dev A loss that cash does not cover pays no interest while it is not realised.
    function _findHiddenLoss(Found memory found, AccountId account) private view {
        try _lens.account(account) returns (AccountView memory view_) {
            if (view_.unrealised < 0 && Math.min(view_.owed, uint256(-view_.unrealised)) >= REALISE_ABOVE) {
                _add(found, Verb.Realise, account);
            }
        } catch {}
    }

    /// @dev One leg where there is but one; else the same share of everything, without the sales where there is not the
    /// cash for them.
    function _findLiquidation(Found memory found, AccountId account, AccountState memory state) private view {
        if (state.collaterals == 0 && state.positions & (state.positions - 1) == 0) {
            try _lens.leastReduction(account, Math.log2(state.positions)) returns (LiquidationPlan memory plan) {
                if (_addLiquidation(found, account, plan.reductions, plan.sales)) return;
            } catch {}
        }
        try _lens.leastSlice(account) returns (LiquidationPlan memory plan) {
            _addLiquidation(found, account, plan.reductions, plan.sales);
            if (plan.sales.length != 0) _addLiquidation(found, account, plan.reductions, new Sale[](0));
        } catch {}
    }

    function _addLiquidation(
        Found memory found,
        AccountId account,
        Reduction[] memory reductions,
        Sale[] memory sales
    ) private pure returns (bool) {
        uint256 count = reductions.length;
        uint256[] memory words = new uint256[](count + sales.length);
        if (words.length == 0) return false;
        for (uint256 i = 0; i < count; ++i) words[i] = Steps.fromReduction(reductions[i]);
        for (uint256 i = 0; i < sales.length; ++i) words[count + i] = Steps.fromSale(sales[i]);
        _add(found, Verb.Liquidate, account, count, words);
        return true;
    }

    /// @notice Value to sell so that the shortfall comes down to λ_I, of the token that the account has most of:
    /// v = (h − λ_I·Σ k·P) / (1 − d − λ_I), in lots rounded down; no more than the buyer can pay.
    function _findConversion(Found memory found, AccountId account, AccountState memory state) private view {
        uint256 owed;
        uint256 worth;
        try _lens.account(account) returns (AccountView memory view_) {
            (owed, worth) = (view_.owed, view_.collateralValue);
        } catch {
            return;
        }
        (uint256 token, uint256 price) = _mostOf(account, state.collaterals);
        if (price == 0) return;
        (GlobalParameters globals, , ) = _clearingHouse.globals();
        CollateralParameters parameters = _clearingHouse.collateralParametersOf(token);
        uint256 share = globals.shortfallInitial();
        uint256 kept = Math.min(parameters.saleDiscount(), CONVERSION_DISCOUNT) + share;
        uint256 limit = Math.mulDiv(worth, share, PPM);
        if (owed <= limit || kept >= PPM) return;
        uint256 value = Math.mulDiv(owed - limit, PPM, PPM - kept);
        int256 cash = _clearingHouse.accountOf(found.buyer).cash;
        value = Math.min(value, cash > 0 ? uint256(cash) : 0);
        uint256 amount = Math.min(Math.mulDiv(value, WAD, price), _clearingHouse.collateralOf(account, token));
        amount -= amount % parameters.saleLot();
        if (amount == 0) return;
        uint256[] memory words = new uint256[](1);
        words[0] = Steps.fromSale(Sale({token: token, amount: amount}));
        _add(found, Verb.Convert, account, 0, words);
    }

    /// @dev The token that is worth most of those that may be sold, and its price; 0 without one.
    function _mostOf(AccountId account, uint256 tokens) private view returns (uint256 most, uint256 price) {
        uint256 highest = 0;
        for (uint256 token = 0; token < MAX_TOKENS; ++token) {
            if ((tokens >> token) & 1 == 0) continue;
            (, Price[] memory prices) = _oracle.peek(1 << _clearingHouse.collateralParametersOf(token).asset(), false);
            if (!prices[0].liquidatable()) continue;
            uint256 value = Math.mulDiv(_clearingHouse.collateralOf(account, token), prices[0].last(), WAD);
            if (value > highest) (highest, most, price) = (value, token, prices[0].last());
        }
    }

    // ---------------------------------------------------------------- orders

    function _findOrders(Found memory found, AccountId account, Conditions conditions) private view {
        AccountState memory state = _clearingHouse.accountOf(account);
        uint256[MAX_ORDERS] memory pending;
        uint256 count = 0;
        uint256 least = state.sequence > WALK ? state.sequence - WALK : 0;
        for (uint256 i = state.sequence; i > least && count < Math.min(state.pending, MAX_ORDERS); --i) {
            if (_orders.isPending(account, i - 1)) pending[count++] = i - 1;
        }
        // In the order of submission: an account's own orders may depend on each other.
        while (count != 0 && !_isFull(found)) _findOrder(found, account, pending[--count], conditions.upSince());
    }

    function _findOrder(Found memory found, AccountId account, uint256 sequence, uint256 upSince) private view {
        OrderView memory order = _orders.orderOf(account, sequence);
        if (block.timestamp >= order.boundary + ABANDONED_AFTER) {
            _add(found, Verb.Abandon, account, sequence, new uint256[](0));
            return;
        }
        if (block.timestamp <= order.boundary) return;
        // Submitted before the sequencer came up last: refunded, whatever the rounds.
        if (order.submittedAt < upSince) {
            _add(found, Verb.Execute, account, sequence, new uint256[](0));
            return;
        }
        LegView[] memory legs = new LegView[](1);
        if (order.legs == 0) (legs[0].asset, legs[0].phase) = (order.asset, order.phase);
        else (, legs) = _orders.basketOf(account, sequence);
        uint256[] memory words = new uint256[](legs.length);
        for (uint256 i = 0; i < legs.length; ++i) {
            (Finding finding, RoundHint memory hint) = SettlementRounds.find({
                oracle: _oracle,
                asset: legs[i].asset,
                phase: legs[i].phase,
                boundary: order.boundary
            });
            if (finding == Finding.Waiting) return;
            words[i] = Steps.fromHint(hint);
            // The first leg without a round decides alone; those after it are not read.
            if (finding == Finding.Void) break;
        }
        _add(found, Verb.Execute, account, sequence, words);
    }

    function _findTriggers(Found memory found, AccountId account, IAccountRegister register) private view {
        uint256[] memory sequences = register.triggersOf(account);
        for (uint256 i = 0; i < sequences.length; ++i) {
            try _orders.triggerOf(account, sequences[i]) returns (TriggerView memory trigger) {
                (, Price[] memory prices) = _oracle.peek(1 << trigger.asset, false);
                uint256 price = prices[0].last();
                bool fires = trigger.above ? price >= trigger.triggerPrice : price <= trigger.triggerPrice;
                if (!fires || !prices[0].live()) continue;
                _add(found, Verb.Poke, account, sequences[i], new uint256[](0));
            } catch {}
        }
    }

    // ---------------------------------------------------------------- protocol

    function _findProtocol(Found memory found, Check calldata check) private view {
        (uint256 assets, uint256 tokens) = _clearingHouse.listed();
        if (check.shard == 0) {
            _findPool(found);
            for (uint256 token = 0; token < tokens; ++token) _findSeized(found, token);
        }
        Page memory page = _pageOf(check, assets);
        for (uint256 i = 0; i < page.count && !_isFull(found); ++i) _findMarket(found, _index(page, i));
    }

    function _findPool(Found memory found) private view {
        (GlobalParameters globals, , MoneyParameters money) = _clearingHouse.globals();
        (, , , , , uint256 markTime) = _clearingHouse.balances();
        // Half of its life, so that a failure leaves time for more tries.
        if (block.timestamp >= markTime + globals.markMaxAge() / 2) _add(found, Verb.MarkPool, 0);
        PoolValuation memory pool = _clearingHouse.poolValuation();
        if (!pool.live) return;
        if (pool.equity < 0) _add(found, Verb.CutProfits, 0);
        if (pool.blocked) return;

        (uint256 latest, uint256 deposits, uint256 redemptions) = _pool.queue();
        uint256 matured = redemptions;
        while (matured < latest && block.timestamp >= _pool.batchOf(matured + 1).maturesAt) ++matured;
        // Where only redemptions wait, for enough that it is worth paying them in part.
        bool worth = matured > deposits || pool.redeemable >= money.minNotional();
        if (matured > redemptions && worth) _add(found, Verb.Fulfill, matured);
    }

    function _findSeized(Found memory found, uint256 token) private view {
        (uint256 amount, uint256 owed, uint256 since) = _clearingHouse.seizedOf(token);
        if (amount == 0 && owed == 0) return;
        (, Price[] memory prices) = _oracle.peek(1 << _clearingHouse.collateralParametersOf(token).asset(), false);
        if (prices[0].dead()) {
            if (owed != 0) _add(found, Verb.WriteOff, token);
            return;
        }
        if (!prices[0].liquidatable() || block.timestamp < since + BARGAIN_AGE) return;
        int256 cash = _clearingHouse.accountOf(found.buyer).cash;
        // The discount is left for what the settlement token is off its peg.
        uint256 bought = Math.min(amount, cash > 0 ? Math.mulDiv(uint256(cash), WAD, prices[0].last()) : 0);
        if (bought == 0) return;
        uint256[] memory words = new uint256[](1);
        words[0] = Steps.fromSale(Sale({token: token, amount: bought}));
        _add(found, Verb.BuySeized, AccountId.wrap(0), 0, words);
    }

    function _findMarket(Found memory found, uint256 asset) private view {
        (, SizeParameters sizes, ) = _clearingHouse.parametersOf(asset);
        MarketStatus status = sizes.status();
        if (status == MarketStatus.None || status == MarketStatus.Closed) return;
        MarketWatch watch = _clearingHouse.watchOf(asset);
        if (status == MarketStatus.Closing) {
            if (block.timestamp > watch.closesAt() + CLOSING_PATIENCE) {
                _add(found, Verb.CloseMarket, AccountId.wrap(0), asset, new uint256[](1));
            } else if (block.timestamp > watch.closesAt()) {
                _addSettled(found, Verb.CloseMarket, asset, watch.phase(), watch.closesAt());
            }
        } else if (watch.flaggedAt() == 0) {
            // Whether a trigger holds is found out by trying.
            _add(found, Verb.FlagDeleveraging, asset);
        } else if (block.timestamp > watch.flaggedAt() + FLAG_PATIENCE) {
            _add(found, Verb.Deleverage, AccountId.wrap(0), asset, new uint256[](1));
        } else {
            _addSettled(found, Verb.Deleverage, asset, watch.phase(), watch.flaggedAt());
        }
    }

    function _addSettled(Found memory found, Verb verb, uint256 asset, uint256 phase, uint256 boundary) private view {
        (Finding finding, RoundHint memory hint) = SettlementRounds.find({
            oracle: _oracle,
            asset: asset,
            phase: phase,
            boundary: boundary
        });
        if (finding == Finding.Waiting) return;
        uint256[] memory words = new uint256[](1);
        words[0] = Steps.fromHint(hint);
        _add(found, verb, AccountId.wrap(0), asset, words);
    }
}
