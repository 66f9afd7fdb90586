// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {IClearingHouse, Reduction, Sale, SETTLEMENT} from "../../contracts/interfaces/IClearingHouse.sol";
import {RoundHint} from "../../contracts/interfaces/IOracle.sol";
import {OrderInput} from "../../contracts/interfaces/IOrders.sol";
import {Terms} from "../../contracts/libraries/Risk.sol";
import {TradeParameters} from "../../contracts/types/AssetParameters.sol";
import {Price} from "../../contracts/types/Price.sol";
import {ALL_ASSETS, ETH, WBTC_TOKEN} from "./Protocol.sol";
import {GovernorActions} from "./GovernorActions.sol";
import {vm} from "./Vm.sol";

/// @notice Whoever looks for a way to gain: donations, dust, callbacks, trades with oneself, splitting and reordering.
abstract contract HostileActions is GovernorActions {
    /// @dev What roundings of money may give or take in one action, WAD.
    int256 private constant DUST = 100;
    /// @dev Sizes that may be rounded in one action, wei.
    int256 private constant SIZES = 12;

    /// @notice Tokens that come without a deposit change nothing that anybody counts on.
    function donate(uint256 seed) external action("@donate") {
        _refresh();
        uint256 token = _draw(seed, 1, 0, 2);
        if (token == 2) token = SETTLEMENT;
        address to = _random(seed, 2) % 2 == 0 ? address(p.vault) : address(p.pool);
        if (_random(seed, 3) % 4 == 0) to = address(p.clearingHouse);
        ShareValue memory before = _shareValue();
        uint256 held = p.vault.held(token);
        _token(token).mint(to, _draw(seed, 4, 1, 1e12));
        ShareValue memory afterwards = _shareValue();
        _check(10, before.value == afterwards.value, "share value by donation", before.value, afterwards.value);
        _check(2, held == p.vault.held(token), "donation counted", int256(held), int256(token));
        _done();
    }

    /// @notice Many small steps extract nothing.
    function flood(uint256 seed) external action("@flood") {
        _refresh();
        uint256 account = _draw(seed, 1, 0, 1);
        _endPending(account, seed);
        _endPending(account + 4, seed);
        int256 before = _wealth(account);
        uint256 paid = 0;
        for (uint256 i = 0; i < 12; ++i) {
            uint256 amount = _draw(seed, 2 + i, 1, 3);
            if (i % 3 == 0) {
                _fund(account, SETTLEMENT, amount * 1e12);
                paid += amount * 1e12;
            } else {
                (uint256 from, uint256 to) = i % 3 == 1 ? (account, account + 4) : (account + 4, account);
                _as(
                    from,
                    address(p.clearingHouse),
                    abi.encodeCall(p.clearingHouse.transfer, (accounts[from], accounts[to], SETTLEMENT, amount))
                );
            }
        }
        int256 gain = _wealth(account) - before - int256(paid);
        _check(11, gain <= DUST, "gain by dust", DUST, gain);

        _done();
    }

    /// @notice A collateral token that calls back while it moves finds every verb and every view of value locked.
    function reenter(uint256 seed) external action("@reenter") {
        _refresh();
        uint256 account = _draw(seed, 1, 0, TRADING - 1);
        (address target, bytes memory data) = _callback(account, seed);
        p.wbtc.arm(target, data, false);
        _fund(account, WBTC_TOKEN, _draw(seed, 2, 1, 100) * 1e14);
        _check(3, !p.wbtc.lastSuccess(), "let in", 0, int256(_random(seed, 3) % 8));
        bytes4 reason = bytes4(p.wbtc.lastResult());
        _check(3, reason == IClearingHouse.Locked.selector, "not for the lock", 0, int256(_random(seed, 3) % 8));
        _done();
    }

    function _callback(uint256 account, uint256 seed) private view returns (address target, bytes memory data) {
        uint256 kind = _random(seed, 3) % 8;
        if (kind == 0) {
            return (address(p.vault), abi.encodeCall(p.vault.deposit, (accounts[account], SETTLEMENT, 1)));
        }
        if (kind == 1) {
            return (
                address(p.vault),
                abi.encodeCall(p.vault.withdraw, (accounts[account], SETTLEMENT, 1, address(p.wbtc)))
            );
        }
        if (kind == 2) {
            return (
                address(p.orders),
                abi.encodeCall(p.orders.submit, (accounts[account], OrderInput(ETH, 1e18, 0, false, 0)))
            );
        }
        if (kind == 3) {
            return (
                address(p.orders),
                abi.encodeCall(p.orders.execute, (accounts[account], 0, new RoundHint[](1), accounts[KEEPER]))
            );
        }
        if (kind == 4) {
            return (
                address(p.clearingHouse),
                abi.encodeCall(
                    p.clearingHouse.liquidate,
                    (accounts[account], new Reduction[](0), new Sale[](0), accounts[LIQUIDATOR])
                )
            );
        }
        if (kind == 5) return (address(p.pool), abi.encodeCall(p.pool.fulfill, (1)));
        if (kind == 6) return (address(p.clearingHouse), abi.encodeCall(p.clearingHouse.poolValuation, ()));
        return (address(p.clearingHouse), abi.encodeCall(p.clearingHouse.snapshot, (accounts[account])));
    }

    /// @notice One owner on both sides at one price: fees are lost, nothing is won.
    function selfMatch(uint256 seed) external action("@selfMatch") {
        _refresh();
        uint256 account = _draw(seed, 1, 0, 1);
        _endPending(account, seed);
        _endPending(account + 4, seed);
        uint256 asset = _market(seed);
        int256 delta = _wished(account, asset, seed);
        if (delta == 0) return;
        (bool first, uint256 a) = _submitOrder(account, asset, delta, seed);
        (bool second, uint256 b) = _submitOrder(account + 4, asset, -delta, seed);
        _settleMarkets(seed);
        int256 net = _size(account, asset) + _size(account + 4, asset);
        int256 before = _wealth(account);
        bool filled = false;
        if (first) filled = _execute(account, a, seed);
        if (second) filled = _execute(account + 4, b, seed) && filled;
        // One alone, or one cut short, trades with the market: it may be paid for narrowing the skew.
        bool matched = filled && _size(account, asset) + _size(account + 4, asset) == net && _allLive();
        if (matched) _check(11, _wealth(account) - before <= _dust(asset), "gain by self", before, _wealth(account));
        _count("selfMatch", matched);
    }

    /// @dev Otherwise long and short are each valued at their better end.
    function _allLive() private view returns (bool) {
        (, Price[] memory prices) = p.oracle.peek(ALL_ASSETS, false);
        for (uint256 i = 0; i < prices.length; ++i) {
            if (!prices[i].live()) return false;
        }
        return true;
    }

    /// @notice A position closed in two orders, in either sequence, leaves what it leaves when closed in one.
    function split(uint256 seed) external action("@split") {
        _refresh();
        uint256 account = _draw(seed, 1, 0, TRADING - 1);
        _endPending(account, seed);
        (bool held, uint256 asset) = _ensurePosition(account, seed);
        if (!held) return;
        if (_cash(account) < 100e18) _fund(account, SETTLEMENT, 100e18 + uint256(-SignedMath.min(_cash(account), 0)));
        int256 size = _size(account, asset);
        int256 part = size / int256(_draw(seed, 2, 2, 9));
        if (part == 0) return;

        uint256 state = vm.snapshotState();
        (bool done, int256 whole) = _closeIn(account, asset, -size, 0, seed);
        vm.revertToState(state);
        state = vm.snapshotState();
        (bool doneOnce, int256 once) = _closeIn(account, asset, -part, part - size, seed);
        vm.revertToState(state);
        (bool doneTwice, int256 twice) = _closeIn(account, asset, part - size, -part, seed);
        int256 dust = _dust(asset);
        if (done && doneOnce) _check(11, once <= whole + dust, "gain by splitting", whole, once);
        if (done && doneTwice) _check(11, twice <= whole + dust, "gain by splitting", whole, twice);
        if (doneOnce && doneTwice) {
            _check(11, once <= twice + dust && twice <= once + dust, "gain by order", once, twice);
        }
        _count("split", done && doneOnce && doneTwice);
    }

    /// @notice An order far beyond what is held, at a price that nobody pays, puts nearly all cash into escrow. That leaves
    /// its owner as healthy as it was: not even its own other account liquidates it.
    function park(uint256 seed) external action("@park") {
        _refresh();
        uint256 account = _draw(seed, 1, 0, 1);
        _endPending(account, seed);
        (bool held, uint256 asset) = _ensurePosition(account, seed);
        int256 cash = SignedMath.min(_cash(account), 100_000e18) - 10e18; // one charge holds little more
        int256 size = _size(account, asset);
        if (!held || size == 0 || cash <= 0) return;
        (, , TradeParameters trade) = p.clearingHouse.parametersOf(asset);
        if (trade.takerFee() == 0) return;
        int256 before = _terms(account, false).equity;
        int256 delta = (cash * 1e6 * 1e8) / (int256(trade.takerFee()) * answers[asset]);
        OrderInput memory input =
            size > 0 ? OrderInput(asset, -delta, 1e26, true, 0) : OrderInput(asset, delta, 1, true, 0);
        (bool ok, bytes memory result) = _as(
            account,
            address(p.orders),
            abi.encodeCall(p.orders.submit, (accounts[account], input))
        );
        if (!ok) return;
        pendingOrders[account].push(abi.decode(result, (uint256)));
        Terms memory terms = _terms(account, false);
        _check(6, terms.equity == before, "equity lost to an escrow", before, terms.equity);
        if (_margin(terms) > 0) {
            Reduction[] memory whole = new Reduction[](1);
            whole[0] = Reduction(asset, -size);
            (bool liquidated, ) = _as(
                account + 4,
                address(p.clearingHouse),
                abi.encodeCall(
                    p.clearingHouse.liquidate,
                    (accounts[account], whole, new Sale[](0), accounts[account + 4])
                )
            );
            _check(6, !liquidated, "healthy but for its escrow", before, _margin(terms));
        }
        _done();
    }

    /// @dev On a side that has been deleveraged a size is rounded by a wei of the asset.
    function _dust(uint256 asset) private view returns (int256) {
        return DUST + (SIZES * answers[asset]) / 1e8;
    }

    /// @dev Closes in one or two reduce-only orders of the same moment. Keepers' pay is put back: it is not what a trade
    /// costs, and two orders pay it twice.
    function _closeIn(
        uint256 account,
        uint256 asset,
        int256 first,
        int256 second,
        uint256 seed
    ) private returns (bool done, int256 wealth) {
        uint256 count = second == 0 ? 1 : 2;
        uint256[] memory sequences = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            OrderInput memory input = OrderInput(asset, i == 0 ? first : second, 0, true, 0);
            (bool ok, bytes memory result) = _as(
                account,
                address(p.orders),
                abi.encodeCall(p.orders.submit, (accounts[account], input))
            );
            if (!ok) return (false, 0);
            sequences[i] = abi.decode(result, (uint256));
            pendingOrders[account].push(sequences[i]);
        }
        _settleMarkets(seed);
        int256 paid = _cash(KEEPER);
        done = true;
        for (uint256 i = 0; i < count; ++i) done = _execute(account, sequences[i], seed) && done;
        wealth = _terms(account, false).equity + _cash(KEEPER) - paid;
    }

    /// @notice A proof made once holds for ever.
    function reprove(uint256 seed) external action("@reprove") {
        if (_reprove(seed)) _done();
    }

    /// @dev Of an owner's two accounts, with what its orders have in escrow.
    function _wealth(uint256 account) internal view returns (int256 wealth) {
        for (uint256 i = account; i <= account + 4; i += 4) {
            wealth += _terms(i, false).equity;
        }
    }

    function _escrow(uint256 account, uint256 sequence) internal view returns (uint256) {
        return p.orders.orderOf(accounts[account], sequence).pay + p.orders.orderOf(accounts[account], sequence).charge;
    }
}
