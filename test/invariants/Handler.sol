// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SETTLEMENT, SideView} from "../../contracts/interfaces/IClearingHouse.sol";
import {Pricing} from "../../contracts/libraries/Pricing.sol";
import {Exposure, Risk} from "../../contracts/libraries/Risk.sol";
import {AccountState} from "../../contracts/types/AccountState.sol";
import {SizeParameters} from "../../contracts/types/AssetParameters.sol";
import {Price} from "../../contracts/types/Price.sol";
import {MARKETS, Protocol, TOKENS, unitOf} from "./Protocol.sol";
import {HostileActions} from "./HostileActions.sol";
import {IHandler} from "./IHandler.sol";
import {Scene} from "./Scene.sol";

/// @notice All actions, and the invariants that are predicates of the state.
contract Handler is IHandler, HostileActions {
    constructor(
        Protocol memory protocol,
        uint256 salt_,
        uint256 poolValue_,
        uint256 lossBudget_
    ) Scene(protocol, salt_, poolValue_, lossBudget_) {}

    /// @inheritdoc IHandler
    function actions() external pure returns (bytes4[] memory list) {
        list = new bytes4[](43);
        list[0] = this.deposit.selector;
        list[1] = this.withdraw.selector;
        list[2] = this.transfer.selector;
        list[3] = this.trade.selector;
        list[4] = this.tradeAgain.selector;
        list[5] = this.submit.selector;
        list[6] = this.submitPair.selector;
        list[7] = this.execute.selector;
        list[8] = this.executeAll.selector;
        list[9] = this.trigger.selector;
        list[10] = this.liquidate.selector;
        list[11] = this.squeeze.selector;
        list[12] = this.movePrice.selector;
        list[13] = this.passTime.selector;
        list[14] = this.passHours.selector;
        list[15] = this.jump.selector;
        list[16] = this.switchPhase.selector;
        list[17] = this.badRound.selector;
        list[18] = this.ties.selector;
        list[19] = this.depeg.selector;
        list[20] = this.stopFeed.selector;
        list[21] = this.outage.selector;
        list[22] = this.provide.selector;
        list[23] = this.redeem.selector;
        list[24] = this.insure.selector;
        list[25] = this.govern.selector;
        list[26] = this.donate.selector;
        list[27] = this.flood.selector;
        list[28] = this.reenter.selector;
        list[29] = this.selfMatch.selector;
        list[30] = this.split.selector;
        list[31] = this.reprove.selector;
        list[32] = this.takeOver.selector;
        list[33] = this.convert.selector;
        list[34] = this.realise.selector;
        list[35] = this.settleDeficits.selector;
        list[36] = this.insolvency.selector;
        list[37] = this.rally.selector;
        list[38] = this.deleverage.selector;
        list[39] = this.windDown.selector;
        list[40] = this.executeLate.selector;
        list[41] = this.starve.selector;
        list[42] = this.park.selector;
    }

    /// @inheritdoc IHandler
    function violationOf(uint256 invariant) external view returns (bytes32 what, int256 expected, int256 actual) {
        Violation memory violation = violations[invariant];
        return (violation.what, violation.expected, violation.actual);
    }

    /// @inheritdoc IHandler
    function report() external view returns (string memory line) {
        return _report();
    }

    // ---------------------------------------------------------------- predicates

    /// @notice What the books keep of each side is the sum over its positions: exactly in stored units, and within a wei
    /// for each of them in size. The pool is the mirror.
    function checkSizes() external {
        for (uint256 asset = 0; asset < MARKETS; ++asset) {
            _checkSide(asset, true);
            _checkSide(asset, false);
        }
    }

    function _checkSide(uint256 asset, bool long) private {
        SideView memory side = p.clearingHouse.sideOf(asset, long);
        (int256 units, int256 quotes, int256 sizes, int256 count) = (0, 0, 0, 0);
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            (int256 n, int256 m, uint256 epoch, ) = p.clearingHouse.storedPositionOf(accounts[i], asset);
            if (n == 0 || n > 0 != long || epoch != side.epoch) continue;
            int256 size = _size(i, asset);
            (units, quotes, sizes) = (units + n, quotes + m, sizes + size);
            ++count;
        }
        if (!long) (units, sizes) = (-units, -sizes);
        _check(
            1,
            units == int256(side.units),
            long ? bytes32("long units") : bytes32("short units"),
            int256(side.units),
            units
        );
        _check(1, quotes == side.quote, long ? bytes32("long quote") : bytes32("short quote"), side.quote, quotes);
        int256 size_ = int256(side.size);
        _check(1, sizes <= size_ && sizes >= size_ - count, long ? bytes32("long") : bytes32("short"), size_, sizes);
    }

    /// @notice The vault has at least what the ledgers say, token by token.
    function checkTokens() external {
        for (uint256 token = 0; token < TOKENS; ++token) {
            uint256 owed = 0;
            for (uint256 i = 0; i < ACCOUNTS; ++i) owed += p.clearingHouse.collateralOf(accounts[i], token);
            uint256 balance = _token(token).balanceOf(address(p.vault)) * unitOf(token);
            _check(2, balance >= owed, "collateral", int256(owed), int256(balance));
            uint256 held = p.vault.held(token) * unitOf(token);
            _check(2, held == owed, "collateral held", int256(owed), int256(held));
        }
        uint256 cash = p.usdc.balanceOf(address(p.vault)) * unitOf(SETTLEMENT);
        _check(2, cash >= _claims(), "settlement", int256(_claims()), int256(cash));
    }

    /// @notice Σ positive cash + base + insurance + protocol fees + escrows = settlement tokens held, exactly.
    function checkCash() external {
        uint256 held = p.vault.held(SETTLEMENT) * unitOf(SETTLEMENT);
        _check(3, _claims() == held, "claims", int256(held), int256(_claims()));
        _check(3, netDeposits == held, "deposits", int256(netDeposits), int256(held));
        uint256 shares = 0;
        for (uint256 i = 0; i < ACCOUNTS; ++i) shares += p.clearingHouse.accountOf(accounts[i]).shares;
        uint256 booked = p.clearingHouse.ledger().debtShares;
        _check(3, shares == booked, "debt shares", int256(booked), int256(shares));
    }

    /// @notice Σ equity is what has been deposited, less dust; never more.
    function checkEquity() external {
        int256 total = _worth();
        int256 dust = _worthDust();
        _check(4, total <= int256(netDeposits), "created", int256(netDeposits), total);
        _check(4, total >= int256(netDeposits) - dust, "lost", int256(netDeposits), total);
    }

    /// @notice See MarketActions._checkPriceTimes.
    function checkPriceTimes() external {
        _checkPriceTimes();
    }

    // ---------------------------------------------------------------- sums

    /// @dev All that settlement tokens are held for.
    function _claims() private view returns (uint256) {
        (int256 base, , uint256 insurance, uint256 protocolFees, , ) = p.clearingHouse.balances();
        int256 claims = base + int256(insurance + protocolFees);
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            int256 cash = _cash(i);
            if (cash > 0) claims += cash;
            for (uint256 o = 0; o < pendingOrders[i].length; ++o) {
                claims += int256(_escrow(i, pendingOrders[i][o]));
            }
        }
        return claims < 0 ? 0 : uint256(claims);
    }

    /// @dev Of all accounts, of the pool with what it holds for the skew, and of the reserves, at the last prices.
    function _worth() internal view override returns (int256 worth) {
        (, , uint256 insurance, uint256 protocolFees, , ) = p.clearingHouse.balances();
        worth = p.clearingHouse.poolValuation().equity + int256(insurance + protocolFees);
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            (AccountState memory state, Exposure[] memory exposures, ) = p.clearingHouse.snapshot(accounts[i]);
            worth += state.cash;
            for (uint256 a = 0; a < exposures.length; ++a) {
                if (exposures[a].size != 0) worth += Risk.valueFloor(exposures[a], exposures[a].price.last());
            }
            for (uint256 o = 0; o < pendingOrders[i].length; ++o) {
                worth += int256(_escrow(i, pendingOrders[i][o]));
            }
        }
        (, Price[] memory prices) = p.oracle.peek((1 << MARKETS) - 1, false);
        for (uint256 asset = 0; asset < MARKETS; ++asset) {
            (uint256 long, , uint256 short, , ) = p.clearingHouse.marketOf(asset);
            (, SizeParameters sizes, ) = p.clearingHouse.parametersOf(asset);
            int256 skew = int256(long) - int256(short);
            worth += int256(Pricing.heldPremiumUp(skew, prices[asset].last(), sizes.depth()));
        }
    }

    /// @dev Rounded for the pool: three times the value of each position, through its index; once the debt of each account;
    /// the two sides of each market, and what is left of sides that have been closed.
    function _worthDust() internal view override returns (int256) {
        return int256(3 * _holders() + ACCOUNTS + 16 * MARKETS);
    }

    function _holders() private view returns (uint256 count) {
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            uint256 bits = p.clearingHouse.accountOf(accounts[i]).positions;
            for (; bits != 0; bits &= bits - 1) ++count;
        }
    }
}
