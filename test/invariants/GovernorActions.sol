// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IClearingHouse, SETTLEMENT} from "../../contracts/interfaces/IClearingHouse.sol";
import {Terms} from "../../contracts/libraries/Risk.sol";
import {Environment, FeedLimits} from "../../contracts/oracles/IPriceOracle.sol";
import {RiskRates, SizeParameters} from "../../contracts/types/AssetParameters.sol";
import {GlobalSettings, MAX_GROUPS, MoneySettings} from "../../contracts/types/GlobalParameters.sol";
import {OrderSettings} from "../../contracts/types/OrderParameters.sol";
import {
    ALL_ASSETS,
    ASSETS,
    BTC,
    ETH,
    feedLimits,
    GOVERNOR,
    marketCaps,
    MARKETS,
    moneySettings,
    orderSettings,
    TOKENS
} from "./Protocol.sol";
import {WaterfallActions} from "./WaterfallActions.sol";

/// @notice Governance at its bounds. Invariant 14: no change moves a user's tokens or anybody's health in its block.
abstract contract GovernorActions is WaterfallActions {
    uint256 private constant FEED = 10;
    uint256 private constant ENVIRONMENT = 11;
    uint256 private constant DEPTH = 14;

    struct Holdings {
        int256[ACCOUNTS] equity;
        uint256[ACCOUNTS] maintenance;
        int256[ACCOUNTS] cash;
        uint256[TOKENS][ACCOUNTS] collateral;
        uint256[TOKENS + 1] vaulted;
    }

    function govern(uint256 seed) external action("@govern") {
        _refresh();
        uint256 kind = _random(seed, 1) % 16;
        if (kind == FEED) _age(seed);
        Holdings memory before = _holdings();
        bool ok = _change(seed, kind, true);
        _checkHoldings(before, kind);
        _count("govern", ok);
        if (kind == FEED) return _restoreFeed(seed);
        if (kind == ENVIRONMENT && !_sequencerSettled()) {
            // No grace becomes shorter while it runs.
            _wait(1 days);
            _refresh();
            before = _holdings();
        }
        // Most extremes do not last, so that there is something left to govern; those of guards never do.
        if (kind == ENVIRONMENT || _random(seed, 2) % 4 != 0) _change(seed, kind, false);
        _checkHoldings(before, kind);
    }

    /// @dev Limits of feeds meet fresh prices and old ones.
    function _age(uint256 seed) private {
        p.oracle.update(ALL_ASSETS);
        _wait(_draw(seed, 9, 0, 2 hours));
    }

    function _restoreFeed(uint256 seed) private {
        uint256 asset = _draw(seed, 3, 0, ASSETS - 1);
        _push(asset, answers[asset]);
        p.oracle.update(1 << asset);
        _change(seed, FEED, false);
    }

    /// @param extreme Otherwise back to what was deployed.
    function _change(uint256 seed, uint256 kind, bool extreme) private returns (bool ok) {
        uint256 asset = _draw(seed, 3, 0, MARKETS - 1);
        address house = address(p.clearingHouse);
        if (kind == 0) return _govern(house, _ramp(seed, asset, extreme));
        if (kind == 1) return _govern(house, _limits(seed, asset, extreme));
        if (kind == 2) {
            bool open = _isOpen(asset);
            if (open != extreme) return true;
            if (open) return _govern(house, abi.encodeCall(IClearingHouse.restrictMarket, (asset)));
            return _govern(house, abi.encodeCall(IClearingHouse.reopenMarket, (asset)));
        }
        if (kind == 3) return _govern(house, _money(seed, extreme));
        if (kind == 4) {
            uint256 cooldown = extreme ? _extreme(seed, 4, 1 hours, 7 days) : 1 hours;
            uint256 deviation = extreme ? _extreme(seed, 5, 500, 20_000) : 5_000;
            _govern(address(p.pool), abi.encodeCall(p.pool.setCooldown, (cooldown)));
            return _govern(address(p.pool), abi.encodeCall(p.pool.setDeviation, (deviation)));
        }
        if (kind == 5) {
            uint256 cap = extreme ? _extreme(seed, 4, 0, 1_000_000_000e6) : 1_000_000_000e6;
            uint256 limit = extreme ? cap : 0;
            _govern(address(p.vault), abi.encodeCall(p.vault.setCap, (SETTLEMENT, cap)));
            ok = _govern(address(p.vault), abi.encodeCall(p.vault.setOutflowLimit, (SETTLEMENT, limit)));
            // A cap below what is held would stop every deposit that follows.
            _govern(address(p.vault), abi.encodeCall(p.vault.setOutflowLimit, (SETTLEMENT, 0)));
            _govern(address(p.vault), abi.encodeCall(p.vault.setCap, (SETTLEMENT, 1_000_000_000e6)));
            return ok;
        }
        if (kind == 6) {
            OrderSettings memory settings = orderSettings();
            if (extreme) {
                settings.delay = _extreme(seed, 4, 5, 30);
                settings.band = _extreme(seed, 5, 100, 200_000);
                settings.fixedPay = _extreme(seed, 6, 0, 200) * 0.1e18;
                settings.executionWindow = _extreme(seed, 7, 60, 3_600);
            }
            return _govern(address(p.orders), abi.encodeCall(p.orders.setParameters, (settings)));
        }
        if (kind == 7) {
            if (extreme) return _govern(house, abi.encodeCall(IClearingHouse.pause, ()));
            return _govern(house, abi.encodeCall(IClearingHouse.unpause, ()));
        }
        if (kind == 8) return !extreme || _payOut(seed);
        if (kind == FEED) return _configure(seed, extreme);
        if (kind == ENVIRONMENT) return _setEnvironment(seed, extreme);
        if (kind == 12) {
            uint256 share = extreme ? _extreme(seed, 4, 10_000, 500_000) : 50_000;
            return _govern(address(p.insuranceFund), abi.encodeCall(p.insuranceFund.setTargetShare, (share)));
        }
        if (kind == 13) return _govern(house, _margins(seed, extreme));
        if (kind == DEPTH) return _govern(house, _depth(seed, asset));
        if (kind == 15) return _govern(house, _shares(seed, extreme));
        (, , , uint256 fees, , ) = p.clearingHouse.balances();
        if (fees == 0 || !extreme) return true;
        // To the keeper's account, which the checks leave out.
        return _govern(house, abi.encodeCall(IClearingHouse.payProtocolFees, (accounts[KEEPER], fees)));
    }

    /// @dev Guards of a feed. A price that they make doubtful may spare an account, and never hurt it.
    function _configure(uint256 seed, bool extreme) private returns (bool) {
        uint256 asset = _draw(seed, 3, 0, ASSETS - 1);
        FeedLimits memory limits = feedLimits(asset);
        if (extreme) {
            limits.maxAge = uint24(_extreme(seed, 4, 1 minutes, 3 days));
            limits.window = uint24(_extreme(seed, 5, limits.maxAge, 7 days));
            limits.jump = uint24(_extreme(seed, 6, 5_000, 500_000));
            limits.spread = uint24(_extreme(seed, 7, 1_000, 1_000_000));
            limits.deadAfter = uint32(_extreme(seed, 8, limits.maxAge, 30 days));
        }
        return _govern(address(p.oracle), abi.encodeCall(p.oracle.configure, (asset, limits)));
    }

    function _setEnvironment(uint256 seed, bool extreme) private returns (bool) {
        Environment memory environment = p.oracle.environment();
        (environment.sequencerGrace, environment.haltGrace) = (1 hours, 10 minutes);
        (environment.pegLow, environment.pegHigh) = (0.98e18, 1.02e18);
        if (extreme) {
            environment.sequencerGrace = uint24(_extreme(seed, 4, 5 minutes, 1 days));
            environment.haltGrace = uint24(_extreme(seed, 5, 5 minutes, 1 days));
            environment.pegLow = uint96(_extreme(seed, 6, 0.9e18, 1e18));
            environment.pegHigh = uint96(_extreme(seed, 7, 1e18, 1.1e18));
        }
        return _govern(address(p.oracle), abi.encodeCall(p.oracle.setEnvironment, (environment)));
    }

    function _payOut(uint256 seed) private returns (bool) {
        uint256 surplus = p.insuranceFund.surplus();
        if (surplus == 0) return true;
        uint256 amount = _draw(seed, 4, 1, surplus);
        return _govern(address(p.insuranceFund), abi.encodeCall(p.insuranceFund.payOut, (accounts[KEEPER], amount)));
    }

    function _money(uint256 seed, bool extreme) private view returns (bytes memory) {
        MoneySettings memory settings = moneySettings(lossBudget);
        if (extreme) {
            settings.minNotional = _extreme(seed, 4, 0, 20_00);
            settings.smallRequirement = _extreme(seed, 5, 0, 2 * settings.smallRequirement);
            settings.flatReward = _extreme(seed, 6, 0, 10_000_000);
            settings.unattributedCap = _extreme(seed, 7, 0, type(uint32).max);
            settings.borrowKink = _extreme(seed, 8, 100_000, 1_000_000);
            settings.borrowRateFull = _extreme(seed, 9, 0, 2_000_000);
            settings.borrowRateKink = _extreme(seed, 10, 0, settings.borrowRateFull);
            settings.lossBudget = _extreme(seed, 11, (lossBudget + 1) / 2, 1_000_000);
        }
        return abi.encodeCall(IClearingHouse.setMoney, (settings));
    }

    function _ramp(uint256 seed, uint256 asset, bool extreme) private view returns (bytes memory) {
        RiskRates memory target =
            asset == ETH
                ? RiskRates(50_000, 15_000, 3_000, 50_000)
                : asset == BTC
                    ? RiskRates(45_000, 12_000, 3_000, 50_000)
                    : RiskRates(90_000, 40_000, 6_000, 100_000);
        if (extreme) {
            target.beta = _extreme(seed, 4, target.beta / 2, target.beta * 2);
            target.sigma = _extreme(seed, 5, target.sigma, target.sigma * 2);
            target.gamma = _extreme(seed, 6, target.gamma, target.gamma * 2);
        }
        uint256 duration = _draw(seed, 7, 1 days, 3 days);
        return abi.encodeCall(IClearingHouse.rampRisk, (asset, target, duration));
    }

    function _limits(uint256 seed, uint256 asset, bool extreme) private view returns (bytes memory) {
        (uint256 cap, uint256 skew) = marketCaps(asset);
        (uint256 share, uint256 taker, uint256 maker) = (900_000, 600, 200);
        if (extreme) {
            cap = _extreme(seed, 4, 0, cap);
            skew = _extreme(seed, 5, skew / 2, skew);
            share = _extreme(seed, 6, 0, 10_000_000);
            taker = _extreme(seed, 7, 0, 1_000);
            maker = _extreme(seed, 8, 0, taker);
        }
        return abi.encodeCall(IClearingHouse.setLimits, (asset, cap, share, skew, taker, maker, 50_000e18));
    }

    function _margins(uint256 seed, bool extreme) private view returns (bytes memory) {
        uint256 factor = 600_000;
        uint256[MAX_GROUPS] memory floors;
        for (uint256 g = 0; g < MAX_GROUPS; ++g)
            floors[g] =
                g == 0
                    ? 250_000
                    : g == 1
                        ? 500_000
                        : 1_000_000;
        if (extreme) {
            factor = _extreme(seed, 4, 580_000, 700_000);
            floors[0] = _extreme(seed, 5, 100_000, 500_000);
            floors[1] = _extreme(seed, 6, 250_000, 750_000);
        }
        uint256 duration = _draw(seed, 7, 1 days, 3 days);
        return abi.encodeCall(IClearingHouse.rampMargins, (factor, floors, duration));
    }

    /// @dev There is no way back within a day.
    function _depth(uint256 seed, uint256 asset) private view returns (bytes memory) {
        (, SizeParameters sizes, ) = p.clearingHouse.parametersOf(asset);
        uint256 depth = sizes.depth();
        return
            abi.encodeCall(IClearingHouse.setDepth, (asset, _extreme(seed, 4, depth - depth / 20, depth + depth / 20)));
    }

    function _shares(uint256 seed, bool extreme) private view returns (bytes memory) {
        GlobalSettings memory settings = GlobalSettings({
            shortfallInitial: 500_000,
            shortfallMaintenance: 700_000,
            protocolFeeShare: 100_000,
            insuranceFeeShare: 200_000,
            markMaxAge: 1 hours,
            liquidationTarget: 500_000,
            liquidationPenalty: 100_000,
            liquidatorShare: 500_000,
            deepLoss: 500_000,
            takeoverDiscount: 20_000
        });
        if (extreme) {
            settings.shortfallMaintenance = _extreme(seed, 4, 650_000, 750_000);
            settings.liquidationTarget = _extreme(seed, 5, 400_000, 600_000);
            settings.liquidationPenalty = _extreme(seed, 6, 90_000, 110_000);
            settings.liquidatorShare = _extreme(seed, 7, 400_000, 600_000);
            settings.deepLoss = _extreme(seed, 8, 400_000, 600_000);
            settings.takeoverDiscount = _extreme(seed, 9, 15_000, 25_000);
        }
        return abi.encodeCall(IClearingHouse.setGlobals, (settings));
    }

    /// @dev Mostly one of the two bounds.
    function _extreme(uint256 seed, uint256 what, uint256 low, uint256 high) private view returns (uint256) {
        uint256 kind = _random(seed, 1_000 + what) % 5;
        if (kind < 2) return low;
        return kind < 4 ? high : _draw(seed, what, low, high);
    }

    function _govern(address target, bytes memory data) internal returns (bool ok) {
        (ok, ) = _send(GOVERNOR, target, data);
    }

    function _holdings() private view returns (Holdings memory result) {
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            Terms memory terms = _terms(i, false);
            (result.equity[i], result.maintenance[i]) = (terms.equity, terms.maintenance(_globals()));
            result.cash[i] = _cash(i);
            for (uint256 token = 0; token < TOKENS; ++token) {
                result.collateral[i][token] = p.clearingHouse.collateralOf(accounts[i], token);
            }
        }
        for (uint256 token = 0; token <= TOKENS; ++token) {
            result.vaulted[token] = _token(token == TOKENS ? SETTLEMENT : token).balanceOf(address(p.vault));
        }
    }

    function _checkHoldings(Holdings memory before, uint256 kind) private {
        Holdings memory afterwards = _holdings();
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            if (i == KEEPER) continue;
            _check(14, before.cash[i] == afterwards.cash[i], "cash", int256(kind), int256(i));
            (int256 equity, uint256 maintenance) = (afterwards.equity[i], afterwards.maintenance[i]);
            if (kind == FEED) {
                bool healthy = before.equity[i] > int256(before.maintenance[i]);
                _check(14, !healthy || equity > int256(maintenance), "unhealthy", int256(kind), int256(i));
            } else if (kind == DEPTH) {
                // The crowded side is charged; its requirement falls by more. What is worth less than a million wei may lose
                // one to rounding.
                int256 margin = before.equity[i] - int256(before.maintenance[i]) - 16;
                _check(14, equity - int256(maintenance) >= margin, "margin", margin, equity - int256(maintenance));
            } else {
                _check(14, before.equity[i] == equity, "equity", int256(kind), int256(i));
                _check(14, before.maintenance[i] == maintenance, "maintenance", int256(kind), int256(i));
            }
            for (uint256 token = 0; token < TOKENS; ++token) {
                bool same = before.collateral[i][token] == afterwards.collateral[i][token];
                _check(14, same, "collateral", int256(kind), int256(i));
            }
        }
        for (uint256 token = 0; token <= TOKENS; ++token) {
            _check(14, before.vaulted[token] == afterwards.vaulted[token], "tokens", int256(kind), int256(token));
        }
    }
}
