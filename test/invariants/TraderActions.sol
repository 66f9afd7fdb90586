// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {SETTLEMENT} from "../../contracts/interfaces/IClearingHouse.sol";
import {RoundHint} from "../../contracts/interfaces/IOracle.sol";
import {
    Cause,
    Execution,
    LegInput,
    LegView,
    OrderInput,
    OrderView,
    Outcome,
    TriggerInput
} from "../../contracts/interfaces/IOrders.sol";
import {Terms} from "../../contracts/libraries/Risk.sol";
import {AccountState} from "../../contracts/types/AccountState.sol";
import {MarketStatus, SizeParameters, TradeParameters} from "../../contracts/types/AssetParameters.sol";
import {BTC, ETH, MARKETS, SOL, TOKENS, unitOf, WETH_TOKEN} from "./Protocol.sol";
import {Settlement} from "./Settlement.sol";
import {vm} from "./Vm.sol";

/// @notice What owners of accounts do, and what keepers do for them.
abstract contract TraderActions is Settlement {
    /// @dev An account before an action of its owner.
    struct Before {
        Terms terms; // at the worse ends
        uint256 requirement; // maintenance
        int256 returned; // escrow that comes back to its cash
        uint256 charge; // close-out charge of what is closed
    }

    // ---------------------------------------------------------------- collateral

    function deposit(uint256 seed) external action("@deposit") {
        _refresh();
        uint256 account = _draw(seed, 1, 0, TRADING - 1);
        uint256 token = _draw(seed, 2, 0, TOKENS);
        uint256 value = _draw(seed, 3, 1e18, 60_000e18);
        if (token == TOKENS) _endow(account, value);
        else _fund(account, token, token == WETH_TOKEN ? value / 1_800 : value / 29_000);
        _done();
    }

    function withdraw(uint256 seed) external action("@withdraw") {
        _refresh();
        uint256 account = _draw(seed, 1, 0, TRADING - 1);
        uint256 token = _heldToken(account, seed);
        _endPending(account, seed);
        uint256 amount = _takeable(account, token, seed);
        if (amount < unitOf(token)) return;
        uint256 units = amount / unitOf(token);
        address owner = accounts[account].owner();
        (bool ok, ) = _as(
            account,
            address(p.vault),
            abi.encodeCall(p.vault.withdraw, (accounts[account], token, units, owner))
        );
        if (ok) {
            if (token == SETTLEMENT) netDeposits -= units * unitOf(token);
            _checkInitial(account, "withdraw");
        }
        _count("withdraw", ok);
    }

    function transfer(uint256 seed) external action("@transfer") {
        _refresh();
        uint256 from = _draw(seed, 1, 0, 1);
        uint256 to = from + 4;
        if (_random(seed, 2) % 2 == 0) (from, to) = (to, from);
        uint256 token = _heldToken(from, seed);
        _endPending(from, seed);
        uint256 amount = _takeable(from, token, seed);
        if (amount == 0) return;
        (bool ok, ) = _as(
            from,
            address(p.clearingHouse),
            abi.encodeCall(p.clearingHouse.transfer, (accounts[from], accounts[to], token, amount))
        );
        if (ok) _checkInitial(from, "transfer");
        _count("transfer", ok);
    }

    /// @dev Something that the account has; settlement token if it has nothing.
    function _heldToken(uint256 account, uint256 seed) private view returns (uint256 token) {
        token = _draw(seed, 2, 0, 2 * TOKENS);
        if (token < TOKENS && p.clearingHouse.collateralOf(accounts[account], token) != 0) return token;
        if (_cash(account) > 0) return SETTLEMENT;
        for (token = 0; token < TOKENS; ++token) {
            if (p.clearingHouse.collateralOf(accounts[account], token) != 0) return token;
        }
        return SETTLEMENT;
    }

    /// @dev What the account may take out by its own reckoning; one time in eight as much as it has.
    function _takeable(uint256 account, uint256 token, uint256 seed) private view returns (uint256) {
        int256 cash = _cash(account);
        uint256 held =
            token == SETTLEMENT
                ? (cash > 0 ? uint256(cash) : 0)
                : p.clearingHouse.collateralOf(accounts[account], token);
        if (held == 0 || _random(seed, 90) % 8 == 0) return held;
        AccountState memory state = p.clearingHouse.accountOf(accounts[account]);
        if (state.positions == 0 && cash >= 0) return (held * _draw(seed, 91, 1, 100)) / 100;
        Terms memory terms = _terms(account, true);
        int256 free = terms.weighted - int256(terms.initial());
        // What is owed already limits how much collateral may go.
        if (free <= 0 || (token != SETTLEMENT && terms.shortfall() != 0)) return 0;
        if (token != SETTLEMENT) free = free / (token == WETH_TOKEN ? int256(4_000) : int256(60_000));
        uint256 amount = uint256(free) < held ? uint256(free) : held;
        return (amount * _draw(seed, 92, 1, 100)) / 100;
    }

    // ---------------------------------------------------------------- orders

    /// @notice An order from its submission to its end, by an honest keeper.
    function trade(uint256 seed) external action("@trade") {
        _trade(seed);
    }

    /// @notice The same, so that the runner picks it more often.
    function tradeAgain(uint256 seed) external action("@tradeAgain") {
        _trade(_random(seed, 99));
    }

    function _trade(uint256 seed) private {
        _refresh();
        _tradeBy(_draw(seed, 1, 0, TRADING - 1), seed);
    }

    function _tradeBy(uint256 account, uint256 seed) private {
        _endPending(account, seed);
        (bool submitted, uint256 sequence) = _submit(account, seed);
        if (!submitted) return;
        _settleMarkets(seed);
        _execute(account, sequence, seed);
    }

    /// @dev A position of the account, which trades if it has none.
    function _ensurePosition(uint256 account, uint256 seed) internal returns (bool held, uint256 asset) {
        (held, asset) = _heldMarket(account, seed);
        if (held) return (held, asset);
        _tradeBy(account, seed);
        return _heldMarket(account, seed);
    }

    /// @notice Leaves an order pending.
    function submit(uint256 seed) external action("@submit") {
        _refresh();
        uint256 account = _draw(seed, 1, 0, TRADING - 1);
        if (pendingOrders[account].length >= 3) _endPending(account, seed);
        _submit(account, seed);
    }

    /// @notice Two legs that hedge each other, or do not.
    function submitPair(uint256 seed) external action("@submitPair") {
        _refresh();
        uint256 account = _draw(seed, 1, 0, TRADING - 1);
        _endPending(account, seed);
        LegInput[] memory legs = new LegInput[](2);
        legs[0] = LegInput(ETH, _wished(account, ETH, seed));
        legs[1] = LegInput(_isOpen(SOL) ? _draw(seed, 7, BTC, SOL) : BTC, 0);
        legs[1].delta = _wished(account, legs[1].asset, seed);
        if (legs[0].delta == 0 || legs[1].delta == 0) return;
        bool alike = (legs[0].delta < 0) == (legs[1].delta < 0);
        if (alike == (_random(seed, 8) % 4 != 0)) legs[1].delta = -legs[1].delta;
        (bool ok, bytes memory result) = _as(
            account,
            address(p.orders),
            abi.encodeCall(p.orders.submitBasket, (accounts[account], legs, false, 0))
        );
        if (ok) pendingOrders[account].push(abi.decode(result, (uint256)));
        _count("submitPair", ok);
    }

    function execute(uint256 seed) external action("@execute") {
        _refresh();
        (bool found, uint256 account) = _ensurePending(seed);
        if (!found) return;
        _settleMarkets(seed);
        _execute(account, pendingOrders[account][0], seed);
    }

    /// @notice A keeper who comes when the window for execution is over fills nothing.
    function executeLate(uint256 seed) external action("@executeLate") {
        _refresh();
        (bool found, uint256 account) = _ensurePending(seed);
        if (!found) return;
        uint256 sequence = pendingOrders[account][0];
        _settleMarkets(seed);
        _wait(p.orders.parameters().executionWindow + _draw(seed, 2, 60, 1 days));
        _refresh();
        bool filled = _execute(account, sequence, seed);
        _check(8, !filled, "filled too late", int256(account), int256(sequence));
        _countRefused("too late, not filled", !filled);
    }

    /// @notice A keeper with too little gas changes nothing of what becomes of an order.
    function starve(uint256 seed) external action("@starve") {
        _refresh();
        (bool found, uint256 account) = _ensurePending(seed);
        if (!found) return;
        _settleMarkets(seed);
        uint256 sequence = pendingOrders[account][0];
        (RoundHint[] memory hints, ) = _hints(account, sequence, seed);
        bytes memory data = abi.encodeCall(p.orders.execute, (accounts[account], sequence, hints, accounts[KEEPER]));
        uint256 state = vm.snapshotState();
        (, bytes memory whole) = _as(KEEPER, address(p.orders), data);
        vm.revertToState(state);
        // From too little for the first reading to enough for all of it.
        uint256 allowance = _draw(seed, 2, 30_000, 900_000);
        vm.prank(accounts[KEEPER].owner());
        (bool ok, bytes memory starved) = address(p.orders).call{gas: allowance}(data);
        bool pending = p.orders.isPending(accounts[account], sequence);
        bool same = ok ? keccak256(starved) == keccak256(whole) : pending;
        _check(8, same, "another outcome for less gas", int256(account), int256(allowance));
        _countRefused("starved, unchanged", same);
        _dropEnded(account);
        _done();
    }

    /// @dev An account with a pending order; somebody submits one if there is none.
    function _ensurePending(uint256 seed) private returns (bool found, uint256 account) {
        (found, account) = _findPending(seed);
        if (found) return (found, account);
        _submit(_draw(seed, 1, 0, TRADING - 1), seed);
        return _findPending(seed);
    }

    /// @notice Everything that is pending, in one call; a wrong hint must not hurt its neighbours.
    function executeAll(uint256 seed) external action("@executeAll") {
        _refresh();
        _ensurePending(seed);
        _settleMarkets(seed);
        Execution[] memory items = new Execution[](2 * TRADING);
        uint256 count = 0;
        for (uint256 account = 0; account < TRADING; ++account) {
            for (uint256 i = 0; i < pendingOrders[account].length && count < items.length; ++i) {
                uint256 sequence = pendingOrders[account][i];
                (RoundHint[] memory hints, ) = _hints(account, sequence, seed);
                if (_random(seed, count) % 8 == 0) hints[0].round += 1;
                items[count++] = Execution(accounts[account], sequence, hints);
            }
        }
        if (count == 0) return;
        assembly ("memory-safe") {
            mstore(items, count)
        }
        (bool ok, ) = _as(KEEPER, address(p.orders), abi.encodeCall(p.orders.executeBatch, (items, accounts[KEEPER])));
        for (uint256 account = 0; account < TRADING; ++account) {
            uint256 before = pendingOrders[account].length;
            _dropEnded(account);
            for (uint256 i = pendingOrders[account].length; i < before; ++i) _count("executeBatch item", true);
            for (uint256 i = 0; i < pendingOrders[account].length; ++i) _count("executeBatch item", false);
        }
        _count("executeBatch", ok);
    }

    /// @notice A stop whose condition holds, and whoever pokes it.
    function trigger(uint256 seed) external action("@trigger") {
        _refresh();
        uint256 account = _draw(seed, 1, 0, TRADING - 1);
        (bool held, uint256 asset) = _ensurePosition(account, seed);
        if (!held) return;
        uint256 price = uint256(answers[asset]) * FEED_UNIT;
        bool fires = _random(seed, 3) % 4 != 0;
        int256 delta = -_size(account, asset) / int256(_draw(seed, 4, 1, 3));
        (bool ok, bytes memory result) = _as(
            account,
            address(p.orders),
            abi.encodeCall(
                p.orders.submitTrigger,
                (accounts[account], TriggerInput(asset, delta, fires ? price / 2 : price * 2, true, 0, 0))
            )
        );
        if (!ok) return;
        uint256 sequence = abi.decode(result, (uint256));
        (ok, result) = _as(
            KEEPER,
            address(p.orders),
            abi.encodeCall(p.orders.poke, (accounts[account], sequence, accounts[KEEPER]))
        );
        if (ok) pendingOrders[account].push(abi.decode(result, (uint256)));
        else _must(account, address(p.orders), abi.encodeCall(p.orders.cancelTrigger, (accounts[account], sequence)));
        if (fires) return _count("poke", ok);
        _countRefused("poke too early, refused", !ok);
        _done();
    }

    // ---------------------------------------------------------------- shared

    /// @dev Size of an order of that account: mostly what it can bear, sometimes its own position back, sometimes more.
    function _wished(uint256 account, uint256 asset, uint256 seed) internal view returns (int256 delta) {
        uint256 price = uint256(answers[asset]) * FEED_UNIT;
        int256 size = _size(account, asset);
        uint256 kind = _random(seed, 10) % 8;
        if (size != 0 && kind < 3) return -(size * int256(_draw(seed, 11, 1, 4))) / 4;
        Terms memory terms = _terms(account, true);
        int256 free = terms.weighted - int256(terms.initial());
        if (free < 200e18) return size == 0 ? int256(0) : -size;
        uint256 rate = asset == SOL ? 150 : 75; // of 1000
        uint256 notional = (uint256(free) * _draw(seed, 12, 5, kind == 7 ? 1_100 : 900)) / rate;
        delta = int256((notional * 1e18) / price);
        bool long = _random(seed, 13) % 2 == 0;
        // Mostly what the caps leave room for.
        if (kind != 6) delta = SignedMath.min(delta, _room(asset, long, price));
        if (!long) delta = -delta;
    }

    function _room(uint256 asset, bool long, uint256 price) private view returns (int256 room) {
        (, SizeParameters sizes, TradeParameters limits) = p.clearingHouse.parametersOf(asset);
        (uint256 longSize, , uint256 shortSize, , ) = p.clearingHouse.marketOf(asset);
        (, , , , int256 mark, ) = p.clearingHouse.balances();
        if (!long) (longSize, shortSize) = (shortSize, longSize);
        int256 cap = (mark * int256(sizes.openInterestShare()) * 1e12) / int256(price);
        room = SignedMath.min(
            SignedMath.min(cap, int256(sizes.openInterestCap())) - int256(longSize),
            int256(limits.skewCap() + shortSize) - int256(longSize)
        );
        room = (room * 95) / 100;
        if (room < int256(30e36 / price)) room = 0;
    }

    function _isOpen(uint256 asset) internal view returns (bool) {
        (, SizeParameters sizes, ) = p.clearingHouse.parametersOf(asset);
        return sizes.status() == MarketStatus.Active;
    }

    /// @dev A market that trades, if there is one.
    function _market(uint256 seed) internal view returns (uint256 asset) {
        asset = _draw(seed, 5, 0, MARKETS - 1);
        for (uint256 i = 0; i < MARKETS && !_isOpen(asset); ++i) asset = (asset + 1) % MARKETS;
    }

    function _submit(uint256 account, uint256 seed) internal returns (bool ok, uint256 sequence) {
        uint256 asset = _market(seed);
        int256 delta = _wished(account, asset, seed);
        if (delta == 0) {
            _endow(account, 20_000e18);
            delta = _wished(account, asset, seed);
            if (delta == 0) return (false, 0);
        }
        return _submitOrder(account, asset, delta, seed);
    }

    function _submitOrder(
        uint256 account,
        uint256 asset,
        int256 delta,
        uint256 seed
    ) internal returns (bool ok, uint256 sequence) {
        int256 size = _size(account, asset);
        bool reduces = size != 0 && (size < 0) != (delta < 0) && _random(seed, 14) % 2 == 0;
        int256 cash = _cash(account);
        bytes memory result;
        (ok, result) = _as(
            account,
            address(p.orders),
            abi.encodeCall(p.orders.submit, (accounts[account], OrderInput(asset, delta, 0, reduces, 0)))
        );
        _count(reduces ? bytes32("submit reducing") : bytes32("submit"), ok);
        if (!ok) return (false, 0);
        sequence = abi.decode(result, (uint256));
        pendingOrders[account].push(sequence);
        // Where cash covers the escrow, margin is looked at when the order is executed.
        OrderView memory order = p.orders.orderOf(accounts[account], sequence);
        if (cash < int256(order.pay + order.charge) && !reduces) _checkInitial(account, "submit");
    }

    /// @dev Time passes to the boundary of all pending orders, and every feed that works reports.
    function _settleMarkets(uint256 seed) internal {
        _wait(_draw(seed, 20, 31, 60));
        for (uint256 asset = 0; asset < MARKETS; ++asset) {
            int256 step = int256(_draw(seed, 21 + asset, 0, 600)) - 300; // 1e-5
            int256 answer = answers[asset];
            _push(asset, answer + (answer * step) / 100_000);
            // Feeds have written several rounds within a second.
            if (_random(seed, 26 + asset) % 4 == 0) _push(asset, answer - (answer * step) / 100_000);
        }
        _wait(_draw(seed, 25, 1, 5));
        _refresh();
    }

    function _execute(uint256 account, uint256 sequence, uint256 seed) internal returns (bool filled) {
        (RoundHint[] memory hints, bool provable) = _hints(account, sequence, seed);
        OrderView memory order = p.orders.orderOf(accounts[account], sequence);
        Before memory before = _before(account, order, sequence);
        int256 keeperCash = _cash(KEEPER);
        (bool ok, bytes memory result) = _as(
            KEEPER,
            address(p.orders),
            abi.encodeCall(p.orders.execute, (accounts[account], sequence, hints, accounts[KEEPER]))
        );
        if (provable) _count("execute", ok);
        if (!ok) return false;
        _dropEnded(account);
        (Outcome outcome, ) = abi.decode(result, (Outcome, Cause));
        filled = outcome == Outcome.Filled;
        if (provable) _count("fill", filled);
        if (!filled) return false;
        before.returned = int256(order.pay + order.charge) - (_cash(KEEPER) - keeperCash);
        _checkFill(account, before);
    }

    /// @dev The hints of an order, right ones; wrong ones are tried on the way.
    function _hints(
        uint256 account,
        uint256 sequence,
        uint256 seed
    ) internal returns (RoundHint[] memory hints, bool provable) {
        OrderView memory order = p.orders.orderOf(accounts[account], sequence);
        LegView[] memory legs;
        if (order.legs == 0) {
            legs = new LegView[](1);
            legs[0] = LegView(order.asset, order.delta, order.phase, 0);
        } else {
            (, legs) = p.orders.basketOf(accounts[account], sequence);
        }
        hints = new RoundHint[](legs.length);
        provable = true;
        for (uint256 i = 0; i < legs.length; ++i) {
            Settled memory right = _settled(legs[i].asset, legs[i].phase, order.boundary);
            _probeHints(_random(seed, 1_000 + i), legs[i].asset, legs[i].phase, order.boundary, right);
            hints[i] = right.hint;
            provable = provable && right.provable;
        }
    }

    function _before(
        uint256 account,
        OrderView memory order,
        uint256 sequence
    ) private view returns (Before memory before) {
        before.terms = _terms(account, true);
        before.requirement = before.terms.maintenance(_globals());
        if (order.legs == 0) {
            before.charge = _closeOut(order.asset, order.delta);
        } else {
            (, LegView[] memory legs) = p.orders.basketOf(accounts[account], sequence);
            for (uint256 i = 0; i < legs.length; ++i) before.charge += _closeOut(legs[i].asset, legs[i].delta);
        }
    }

    function _closeOut(uint256 asset, int256 delta) private view returns (uint256) {
        uint256 gamma = asset == SOL ? 6_000 : 3_000;
        uint256 size = delta < 0 ? uint256(-delta) : uint256(delta);
        // Half as much again: ramps may have raised γ.
        return (((size * uint256(answers[asset])) / 1e8) * gamma * 3) / 2e6;
    }

    /// @notice Invariant 5: the initial requirement is met, or the risk has become lower within the rule of reductions.
    function _checkFill(uint256 account, Before memory before) private {
        Terms memory afterwards = _terms(account, true);
        if (afterwards.meetsInitial(_globals())) return;
        int256 equity = before.terms.equity + before.returned;
        uint256 requirement = afterwards.maintenance(_globals());
        _check(5, requirement <= before.requirement, "risk raised", int256(before.requirement), int256(requirement));
        _check(
            5,
            afterwards.equity - int256(requirement) >= equity - int256(before.requirement),
            "margin lowered",
            equity - int256(before.requirement),
            afterwards.equity - int256(requirement)
        );
        _check(
            5,
            equity - afterwards.equity <= int256(before.charge),
            "costs too much",
            int256(before.charge),
            equity - afterwards.equity
        );
        int256 floor = equity < 0 ? equity : int256(0);
        _check(5, afterwards.equity >= floor, "into deficit", floor, afterwards.equity);
    }

    /// @notice Invariant 5, for whoever has taken something out.
    function _checkInitial(uint256 account, bytes32 what) internal {
        AccountState memory state = p.clearingHouse.accountOf(accounts[account]);
        if (state.positions == 0 && state.cash >= 0) return;
        Terms memory terms = _terms(account, true);
        _check(5, terms.meetsInitial(_globals()), what, int256(terms.initial()), terms.weighted);
    }

    function _findPending(uint256 seed) internal view returns (bool found, uint256 account) {
        uint256 start = _random(seed, 30);
        for (uint256 i = 0; i < TRADING; ++i) {
            account = (start + i) % TRADING;
            if (pendingOrders[account].length != 0) return (true, account);
        }
        return (false, 0);
    }

    function _heldMarket(uint256 account, uint256 seed) internal view returns (bool held, uint256 asset) {
        uint256 start = _random(seed, 31);
        for (uint256 i = 0; i < MARKETS; ++i) {
            asset = (start + i) % MARKETS;
            if (_size(account, asset) != 0) return (true, asset);
        }
        return (false, 0);
    }

    /// @dev Brings the pending orders of an account to their end, as far as that can be proved.
    function _endPending(uint256 account, uint256 seed) internal {
        uint256 count = pendingOrders[account].length;
        if (count == 0) return;
        _settleMarkets(seed);
        while (count != 0) _execute(account, pendingOrders[account][--count], seed);
    }

    function _dropEnded(uint256 account) internal {
        uint256[] storage list = pendingOrders[account];
        uint256 i = 0;
        while (i < list.length) {
            if (p.orders.isPending(accounts[account], list[i])) {
                ++i;
                continue;
            }
            list[i] = list[list.length - 1];
            list.pop();
        }
    }
}
