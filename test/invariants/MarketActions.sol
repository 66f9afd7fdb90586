// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ASSETS, MARKETS, startPrice, USDC, WBTC} from "./Protocol.sol";
import {KeeperActions} from "./KeeperActions.sol";
import {PhasedFeed} from "./PhasedFeed.sol";

/// @notice Time, prices, and feeds that do what feeds have done.
abstract contract MarketActions is KeeperActions {
    struct Seen {
        uint256 updatedAt;
        uint256 round;
    }

    Seen[ASSETS] private _seen;

    /// @notice A price moves, mostly little.
    function movePrice(uint256 seed) external action("@movePrice") {
        uint256 asset = _draw(seed, 1, 0, USDC - 1);
        int256 reach = _random(seed, 2) % 4 == 0 ? int256(180) : int256(20); // 1e-3
        int256 step = int256(_draw(seed, 3, 0, uint256(2 * reach))) - reach;
        _wait(_draw(seed, 4, 1, 300));
        _push(asset, answers[asset] + (answers[asset] * step) / 1_000);
        p.oracle.update(1 << asset);
        _steerBack(asset);
        _done();
    }

    /// @notice Time passes with the feeds alive. Invariant 9: nobody gains by it but from somebody else.
    function passTime(uint256 seed) external action("@passTime") {
        _refresh();
        int256 before = _worth();
        _wait(_draw(seed, 1, 1, 15 minutes));
        int256 change = _worth() - before;
        int256 dust = _worthDust();
        _check(9, change <= dust && change >= -dust, "funding paid != received", dust, change);
        _done();
    }

    /// @notice A longer while, with feeds at their heartbeat.
    function passHours(uint256 seed) external action("@passHours") {
        for (uint256 hour = _draw(seed, 1, 1, 4); hour != 0; --hour) {
            _wait(1 hours);
            _refresh();
        }
        _done();
    }

    /// @notice A step beyond the jump limit: refused, recorded, and accepted or taken back.
    function jump(uint256 seed) external action("@jump") {
        _refresh();
        uint256 asset = _draw(seed, 1, 0, USDC - 1);
        int256 from = answers[asset];
        bool up = from < int256(startPrice(asset) * 1e8);
        _wait(_draw(seed, 2, 1, 60));
        _push(asset, from + (up ? from / 2 : -from / 3));
        p.oracle.update(1 << asset);
        (, , , , , bool halted) = p.oracle.stateOf(asset);
        _count("jump halts", halted);
        if (_random(seed, 3) % 2 == 0) {
            _wait(30);
            _push(asset, from);
        } else {
            for (uint256 i = 0; i < 3; ++i) {
                _wait(5 minutes);
                _push(asset, answers[asset]);
            }
        }
        p.oracle.update(1 << asset);
        if (_random(seed, 4) % 2 == 0) _passGrace(11 minutes);
    }

    /// @notice The proxy gets another aggregator, whose clock is right, behind, or whose rounds come late.
    function switchPhase(uint256 seed) external action("@switchPhase") {
        uint256 asset = _draw(seed, 1, 0, MARKETS - 1);
        PhasedFeed feed = p.feeds[asset];
        _wait(_draw(seed, 2, 1, 60));
        _push(asset, answers[asset]);
        p.oracle.update(1 << asset);
        _checkPriceTimes();
        feed.switchPhase();
        uint256 kind = _random(seed, 3) % 4;
        if (kind == 0) feed.push(answers[asset], clock - 600, clock - 600);
        if (kind == 1) feed.push((answers[asset] * 3) / 2, clock - 6_000, clock - 6_000);
        p.oracle.update(1 << asset);
        _checkPriceTimes();
        if (kind != 2) _push(asset, answers[asset]);
        p.oracle.update(1 << asset);
        _done();
    }

    /// @notice Rounds that must not be taken at their word: incomplete, of the future, zero, below zero, out of bounds.
    function badRound(uint256 seed) external action("@badRound") {
        _refresh();
        uint256 asset = _draw(seed, 1, 0, ASSETS - 1);
        PhasedFeed feed = p.feeds[asset];
        (uint256 before, , , , , ) = p.oracle.stateOf(asset);
        _wait(_draw(seed, 2, 1, 60));
        uint256 kind = _random(seed, 3) % 5;
        if (kind == 0) feed.push(answers[asset], 0, clock);
        if (kind == 1) feed.push(answers[asset], clock + 1 hours, clock);
        if (kind == 2) feed.push(0, clock, clock);
        if (kind == 3) feed.push(-answers[asset], clock, clock);
        if (kind == 4) feed.push(answers[asset] * 10_000, clock, clock);
        p.oracle.update(1 << asset);
        (uint256 price, , , , , bool halted) = p.oracle.stateOf(asset);
        _check(8, price == before || halted, "bad round accepted", int256(before), int256(price));
        _done();
        _liquidateAny(seed);
        _wait(_draw(seed, 4, 1, 30 minutes));
        _push(asset, answers[asset]);
    }

    /// @notice Several rounds within one second, as recorded on mainnet.
    function ties(uint256 seed) external action("@ties") {
        _refresh();
        uint256 asset = _draw(seed, 1, 0, MARKETS - 1);
        _wait(_draw(seed, 2, 1, 60));
        uint256 count = _draw(seed, 3, 2, 4);
        int256 answer = answers[asset];
        for (uint256 i = 0; i < count; ++i) _push(asset, answer + (answer * int256(i)) / 200);
        // In their own second none of them can be proved, and afterwards only the last.
        uint256 phase = p.feeds[asset].phase();
        uint256 boundary = clock - 1;
        _tryHint(asset, phase, boundary, _settled(asset, phase, boundary));
        _wait(1);
        Settled memory right = _settled(asset, phase, boundary);
        _tryHint(asset, phase, boundary, right);
        _probeHints(seed, asset, phase, boundary, right);
        _done();
    }

    /// @notice The settlement token leaves its band and comes back.
    function depeg(uint256 seed) external action("@depeg") {
        _refresh();
        _wait(16 minutes);
        _push(USDC, int256(_draw(seed, 1, 96_000_000, 99_000_000)));
        _endPending(_draw(seed, 2, 0, TRADING - 1), seed);
        _liquidateAny(seed);
        _wait(16 minutes);
        _push(USDC, 100_000_000);
        _refresh();
        _done();
    }

    /// @notice A feed stops for hours while the others go on.
    function stopFeed(uint256 seed) external action("@stopFeed") {
        _refresh();
        uint256 asset = _draw(seed, 1, 0, WBTC);
        int256 answer = answers[asset];
        uint256 time = _draw(seed, 2, 1 hours, 30 hours);
        for (uint256 i = 0; i < 3; ++i) {
            _wait(time / 3);
            for (uint256 other = 0; other < ASSETS; ++other) {
                if (other != asset) _push(other, answers[other]);
            }
            p.clearingHouse.markPool();
            _liquidateAny(_random(seed, 1_000 + i));
        }
        _push(asset, answer);
        _done();
    }

    /// @notice The sequencer stops; while it is down, and in the grace that follows, nobody is liquidated.
    function outage(uint256 seed) external action("@outage") {
        _refresh();
        _wait(_draw(seed, 1, 1, 60));
        p.sequencer.push(1, clock, clock);
        _wait(_draw(seed, 2, 1, 2 hours));
        _tryInGrace(seed);
        _fund(_draw(seed, 3, 0, TRADING - 1), 255, 100e18);
        (bool found, uint256 account) = _findPending(seed);
        if (found) {
            bool filled = _execute(account, pendingOrders[account][0], seed);
            _check(6, !filled, "filled while down", 0, int256(account));
        }
        p.sequencer.push(0, clock, clock);
        _wait(_draw(seed, 4, 1, 59 minutes));
        _refresh();
        _tryInGrace(seed);
        if (_random(seed, 5) % 4 != 0) _passGrace(61 minutes);
        _done();
    }

    function _tryInGrace(uint256 seed) private {
        for (uint256 account = 0; account < TRADING; ++account) {
            _check(6, !_liquidateSlice(account, _draw(seed, 6, 1, 4)), "liquidated in grace", 0, int256(account));
        }
    }

    function _passGrace(uint256 time) private {
        _wait(time);
        _refresh();
    }

    function _steerBack(uint256 asset) internal override {
        int256 start = int256(startPrice(asset) * 1e8);
        int256 answer = answers[asset];
        if (answer < start / 3) answer += answer / 6;
        else if (answer > start * 3) answer -= answer / 6;
        else return;
        _wait(60);
        _push(asset, answer);
        p.oracle.update(1 << asset);
    }

    /// @notice Invariant 13: the time and the round of an accepted price only grow.
    function _checkPriceTimes() internal {
        for (uint256 asset = 0; asset < ASSETS; ++asset) {
            (, uint80 round, uint256 updatedAt, , , ) = p.oracle.stateOf(asset);
            Seen storage seen = _seen[asset];
            _check(13, updatedAt >= seen.updatedAt, "time", int256(seen.updatedAt), int256(updatedAt));
            _check(13, round >= seen.round, "round", int256(seen.round), int256(uint256(round)));
            (seen.updatedAt, seen.round) = (updatedAt, round);
        }
    }

    // ---------------------------------------------------------------- worth

    /// @dev Of all accounts and the pool at the last accepted prices, whatever the feeds say.
    function _worth() internal view virtual returns (int256);

    /// @dev What of it roundings may hide, WAD.
    function _worthDust() internal view virtual returns (int256);
}
