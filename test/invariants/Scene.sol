// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SETTLEMENT} from "../../contracts/interfaces/IClearingHouse.sol";
import {Exposure, Risk, Terms} from "../../contracts/libraries/Risk.sol";
import {AccountId} from "../../contracts/types/AccountId.sol";
import {AccountState} from "../../contracts/types/AccountState.sol";
import {Conditions} from "../../contracts/types/Conditions.sol";
import {GlobalParameters, GroupParameters} from "../../contracts/types/GlobalParameters.sol";
import {TestToken} from "../../contracts/testing/TestToken.sol";
import {ASSETS, ETH, Protocol, START, startPrice, unitOf, WETH_TOKEN} from "./Protocol.sol";
import {Refusals} from "./Refusals.sol";
import {vm} from "./Vm.sol";

/// @notice Who takes part, what they have paid in, how they send transactions, and what has been found broken.
///
/// Accounts: 0 to 5 trade (two owners have two each; 2 and 3 have collateral and no cash), 6 and 7 provide liquidity, 8
/// keeps, 9 liquidates, 10 to 12 are those of the pool and of insurance.
abstract contract Scene is Refusals {
    /// @dev What a handler found: `invariant` did not hold.
    struct Violation {
        bytes32 what;
        int256 expected;
        int256 actual;
    }

    struct Count {
        uint256 calls;
        uint256 successes;
    }

    uint256 internal constant TRADING = 6;
    uint256 internal constant PROVIDER = 6;
    uint256 internal constant KEEPER = 8;
    uint256 internal constant LIQUIDATOR = 9;
    uint256 internal constant INSURANCE = 12;
    uint256 internal constant ACCOUNTS = 13;
    uint256 internal constant FEED_UNIT = 1e10;
    /// @dev EIP-7825.
    uint256 internal constant TRANSACTION_GAS = 2 ** 24;

    Protocol internal p;
    AccountId[ACCOUNTS] public accounts;
    /// @notice Orders of each account that have not ended.
    uint256[][ACCOUNTS] internal pendingOrders;
    /// @notice Deposits less withdrawals of settlement token, WAD.
    uint256 public netDeposits;
    /// @dev Of the feeds, in their units.
    int256[ASSETS] internal answers;
    /// @dev The compiler takes block.timestamp for a constant of the call, and it is not: `vm.warp` moves it.
    uint256 public clock;
    mapping(uint256 invariant => Violation) internal violations;

    /// @dev What has been counted, in the order of its first use.
    bytes32[] private _names;
    mapping(bytes32 name => Count) private _counts;
    /// @dev Whether the action that runs has done what it is for.
    bool private _achieved;

    /// @dev Differs from campaign to campaign: their runner draws the same inputs for all.
    uint256 internal immutable salt;
    uint256 internal immutable lossBudget;

    error Fault(address target, bytes4 selector, bytes reason);

    /// @param poolValue_ What the pool starts with, WAD.
    constructor(Protocol memory protocol, uint256 salt_, uint256 poolValue_, uint256 lossBudget_) {
        p = protocol;
        salt = salt_;
        lossBudget = lossBudget_;
        clock = START;
        for (uint256 asset = 0; asset < ASSETS; ++asset) answers[asset] = int256(startPrice(asset) * 1e8);
        address[8] memory owners;
        for (uint256 i = 0; i < 8; ++i) owners[i] = address(uint160(0xac0000 + i));
        for (uint256 i = 0; i < 4; ++i) accounts[i] = _accountOf(owners[i], 0);
        for (uint256 i = 4; i < 6; ++i) accounts[i] = _accountOf(owners[i - 4], 1);
        for (uint256 i = 6; i < 10; ++i) accounts[i] = _accountOf(owners[i - 2], 0);
        for (uint256 i = 10; i < 12; ++i) accounts[i] = _accountOf(address(p.pool), i - 10);
        accounts[INSURANCE] = _accountOf(address(p.insuranceFund), 0);
        for (uint256 i = 0; i < 8; ++i) {
            for (uint256 token = 0; token < 3; ++token) {
                TestToken erc20 = _token(token == 2 ? SETTLEMENT : token);
                vm.prank(owners[i]);
                erc20.approve(address(p.vault), type(uint256).max);
            }
        }
        for (uint256 i = 0; i < TRADING; ++i) _endow(i, 100_000e18);
        _fund(LIQUIDATOR, SETTLEMENT, 50_000_000e18);
        _fund(PROVIDER + 1, SETTLEMENT, 1_000_000e18);
        _must(
            PROVIDER + 1,
            address(p.insuranceFund),
            abi.encodeCall(p.insuranceFund.contribute, (accounts[PROVIDER + 1], 20_000e18))
        );
        _firstDeposit(poolValue_);
    }

    /// @dev Money of the kind that the account keeps.
    function _endow(uint256 account, uint256 value) internal {
        if (account == 2 || account == 3) _fund(account, WETH_TOKEN, (value * 1e8) / uint256(answers[ETH]));
        else _fund(account, SETTLEMENT, value);
    }

    function _firstDeposit(uint256 value) private {
        address owner = accounts[PROVIDER].owner();
        uint256 units = value / 1e12;
        p.usdc.mint(owner, units);
        vm.prank(owner);
        p.usdc.approve(address(p.pool), type(uint256).max);
        vm.prank(accounts[PROVIDER + 1].owner());
        p.usdc.approve(address(p.pool), type(uint256).max);
        _must(PROVIDER, address(p.pool), abi.encodeCall(p.pool.requestDeposit, (units, owner, owner)));
        netDeposits += value;
        _wait(3 hours);
        _refresh();
        p.pool.fulfill(1);
        _must(PROVIDER, address(p.pool), abi.encodeWithSignature("deposit(uint256,address)", units, owner));
        p.clearingHouse.markPool();
    }

    // ---------------------------------------------------------------- drawing

    function _random(uint256 seed, uint256 what) internal view returns (uint256) {
        return uint256(keccak256(abi.encode(seed, salt, what)));
    }

    /// @dev Between `low` and `high`, both included.
    function _draw(uint256 seed, uint256 what, uint256 low, uint256 high) internal view returns (uint256) {
        return low + (_random(seed, what) % (high - low + 1));
    }

    // ---------------------------------------------------------------- sending

    /// @notice One transaction. A refusal must be one that the verb has.
    function _send(address from, address to, bytes memory data) internal returns (bool ok, bytes memory result) {
        vm.prank(from);
        (ok, result) = to.call{gas: TRANSACTION_GAS}(data);
        if (!ok && !mayRefuse[bytes4(data)][bytes4(result)]) revert Fault(to, bytes4(data), result);
    }

    function _as(uint256 account, address to, bytes memory data) internal returns (bool ok, bytes memory result) {
        return _send(accounts[account].owner(), to, data);
    }

    function _must(uint256 account, address to, bytes memory data) internal returns (bytes memory result) {
        bool ok;
        (ok, result) = _as(account, to, data);
        if (!ok) revert Fault(to, bytes4(data), result);
    }

    function _fund(uint256 account, uint256 token, uint256 amount) internal {
        uint256 units = amount / unitOf(token);
        _token(token).mint(accounts[account].owner(), units);
        _must(account, address(p.vault), abi.encodeCall(p.vault.deposit, (accounts[account], token, units)));
        if (token == SETTLEMENT) netDeposits += units * unitOf(token);
    }

    // ---------------------------------------------------------------- time and prices

    function _wait(uint256 time) internal {
        clock += time;
        vm.warp(clock);
    }

    function _push(uint256 asset, int256 answer) internal returns (uint80 id) {
        answers[asset] = answer;
        return p.feeds[asset].push(answer, clock, clock);
    }

    /// @notice What a living market does by itself: feeds report within their heartbeat, somebody marks the pool.
    function _refresh() internal {
        for (uint256 asset = 0; asset < ASSETS; ++asset) {
            (, , , uint256 updatedAt, ) = p.feeds[asset].latestRoundData();
            if (updatedAt + 20 minutes <= clock) _push(asset, answers[asset]);
        }
        (, , , , , uint256 markTime) = p.clearingHouse.balances();
        if (markTime + 20 minutes <= clock) p.clearingHouse.markPool();
    }

    // ---------------------------------------------------------------- reading

    function _token(uint256 token) internal view returns (TestToken) {
        if (token == SETTLEMENT) return p.usdc;
        return token == WETH_TOKEN ? p.weth : p.wbtc;
    }

    function _cash(uint256 account) internal view returns (int256) {
        return p.clearingHouse.accountOf(accounts[account]).cash;
    }

    function _size(uint256 account, uint256 asset) internal view returns (int256 size) {
        (size, ) = p.clearingHouse.positionOf(accounts[account], asset);
    }

    /// @notice Value and risk of an account, by the protocol's own formula.
    /// @param worse At the worse ends of the prices, as in initial checks.
    function _terms(uint256 account, bool worse) internal view returns (Terms memory terms) {
        (AccountState memory state, Exposure[] memory exposures, ) = p.clearingHouse.snapshot(accounts[account]);
        (, GroupParameters groups, ) = p.clearingHouse.globals();
        // What orders have in escrow is the account's, but not for what it may take on or out.
        int256 cash = state.cash + int256(worse ? 0 : state.escrow);
        return Risk.assess(exposures, cash, groups, clock, worse);
    }

    function _globals() internal view returns (GlobalParameters globals) {
        (globals, , ) = p.clearingHouse.globals();
    }

    function _margin(Terms memory terms) internal view returns (int256) {
        return terms.equity - int256(terms.maintenance(_globals()));
    }

    /// @dev E ≤ R_M, with something to close.
    function _unhealthy(uint256 account) internal view returns (bool) {
        // Positions of a closed market are cash here.
        (AccountState memory state, , ) = p.clearingHouse.snapshot(accounts[account]);
        return (state.positions | state.collaterals) != 0 && _margin(_terms(account, false)) <= 0;
    }

    /// @dev Whether the sequencer is up, and its grace over.
    function _sequencerSettled() internal view returns (bool) {
        (Conditions conditions, ) = p.oracle.peek(0, false);
        return conditions.sequencerSettled();
    }

    function pendingOf(uint256 account) external view returns (uint256[] memory) {
        return pendingOrders[account];
    }

    // ---------------------------------------------------------------- recording

    /// @dev Keeps the first violation of each invariant.
    function _check(uint256 invariant, bool holds, bytes32 what, int256 expected, int256 actual) internal {
        if (holds || violations[invariant].what != 0) return;
        violations[invariant] = Violation({what: what, expected: expected, actual: actual});
    }

    /// @dev Counts a call of the handler by the runner.
    modifier action(bytes32 name) {
        _achieved = false;
        _;
        _tally(name, _achieved);
    }

    /// @dev Counts what an action has tried. With one success the action has succeeded.
    function _count(bytes32 name, bool success) internal {
        _tally(name, success);
        if (success) _achieved = true;
    }

    /// @dev Counts what must be refused, and was or was not. No achievement.
    function _countRefused(bytes32 name, bool refused) internal {
        _tally(name, refused);
    }

    /// @dev For actions that nobody can refuse, or that are for being refused.
    function _done() internal {
        _achieved = true;
    }

    function _tally(bytes32 name, bool success) private {
        Count storage count = _counts[name];
        if (count.calls == 0) _names.push(name);
        ++count.calls;
        if (success) ++count.successes;
    }

    function _report() internal view returns (string memory line) {
        for (uint256 i = 0; i < _names.length; ++i) {
            Count memory count = _counts[_names[i]];
            line = string.concat(
                line,
                string(_trimmed(_names[i])),
                ":",
                vm.toString(count.calls),
                ":",
                vm.toString(count.successes),
                ";"
            );
        }
    }

    function _trimmed(bytes32 word) private pure returns (bytes memory text) {
        text = abi.encodePacked(word);
        uint256 length = 0;
        while (length < 32 && word[length] != 0) ++length;
        assembly ("memory-safe") {
            mstore(text, length)
        }
    }

    function _accountOf(address owner, uint256 sub) private pure returns (AccountId) {
        return AccountId.wrap(bytes32((uint256(uint160(owner)) << 96) | sub));
    }
}
