// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IClearingHouse, Reduction, Sale} from "../../contracts/interfaces/IClearingHouse.sol";
import {Exposure, Risk} from "../../contracts/libraries/Risk.sol";
import {AccountState} from "../../contracts/types/AccountState.sol";
import {Conditions} from "../../contracts/types/Conditions.sol";
import {GroupParameters} from "../../contracts/types/GlobalParameters.sol";
import {MARKETS, TOKENS, WBTC} from "./Protocol.sol";
import {TraderActions} from "./TraderActions.sol";

/// @notice Liquidators, honest and not.
abstract contract KeeperActions is TraderActions {
    uint256 private constant LEAST_NOTIONAL = 21e18;

    /// @notice Whoever can be liquidated is; without such a one, somebody healthy is tried.
    function liquidate(uint256 seed) external action("@liquidate") {
        _refresh();
        _liquidateAny(seed);
        // Where nobody can be liquidated, somebody has been spared.
        _done();
    }

    /// @notice Moves a price against somebody until anybody falls, and liquidates.
    function squeeze(uint256 seed) external action("@squeeze") {
        _refresh();
        uint256 account = _draw(seed, 1, 0, TRADING - 1);
        (bool held, uint256 asset) = _ensurePosition(account, seed);
        if (!held) return;
        bool long = _size(account, asset) > 0;
        for (uint256 i = 0; i < 8; ++i) {
            _pushAgainst(asset, long, _draw(seed, 2 + i, 10, 150), seed);
            if (_liquidateAny(_random(seed, 1_000 + i))) break;
        }
        _steerBack(asset);
    }

    /// @param step Against holders of that side, 1e-3; below the jump limit.
    function _pushAgainst(uint256 asset, bool long, uint256 step, uint256 seed) internal {
        _wait(_draw(seed, 50, 12, 60));
        _push(asset, answers[asset] + ((long ? -int256(step) : int256(step)) * answers[asset]) / 1_000);
        p.oracle.update(1 << asset);
    }

    function _liquidateAny(uint256 seed) internal returns (bool any) {
        uint256 start = _random(seed, 40);
        for (uint256 i = 0; i < TRADING; ++i) {
            uint256 account = (start + i) % TRADING;
            if (!_unhealthy(account)) continue;
            _liquidateUnhealthy(account, seed);
            return true;
        }
        _liquidateHealthy(start % TRADING, seed);
    }

    /// @notice Invariant 6, second half: the same slice of everything, small enough, is always a liquidation.
    function _liquidateUnhealthy(uint256 account, uint256 seed) private {
        bool closable = _isClosable(account);
        uint256 parts = 1;
        bool done = false;
        // An adversary comes first: with more than is there, or for one leg of what may be a hedge.
        if (_random(seed, 41) % 4 == 0) _liquidateTooMuch(account, seed);
        if (_random(seed, 41) % 4 == 1) {
            done = _liquidateLeg(account, seed);
            if (done) return;
        }
        for (; parts <= 256 && !done; parts *= 2) done = _liquidateSlice(account, parts);
        _check(6, done || !closable, "unhealthy, not liquidatable", int256(account), int256(clock));
        if (closable) _count("liquidate", done);
        else if (_formerMargin(account) > 0) _countRefused("in its grace, spared", !done);
    }

    /// @notice Invariant 6, first half.
    function _liquidateHealthy(uint256 account, uint256 seed) private {
        uint256 parts = _draw(seed, 42, 1, 4);
        int256 margin = _margin(_terms(account, false));
        bool done = _liquidateSlice(account, parts);
        AccountState memory state = p.clearingHouse.accountOf(accounts[account]);
        _check(6, !done || margin <= 0, "healthy, liquidated", int256(account), margin);
        if (state.positions != 0) _countRefused("healthy, spared", !done);
    }

    function _liquidateTooMuch(uint256 account, uint256 seed) private {
        (bool held, uint256 asset) = _heldMarket(account, seed);
        if (!held) return;
        int256 size = _size(account, asset);
        Reduction[] memory legs = new Reduction[](1);
        uint256 kind = _random(seed, 43) % 3;
        // More than there is, more of it, or nothing.
        legs[0] = Reduction(
            asset,
            kind == 0
                ? -2 * size
                : kind == 1
                    ? size
                    : int256(0)
        );
        (bool ok, ) = _as(LIQUIDATOR, address(p.clearingHouse), _liquidation(account, legs, new Sale[](0)));
        _check(7, !ok, "more than a slice", size, legs[0].delta);
        _countRefused("not a slice, refused", !ok);
    }

    function _liquidateLeg(uint256 account, uint256 seed) private returns (bool) {
        (bool held, uint256 asset) = _heldMarket(account, seed);
        if (!held) return false;
        Reduction[] memory legs = new Reduction[](1);
        legs[0] = Reduction(asset, -_size(account, asset) / int256(_draw(seed, 44, 1, 8)));
        return _liquidateBasket(account, legs, new Sale[](0));
    }

    /// @dev Liquidates one part in `parts` of all that is live.
    function _liquidateSlice(uint256 account, uint256 parts) internal returns (bool ok) {
        (Reduction[] memory legs, Sale[] memory sales) = _slice(account, parts);
        return _liquidateBasket(account, legs, sales);
    }

    /// @dev Holds the end against invariants 6, 7 and 12.
    function _liquidateBasket(uint256 account, Reduction[] memory legs, Sale[] memory sales) private returns (bool ok) {
        int256[MARKETS] memory sizes;
        for (uint256 asset = 0; asset < MARKETS; ++asset) sizes[asset] = _size(account, asset);
        int256 before = _margin(_terms(account, false));
        int256 former = _formerMargin(account);
        (ok, ) = _as(LIQUIDATOR, address(p.clearingHouse), _liquidation(account, legs, sales));
        if (!ok) return false;

        _check(6, former <= 0, "liquidated in its grace", before, former);
        _checkShrunk(account, sizes);
        int256 afterwards = _margin(_terms(account, false));
        _check(7, afterwards > before, "health not improved", before, afterwards);
        AccountState memory state = p.clearingHouse.accountOf(accounts[account]);
        if ((state.positions | state.collaterals) != 0) return ok;
        _check(12, state.cash >= 0 || state.pending != 0, "deficit left", 0, state.cash);
        // What the escrow of its orders does not cover is a loss before they end; of a debt without a loss up to a share
        // more is owed once it is kept in shares, which are worth less than two wei each.
        bool covered = state.cash + int256(state.escrow) >= -2;
        bool pending = p.clearingHouse.insolventSince(accounts[account]) != 0 && _isBlocked();
        _check(12, covered || pending, "loss not pending", state.cash, int256(state.escrow));
    }

    function _isBlocked() private view returns (bool) {
        return p.clearingHouse.poolValuation().blocked;
    }

    function _checkShrunk(uint256 account, int256[MARKETS] memory sizes) internal {
        for (uint256 asset = 0; asset < MARKETS; ++asset) {
            int256 size = _size(account, asset);
            bool shrunk = sizes[asset] < 0 ? size <= 0 && size >= sizes[asset] : size >= 0 && size <= sizes[asset];
            _check(7, shrunk, "size grew", sizes[asset], size);
        }
    }

    function _liquidation(
        uint256 account,
        Reduction[] memory legs,
        Sale[] memory sales
    ) internal view returns (bytes memory) {
        return abi.encodeCall(IClearingHouse.liquidate, (accounts[account], legs, sales, accounts[LIQUIDATOR]));
    }

    /// @dev A part of every live leg and collateral; a rest too small to stand is taken along.
    function _slice(
        uint256 account,
        uint256 parts
    ) internal view returns (Reduction[] memory legs, Sale[] memory sales) {
        (, Exposure[] memory exposures, ) = p.clearingHouse.snapshot(accounts[account]);
        legs = new Reduction[](exposures.length);
        sales = new Sale[](TOKENS);
        (uint256 legCount, uint256 saleCount) = (0, 0);
        for (uint256 i = 0; i < exposures.length; ++i) {
            Exposure memory e = exposures[i];
            if (!e.price.liquidatable()) continue;
            if (e.size != 0) {
                int256 delta = -e.size / int256(parts);
                int256 rest = e.size + delta;
                if (rest < 0) rest = -rest;
                if (delta == 0 || (uint256(rest) * e.price.last()) / 1e18 < LEAST_NOTIONAL) delta = -e.size;
                legs[legCount++] = Reduction(e.asset, delta);
            }
            if (e.collateral != 0) {
                uint256 amount = e.collateral / parts;
                sales[saleCount++] = Sale(e.asset == WBTC ? 1 : 0, amount == 0 ? e.collateral : amount);
            }
        }
        assembly ("memory-safe") {
            mstore(legs, legCount)
            mstore(sales, saleCount)
        }
    }

    /// @dev E − R_M with the sizes that a deleveraging has cut of late; the least there is without any.
    function _formerMargin(uint256 account) private view returns (int256) {
        (AccountState memory state, Exposure[] memory exposures, ) = p.clearingHouse.snapshot(accounts[account]);
        bool any = false;
        for (uint256 i = 0; i < exposures.length; ++i) {
            Exposure memory e = exposures[i];
            if (e.size == 0) continue;
            (bool graced, int256 size, int256 quote) = p.clearingHouse.formerPositionOf(accounts[account], e.asset);
            if (!graced) continue;
            any = true;
            (e.size, e.quote) = (size, quote);
        }
        if (!any) return type(int256).min;
        (, GroupParameters groups, ) = p.clearingHouse.globals();
        return _margin(Risk.assess(exposures, state.cash + int256(state.escrow), groups, clock, false));
    }

    /// @dev Whether nothing but its owner's bad luck stands between the account and its liquidation.
    function _isClosable(uint256 account) private view returns (bool) {
        (, Exposure[] memory exposures, Conditions conditions) = p.clearingHouse.snapshot(accounts[account]);
        for (uint256 i = 0; i < exposures.length; ++i) {
            if (!exposures[i].price.liquidatable()) return false;
        }
        if (_formerMargin(account) > 0) return false;
        return conditions.sequencerSettled() && _cash(LIQUIDATOR) > 10_000_000e18;
    }

    /// @dev Prices walk back towards where they started, so that sizes and caps stay in proportion.
    function _steerBack(uint256 asset) internal virtual;
}
