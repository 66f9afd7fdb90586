// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SETTLEMENT} from "../../contracts/interfaces/IClearingHouse.sol";
import {ILiquidityPool, VIRTUAL_SHARES} from "../../contracts/interfaces/ILiquidityPool.sol";
import {ASSETS} from "./Protocol.sol";
import {MarketActions} from "./MarketActions.sol";

/// @notice Providers. Invariant 10: the value of a share never falls by what they do.
abstract contract PoolActions is MarketActions {
    struct ShareValue {
        uint256 supply;
        int256 value;
    }

    /// @notice A request, its batch and its claim.
    function provide(uint256 seed) external action("@provide") {
        uint256 account = _draw(seed, 1, PROVIDER, PROVIDER + 1);
        address owner = accounts[account].owner();
        uint256 units = _draw(seed, 2, 1, 400_000e6);
        p.usdc.mint(owner, units);
        (bool ok, bytes memory result) = _as(
            account,
            address(p.pool),
            abi.encodeCall(p.pool.requestDeposit, (units, owner, owner))
        );
        if (ok) {
            netDeposits += units * 1e12;
            if (_random(seed, 3) % 4 != 0) _fulfil(abi.decode(result, (uint256)), "provide");
        }
        units = p.pool.maxDeposit(owner);
        if (units == 0) return;
        _must(account, address(p.pool), abi.encodeWithSignature("deposit(uint256,address)", units, owner));
        _count("claim shares", true);
    }

    function redeem(uint256 seed) external action("@redeem") {
        uint256 account = _draw(seed, 1, PROVIDER, PROVIDER + 1);
        address owner = accounts[account].owner();
        if (p.pool.balanceOf(owner) == 0 && p.pool.maxRedeem(owner) == 0) {
            account = 2 * PROVIDER + 1 - account;
            owner = accounts[account].owner();
        }
        uint256 shares = (p.pool.balanceOf(owner) * _draw(seed, 2, 1, 30)) / 100;
        if (shares != 0) {
            (bool ok, bytes memory result) = _as(
                account,
                address(p.pool),
                abi.encodeCall(p.pool.requestRedeem, (shares, owner, owner))
            );
            if (ok && _random(seed, 3) % 4 != 0) _fulfil(abi.decode(result, (uint256)), "redeem");
        }
        shares = p.pool.maxRedeem(owner);
        if (shares == 0) return;
        bytes memory paid = _must(account, address(p.pool), abi.encodeCall(p.pool.redeem, (shares, owner, owner)));
        netDeposits -= abi.decode(paid, (uint256)) * 1e12;
        _count("claim assets", true);
    }

    function _fulfil(uint256 batch, bytes32 what) private {
        uint256 maturesAt = p.pool.batchOf(batch).maturesAt;
        if (clock < maturesAt) _wait(maturesAt - clock);
        for (uint256 asset = 0; asset < ASSETS; ++asset) _push(asset, answers[asset]);
        ShareValue memory before = _shareValue();
        (bool ok, bytes memory reason) = _as(KEEPER, address(p.pool), abi.encodeCall(p.pool.fulfill, (batch)));
        // What is already settled is no failure, what a loss holds up has to wait.
        bool waits =
            bytes4(reason) == ILiquidityPool.AlreadyFulfilled.selector ||
                bytes4(reason) == ILiquidityPool.PoolBlocked.selector;
        if (ok) _checkShareValue(before, what);
        if (ok || !waits) _count(what, ok);
        if (bytes4(reason) == ILiquidityPool.PoolBlocked.selector) {
            _countRefused("the pool waits for a loss", p.clearingHouse.poolValuation().blocked);
        }
    }

    function insure(uint256 seed) external action("@insure") {
        _refresh();
        uint256 account = PROVIDER + 1;
        uint256 amount = _draw(seed, 1, 1e18, 2_000e18);
        if (_cash(account) < int256(amount)) _fund(account, SETTLEMENT, amount + 1e12);
        (bool ok, ) = _as(
            account,
            address(p.insuranceFund),
            abi.encodeCall(p.insuranceFund.contribute, (accounts[account], amount))
        );
        _count("insure", ok);
    }

    function _shareValue() internal view returns (ShareValue memory result) {
        result.supply = p.pool.totalSupply();
        result.value = p.clearingHouse.poolValuation().equity;
    }

    function _checkShareValue(ShareValue memory before, bytes32 what) internal {
        ShareValue memory afterwards = _shareValue();
        int256 left = (afterwards.value + int256(VIRTUAL_SHARES)) * int256(before.supply + VIRTUAL_SHARES);
        int256 right = (before.value + int256(VIRTUAL_SHARES)) * int256(afterwards.supply + VIRTUAL_SHARES);
        _check(10, left >= right, what, before.value, afterwards.value);
    }
}
