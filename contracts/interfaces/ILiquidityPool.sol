// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AccountId} from "../types/AccountId.sol";
import {IClearingHouse} from "./IClearingHouse.sol";

/// @title ILiquidityPool
/// @notice Shares in the pool account, the counterparty of every trade. Amounts are settlement token, WAD; a share has
/// 18 decimals. Cash moves between the provider's own account and the pool inside the books: no token moves.
///
///     shares in  = floor( amount·(supply + V) / (value + spread + V) )
///     amount out = floor( shares·(value − spread + V) / (supply + V) ), at most value − spread
///     spread     = ceil( gross·θ )
///
/// θ is how far a price may move before its feed reports it, so that nobody enters or leaves at a price that they know
/// to be old. The V virtual shares against V virtual wei belong to nobody: who inflates the value of a share to round
/// another provider's shares down pays a million times what the other loses.
///
/// A matured request is a right to leave at a price that is known by then. It therefore lapses after `EXIT_WINDOW`, and
/// asking again starts a new cooldown.
interface ILiquidityPool {
    event Deposited(AccountId indexed account, uint256 amount, uint256 shares, int256 value, uint256 spread);
    event WithdrawalRequested(address indexed owner, uint256 shares, uint256 maturesAt);
    event WithdrawalCancelled(address indexed owner, uint256 shares);
    event Withdrawn(AccountId indexed account, uint256 shares, uint256 amount, int256 value, uint256 spread);
    event CooldownChanged(uint256 cooldown);
    event DeviationChanged(uint256 deviation);

    error ZeroAmount();
    error NotOwner(AccountId account, address caller);
    /// @notice A market in which the pool has exposure has no live price.
    error PoolNotLive();
    /// @notice The pool is worth nothing to those who hold its shares.
    error PoolInsolvent(int256 value, uint256 supply);
    error TooFewShares(uint256 shares, uint256 minimum);
    error TooSmallAmount(uint256 amount, uint256 minimum);
    error NothingRequested(address owner);
    error BeyondRequest(uint256 shares, uint256 requested);
    error NotMatured(uint256 time, uint256 maturesAt);
    error RequestLapsed(uint256 time, uint256 lapsedAt);
    error OutOfRange(bytes32 what, uint256 value, uint256 minimum, uint256 maximum);

    // ---------------------------------------------------------------- providers

    /// @notice Moves `amount` of the account's cash to the pool and mints shares to its owner, the caller.
    /// @return shares At least `minShares` and 1.
    function deposit(AccountId account, uint256 amount, uint256 minShares) external returns (uint256 shares);

    /// @notice Puts `shares` of the caller in escrow, beside those already there, and starts the cooldown of all.
    function requestWithdrawal(uint256 shares) external;

    /// @notice Burns `shares` of the caller's matured request and moves what they are worth now to `account`, of the
    /// same owner. Reverts with the error of `IClearingHouse.drainPool` where the pool has not that much to give; a part
    /// of the request can be taken out then.
    /// @return amount At least `minAmount` and 1.
    function withdraw(AccountId account, uint256 shares, uint256 minAmount) external returns (uint256 amount);

    /// @notice Gives the caller's shares in escrow back.
    function cancelWithdrawal() external;

    // ---------------------------------------------------------------- governance

    /// @notice Changes the cooldown of later requests.
    function setCooldown(uint256 cooldown) external;

    /// @param deviation θ, 1e-6.
    function setDeviation(uint256 deviation) external;

    // ---------------------------------------------------------------- views

    /// @return shares In escrow.
    /// @return maturesAt From when they can be withdrawn, until `EXIT_WINDOW` later.
    function requestOf(address owner) external view returns (uint256 shares, uint256 maturesAt);

    /// @notice Seconds.
    function cooldown() external view returns (uint256);

    /// @notice θ, 1e-6.
    function deviation() external view returns (uint256);
    function clearingHouse() external view returns (IClearingHouse);
}

/// @dev V, of shares and of WAD.
uint256 constant VIRTUAL_SHARES = 1e6;

/// @dev How long a matured request can be used.
uint256 constant EXIT_WINDOW = 6 hours;

uint256 constant MIN_COOLDOWN = 1 hours;
uint256 constant MAX_COOLDOWN = 7 days;

/// @dev 1e-6: the finest threshold that feeds report by; at the upper end a provider leaves 2 % of the exposure behind.
uint256 constant MIN_DEVIATION = 500;
uint256 constant MAX_DEVIATION = 20_000;
