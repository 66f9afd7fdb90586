// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IClearingHouse, PoolValuation, Reduction, Sale} from "../../contracts/interfaces/IClearingHouse.sol";
import {RoundHint} from "../../contracts/interfaces/IOracle.sol";
import {Terms} from "../../contracts/libraries/Risk.sol";
import {AccountState} from "../../contracts/types/AccountState.sol";
import {MarketStatus, SizeParameters, TradeParameters} from "../../contracts/types/AssetParameters.sol";
import {MarketWatch, Trigger} from "../../contracts/types/MarketWatch.sol";
import {ONE_64} from "../../contracts/types/SideIndex.sol";
import {ASSETS, GOVERNOR, marketCaps, MARKETS, SOL, TOKENS} from "./Protocol.sol";
import {PoolActions} from "./PoolActions.sol";

/// @notice What comes after a liquidation, or in place of it: take-overs, debts, insolvency, the crowded side, the end of a
/// market.
abstract contract WaterfallActions is PoolActions {
    int256 private constant REALISING_DUST = 16;
    /// @dev Roundings of a wei of the asset, WAD.
    int256 private constant DELEVERAGING_DUST = 1e7;

    // ---------------------------------------------------------------- accounts

    /// @notice Somebody healthy takes a slice of somebody unhealthy.
    function takeOver(uint256 seed) external action("@takeOver") {
        _refresh();
        uint256 account = _draw(seed, 1, 0, TRADING - 1);
        (bool held, uint256 asset) = _ensurePosition(account, seed);
        if (!held) return;
        bool long = _size(account, asset) > 0;
        uint256 steps = _random(seed, 2) % 8 == 0 ? 0 : 10;
        for (uint256 i = 0; i < steps && !_unhealthy(account); ++i) {
            _pushAgainst(asset, long, _draw(seed, 3 + i, 10, 100), seed);
        }
        bool unhealthy = _unhealthy(account) && p.clearingHouse.accountOf(accounts[account]).positions != 0;
        bool done = false;
        for (uint256 parts = 1; parts <= 64 && !done; parts *= 2) done = _takeSlice(account, parts);
        _check(6, unhealthy || !done, "healthy, taken over", 0, int256(account));
        if (unhealthy) _count("takeOver", done);
        else _countRefused("healthy, not taken over", !done);
        _restore(asset);
    }

    function _takeSlice(uint256 account, uint256 parts) private returns (bool ok) {
        (Reduction[] memory legs, ) = _slice(account, parts);
        if (legs.length == 0) return false;
        int256[MARKETS] memory sizes;
        for (uint256 asset = 0; asset < MARKETS; ++asset) sizes[asset] = _size(account, asset);
        int256 before = _margin(_terms(account, false));
        (ok, ) = _as(
            LIQUIDATOR,
            address(p.clearingHouse),
            abi.encodeCall(IClearingHouse.takeOver, (accounts[account], legs, accounts[LIQUIDATOR]))
        );
        if (!ok) return false;
        _checkShrunk(account, sizes);
        int256 afterwards = _margin(_terms(account, false));
        _check(7, afterwards > before, "take-over did not help", before, afterwards);
        _checkInitial(LIQUIDATOR, "taker");
    }

    /// @notice Collateral for the debt of somebody who owes too much against it. Never makes anybody liquidatable.
    function convert(uint256 seed) external action("@convert") {
        _refresh();
        uint256 account = _draw(seed, 1, 2, 3);
        if (p.clearingHouse.collateralOf(accounts[account], 0) == 0) _endow(account, 50_000e18);
        (bool open, uint256 asset) = _ensurePosition(account, seed);
        if (!open) return;
        uint256 held = p.clearingHouse.collateralOf(accounts[account], 0);
        bool long = _size(account, asset) > 0;
        Terms memory terms = _terms(account, false);
        for (uint256 i = 0; i < 16 && !_owesTooMuch(terms) && terms.equity > 0; ++i) {
            _pushAgainst(asset, long, _draw(seed, 3 + i, 10, 60), seed);
            terms = _terms(account, false);
        }
        bool due = _owesTooMuch(terms);
        int256 owed = int256(terms.collateralValue) - terms.equity;
        int256 margin = _margin(terms);
        bool done = false;
        for (uint256 parts = 2; parts <= 64 && !done; parts *= 2) {
            Sale[] memory sales = new Sale[](1);
            sales[0] = Sale(0, held / parts);
            (done, ) = _as(
                LIQUIDATOR,
                address(p.clearingHouse),
                abi.encodeCall(IClearingHouse.convert, (accounts[account], sales, accounts[LIQUIDATOR]))
            );
        }
        _check(6, due || !done, "converted without need", int256(terms.collateralValue), owed);
        if (done) {
            int256 afterwards = _margin(_terms(account, false));
            _check(7, afterwards > 0 || afterwards >= margin, "conversion hurt", margin, afterwards);
        }
        if (due) _count("convert", done);
        else _countRefused("no need, not converted", !done);
        _restore(asset);
    }

    /// @dev h > λ_M·Σ k·P, with λ_M as governance has left it.
    function _owesTooMuch(Terms memory terms) private view returns (bool) {
        int256 owed = int256(terms.collateralValue) - terms.equity;
        return owed > int256((terms.collateralValue * _globals().shortfallMaintenance()) / 1e6);
    }

    /// @notice Unrealised loss becomes debt; equity stays.
    function realise(uint256 seed) external action("@realise") {
        _refresh();
        uint256 account = _draw(seed, 1, 0, TRADING - 1);
        int256 before = _terms(account, false).equity;
        (bool ok, ) = _as(
            KEEPER,
            address(p.clearingHouse),
            abi.encodeCall(IClearingHouse.realise, (accounts[account]))
        );
        int256 change = _terms(account, false).equity - before;
        // Debts are rounded up, and each position that is written anew by a wei of its asset.
        int256 dust = REALISING_DUST;
        for (uint256 asset = 0; asset < MARKETS; ++asset) dust += answers[asset] / 1e8;
        _check(11, change <= dust && change >= -dust, "equity moved", before, change);
        _count("realise", ok);
    }

    /// @notice An account that has been ruined with an order pending keeps its debt until that order has ended; then
    /// anyone settles it.
    function settleDeficits(uint256 seed) external action("@settleDeficits") {
        _refresh();
        uint256 account = _draw(seed, 1, 0, 1);
        (bool held, uint256 asset) = _ensurePosition(account, seed);
        if (!held) return;
        if (pendingOrders[account].length == 0) _submitOrder(account, asset, -_size(account, asset) / 2, seed);
        _ruin(account, asset, seed);
        _liquidateSlice(account, 1);
        for (uint256 other = 0; other < TRADING; ++other) _settleDeficit(other);
        _endPending(account, seed);
        _settleDeficit(account);
        _restore(asset);
    }

    function _settleDeficit(uint256 account) private {
        AccountState memory state = p.clearingHouse.accountOf(accounts[account]);
        bool owing = state.positions == 0 && state.collaterals == 0 && state.pending == 0 && state.cash < 0;
        bool settled = _sequencerSettled();
        (bool ok, ) = _as(
            KEEPER,
            address(p.clearingHouse),
            abi.encodeCall(IClearingHouse.settleDeficit, (accounts[account]))
        );
        // In the grace after an outage nothing of the waterfall moves.
        if (!settled) return _countRefused("in grace, deficit left", !ok);
        _check(12, ok || !owing, "deficit not settled", int256(account), state.cash);
        if (ok) {
            _check(12, owing || state.positions != 0, "no deficit, settled", int256(account), state.cash);
            _check(12, _cash(account) >= 0, "deficit left by settling", 0, _cash(account));
        }
        if (owing) _count("settleDeficit", ok);
    }

    /// @notice A price falls through everything that an account with collateral has: its positions are closed, its
    /// collateral passes to insurance and is sold.
    function insolvency(uint256 seed) external action("@insolvency") {
        _refresh();
        uint256 account = _draw(seed, 1, 2, 3);
        if (p.clearingHouse.accountOf(accounts[account]).collaterals == 0) _endow(account, 50_000e18);
        (bool held, uint256 asset) = _ensurePosition(account, seed);
        if (!held) return;
        _endPending(account, seed);
        _ruin(account, asset, seed);
        (Reduction[] memory legs, ) = _slice(account, 1);
        bool ok = true;
        if (legs.length != 0) {
            (ok, ) = _as(LIQUIDATOR, address(p.clearingHouse), _liquidation(account, legs, new Sale[](0)));
        }
        if (ok) _seize(account, seed);
        _restore(asset);
        _clearInsolvency(account);
    }

    /// @dev Until nothing is left of the account.
    function _ruin(uint256 account, uint256 asset, uint256 seed) private {
        int256 size = _size(account, asset);
        for (uint256 i = 0; i < 14 && size != 0 && _terms(account, false).equity > 0; ++i) {
            _pushAgainst(asset, size > 0, _draw(seed, 70 + i, 100, 180), seed);
        }
    }

    function _seize(uint256 account, uint256 seed) private {
        AccountState memory state = p.clearingHouse.accountOf(accounts[account]);
        bool owing = state.positions == 0 && state.collaterals != 0 && state.cash + int256(state.escrow) < 0;
        bool insolvent = owing && _terms(account, false).equity <= 0 && _sequencerSettled();
        bool ok = true;
        if (p.clearingHouse.insolventSince(accounts[account]) == 0) {
            (ok, ) = _as(
                KEEPER,
                address(p.clearingHouse),
                abi.encodeCall(IClearingHouse.flagInsolvent, (accounts[account]))
            );
            _check(12, ok || !insolvent, "insolvency not found", int256(account), state.cash);
            if (ok || insolvent) _count("flagInsolvent", ok);
            if (!ok) return;
        }
        _check(12, p.clearingHouse.ledger().pendingLosses != 0, "loss not pending", 1, 0);
        bytes memory seizure = abi.encodeCall(IClearingHouse.seize, (accounts[account]));
        if (_random(seed, 62) % 4 == 0) {
            _wait(9 minutes);
            (ok, ) = _as(KEEPER, address(p.clearingHouse), seizure);
            _countRefused("seized too early, refused", !ok);
        }
        _wait(_draw(seed, 60, 10, 12) * 1 minutes);
        _refresh();
        (ok, ) = _as(KEEPER, address(p.clearingHouse), seizure);
        _count("seize", ok);
        if (!ok) return;
        _check(12, _cash(account) >= 0, "deficit left by seizure", 0, _cash(account));
        _wait(_draw(seed, 61, 0, 50) * 1 minutes);
        _refresh();
        for (uint256 token = 0; token < TOKENS; ++token) {
            (uint256 amount, , ) = p.clearingHouse.seizedOf(token);
            if (amount == 0) continue;
            (ok, ) = _as(
                LIQUIDATOR,
                address(p.clearingHouse),
                abi.encodeCall(IClearingHouse.buySeized, (Sale(token, amount), accounts[LIQUIDATOR]))
            );
            _count("buySeized", ok);
        }
    }

    /// @dev Whoever is solvent again holds up no provider.
    function _clearInsolvency(uint256 account) private {
        if (p.clearingHouse.insolventSince(accounts[account]) == 0) return;
        bool solvent = _terms(account, false).equity > 0 && _sequencerSettled();
        (bool ok, ) = _as(
            KEEPER,
            address(p.clearingHouse),
            abi.encodeCall(IClearingHouse.clearInsolvency, (accounts[account]))
        );
        _check(12, ok || !solvent, "solvent, still flagged", int256(account), int256(clock));
        if (solvent) _count("clearInsolvency", ok);
    }

    // ---------------------------------------------------------------- the crowded side

    /// @notice Prices run with the crowd until the pool has had enough; then its side is cut, or its profits.
    function rally(uint256 seed) external action("@rally") {
        _refresh();
        uint256 asset = _market(seed);
        (uint256 long, , uint256 short, , ) = p.clearingHouse.marketOf(asset);
        if (long == short) {
            (bool held, uint256 other) = _ensurePosition(_draw(seed, 6, 0, TRADING - 1), seed);
            if (!held) return;
            asset = other;
            (long, , short, , ) = p.clearingHouse.marketOf(asset);
        }
        bool up = long > short;
        for (uint256 i = _draw(seed, 2, 3, 16); i != 0 && p.clearingHouse.poolValuation().equity >= 0; --i) {
            _pushAgainst(asset, !up, 120, _random(seed, 10 + i));
        }
        // A pool that has grown rich stands it: then there is only the side to cut. A poor one may have its profits cut at once.
        if (p.clearingHouse.poolValuation().equity >= 0 || _random(seed, 4) % 2 == 0) _deleverage(asset, seed);
        _cutProfits();
        // The price stays where it is one time in four.
        if (_random(seed, 3) % 4 != 0) _restore(asset);
    }

    /// @notice The skew cap is lowered below what is open; after an hour's patience the crowded side is cut.
    function deleverage(uint256 seed) external action("@deleverage") {
        _refresh();
        uint256 asset = _market(seed);
        (uint256 long, , uint256 short, , ) = p.clearingHouse.marketOf(asset);
        uint256 skew = long > short ? long - short : short - long;
        if (skew < _skewCap(asset) / 100) {
            (bool held, uint256 other) = _ensurePosition(_draw(seed, 6, 0, TRADING - 1), seed);
            if (!held) return;
            asset = other;
            (long, , short, , ) = p.clearingHouse.marketOf(asset);
            skew = long > short ? long - short : short - long;
        }
        _lowerSkewCap(asset, skew / _draw(seed, 2, 3, 10));
        _as(KEEPER, address(p.clearingHouse), abi.encodeCall(IClearingHouse.flagDeleveraging, (asset)));
        _wait(61 minutes);
        _refresh();
        for (uint256 i = _draw(seed, 8, 1, 3); i != 0; --i) _deleverage(asset, _random(seed, 80 + i));
        // Whoever has lost a hedge by it has a while to find another: both sides of the hedge move alike.
        uint256 hedged = (asset + _draw(seed, 9, 1, MARKETS - 1)) % MARKETS;
        for (uint256 i = _draw(seed, 7, 0, 5); i != 0; --i) {
            uint256 step = _draw(seed, 90 + i, 10, 80);
            _pushAgainst(asset, long < short, step, seed);
            _pushAgainst(hedged, long < short, step, seed);
            _liquidateAny(_random(seed, 100 + i));
        }
        _restore(asset);
        _restore(hedged);
        _lowerSkewCap(asset, _skewCap(asset));
    }

    function _skewCap(uint256 asset) private pure returns (uint256 cap) {
        (, cap) = marketCaps(asset);
    }

    /// @dev At once where that flags nobody, otherwise by half a day.
    function _lowerSkewCap(uint256 asset, uint256 cap) private {
        (uint256 openInterest, ) = marketCaps(asset);
        while (true) {
            (uint256 long, , uint256 short, , ) = p.clearingHouse.marketOf(asset);
            uint256 harmless = ((long > short ? long - short : short - long) + 1) / 2;
            (, , TradeParameters trade) = p.clearingHouse.parametersOf(asset);
            uint256 next = trade.skewCap();
            if (cap < harmless && cap < next) {
                next = next > harmless ? harmless : (next + 1) / 2;
                if (next < cap) next = cap;
            } else {
                next = cap;
            }
            if (next < harmless && next < trade.skewCap()) {
                uint256 last = p.clearingHouse.changedAt("skewCap", asset);
                if (last != 0 && clock < last + 1 days) _wait(last + 1 days - clock);
                _refresh();
            }
            (bool ok, ) = _send(
                GOVERNOR,
                address(p.clearingHouse),
                abi.encodeCall(IClearingHouse.setLimits, (asset, openInterest, 900_000, next, 600, 200, 50_000e18))
            );
            // Half of a wei is none: a cap of one stays, while anybody is skewed.
            if (!ok || next == cap || next == trade.skewCap()) return;
        }
    }

    function _deleverage(uint256 asset, uint256 seed) private {
        uint256 boundary = p.clearingHouse.watchOf(asset).flaggedAt();
        if (boundary == 0) {
            (bool flagged, bytes memory trigger) = _as(
                KEEPER,
                address(p.clearingHouse),
                abi.encodeCall(IClearingHouse.flagDeleveraging, (asset))
            );
            if (!flagged || abi.decode(trigger, (Trigger)) == Trigger.None) return;
            _count("flagDeleveraging", true);
        }
        MarketWatch watch = p.clearingHouse.watchOf(asset);
        _settleMarkets(seed);
        Settled memory right = _settled(asset, watch.phase(), watch.flaggedAt());
        _probeHints(seed, asset, watch.phase(), watch.flaggedAt(), right);
        (uint256 long, , uint256 short, , ) = p.clearingHouse.marketOf(asset);
        ShareValue memory before = _shareValue();
        (bool ok, bytes memory result) = _as(
            KEEPER,
            address(p.clearingHouse),
            abi.encodeCall(IClearingHouse.deleverage, (asset, right.hint))
        );
        if (right.provable) _count("deleverage", ok);
        if (!ok) return;
        _checkDeleveraged(asset, long, short, abi.decode(result, (uint256)));
        // At the price that it is valued at: what the side is paid as impact has been held for it.
        if (right.price != uint256(answers[asset]) * FEED_UNIT) return;
        ShareValue memory afterwards = _shareValue();
        int256 change = afterwards.value - before.value;
        _check(10, change >= -DELEVERAGING_DUST, "share value by deleveraging", before.value, afterwards.value);
        _check(10, change <= DELEVERAGING_DUST, "crowd underpaid", before.value, afterwards.value);
    }

    /// @dev Only the crowded side loses, and it stays the crowded side.
    function _checkDeleveraged(uint256 asset, uint256 long, uint256 short, uint256 closed) private {
        (uint256 longAfter, , uint256 shortAfter, , ) = p.clearingHouse.marketOf(asset);
        bool crowded = long > short;
        if (!crowded) (long, longAfter, short, shortAfter) = (short, shortAfter, long, longAfter);
        _check(7, short == shortAfter, "the other side moved", int256(short), int256(shortAfter));
        _check(7, long == longAfter + closed, "closed is not gone", int256(closed), int256(long - longAfter));
        if (closed != 0) _count("deleverage closes", longAfter >= shortAfter);
    }

    function _cutProfits() private {
        PoolValuation memory pool = p.clearingHouse.poolValuation();
        bool insolvent = pool.equity < 0 && pool.live;
        (bool ok, uint256 cut) = _cut();
        _check(6, insolvent || !ok, "profits cut without need", 0, pool.equity);
        if (!insolvent) return;
        _count("cutProfits", ok);
        // Where a side is closed whole the pool may have to hold more premium: then the next call goes on, unless there is no
        // more to cut.
        int256 equity = p.clearingHouse.poolValuation().equity;
        for (uint256 i = 0; i < 2 * MARKETS && ok && cut != ONE_64 && equity < 0; ++i) {
            (ok, cut) = _cut();
            equity = p.clearingHouse.poolValuation().equity;
        }
        _check(4, !ok || cut == ONE_64 || equity >= 0, "pool still insolvent", pool.equity, equity);
    }

    function _cut() private returns (bool ok, uint256 cut) {
        bytes memory result;
        (ok, result) = _as(KEEPER, address(p.clearingHouse), abi.encodeCall(IClearingHouse.cutProfits, ()));
        if (ok) cut = abi.decode(result, (uint256));
    }

    // ---------------------------------------------------------------- the end of a market

    /// @notice One market ends; what is open in it becomes cash, and is fetched by anyone.
    function windDown(uint256 seed) external action("@windDown") {
        _refresh();
        _closeUnlisted(seed);
        (, SizeParameters sizes, ) = p.clearingHouse.parametersOf(SOL);
        MarketStatus status = sizes.status();
        if (status == MarketStatus.Closed) return _fetchClosed();
        if (status != MarketStatus.Closing) {
            if (_random(seed, 1) % 2 == 0) {
                (bool early, ) = _as(
                    KEEPER,
                    address(p.clearingHouse),
                    abi.encodeCall(IClearingHouse.closeMarket, (SOL, RoundHint(0, 0)))
                );
                _check(14, !early, "closed unannounced", 0, int256(clock));
                _countRefused("unannounced, not closed", !early);
                return _done();
            }
            (bool announced, ) = _send(
                GOVERNOR,
                address(p.clearingHouse),
                abi.encodeCall(IClearingHouse.windDown, (SOL))
            );
            _count("windDown", announced);
            return;
        }
        MarketWatch watch = p.clearingHouse.watchOf(SOL);
        if (clock <= watch.closesAt()) {
            _wait(watch.closesAt() + 1 - clock);
            _refresh();
            _push(SOL, answers[SOL]);
            _wait(1);
        }
        Settled memory right = _settled(SOL, watch.phase(), watch.closesAt());
        (bool ok, ) = _as(
            KEEPER,
            address(p.clearingHouse),
            abi.encodeCall(IClearingHouse.closeMarket, (SOL, right.hint))
        );
        if (right.provable) _count("closeMarket", ok);
        if (!ok) return;
        (uint256 long, , uint256 short, , ) = p.clearingHouse.marketOf(SOL);
        _check(1, long == 0 && short == 0, "closed market holds size", int256(long), int256(short));
    }

    /// @dev By an index that nobody has listed: beyond the last, or one that multiplies to the words of another asset.
    function _closeUnlisted(uint256 seed) private {
        uint256 asset =
            _random(seed, 2) % 2 == 0
                ? SOL + (_draw(seed, 3, 1, 31) << 251)
                : _draw(seed, 3, ASSETS, type(uint256).max);
        (bool ok, ) = _as(
            KEEPER,
            address(p.clearingHouse),
            abi.encodeCall(IClearingHouse.closeMarket, (asset, RoundHint(0, 0)))
        );
        _check(14, !ok, "closed an unlisted market", 0, int256(asset));
        _countRefused("unlisted, not closed", !ok);
    }

    /// @dev What was open in a closed market is cash for whoever asks.
    function _fetchClosed() private {
        for (uint256 i = 0; i < TRADING; ++i) {
            if ((p.clearingHouse.accountOf(accounts[i]).positions >> SOL) & 1 == 0) continue;
            (bool ok, ) = _as(KEEPER, address(p.clearingHouse), abi.encodeCall(IClearingHouse.realise, (accounts[i])));
            _count("realise closed", ok);
            if (!ok) continue;
            _check(1, (p.clearingHouse.accountOf(accounts[i]).positions >> SOL) & 1 == 0, "still open", 0, int256(i));
        }
        _done();
    }

    /// @dev In steps that the feed would make.
    function _restore(uint256 asset) private {
        for (uint256 i = 0; i < 8; ++i) {
            int256 before = answers[asset];
            _steerBack(asset);
            if (answers[asset] == before) break;
        }
    }
}
