// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AccountId} from "../types/AccountId.sol";

/// @title IAccountRegister
/// @notice The accounts that an upkeep looks after.
///
/// Anyone may register an account, and anyone takes it out once it has nothing that needs watching. That is so while it has
/// a position, a pending order, a debt no smaller than the least notional of a position or without collateral, or is
/// flagged insolvent. Cash and collateral alone need nobody. So an entry costs its owner capital: the margin of a position
/// of at least the least notional, the escrow of an order, or collateral against the debt. Dust does not get in, and no
/// limit per owner is needed to keep a flood out (addresses are free; a limit would only stop honest owners of many
/// sub-accounts).
///
/// Resting triggers lock nothing and cost nothing: of each account the register holds at most `MAX_TRIGGERS`. A place whose
/// trigger is gone is used again.
///
/// @dev What asks whether an account is worth watching reverts with the clearing house's `Locked` in the middle of an
/// action of the protocol.
interface IAccountRegister {
    event Watched(AccountId indexed account);
    event TriggerWatched(AccountId indexed account, uint256 indexed sequence);
    event Forgotten(AccountId indexed account);

    /// @notice The account has nothing that needs watching.
    error NotWorthWatching(AccountId account);
    /// @notice The account is registered already, and so is each of the triggers.
    error WatchedAlready(AccountId account);
    error NotWatched(AccountId account);
    /// @notice The account has something that needs watching.
    error StillWorthWatching(AccountId account);
    /// @notice All places are taken by triggers that still rest.
    error TooManyTriggers(AccountId account, uint256 maximum);

    /// @notice Registers an account, or resting trigger orders of it.
    /// @dev Reverts with `NotWorthWatching` for an account that is not registered yet; `UnknownTrigger` (`IOrders`) for
    /// one that does not rest; `TooManyTriggers`; and `WatchedAlready`.
    /// @param sequences Of the triggers; none: only the account.
    function watch(AccountId account, uint256[] calldata sequences) external;

    /// @notice Takes an account out. The last one takes its place.
    /// @dev Reverts with `NotWatched` and `StillWorthWatching`.
    function forget(AccountId account) external;

    function accountCount() external view returns (uint256);

    /// @param index Below `accountCount`; any other panics.
    function accountAt(uint256 index) external view returns (AccountId);
    function isWatched(AccountId account) external view returns (bool);

    /// @notice Whether the account may be registered.
    function isWorthWatching(AccountId account) external view returns (bool);

    /// @notice Sequences of the account's registered triggers; some may not rest any more.
    function triggersOf(AccountId account) external view returns (uint256[] memory sequences);
}

/// @dev Triggers of an account: as many as fit beside its place in one word.
uint256 constant MAX_TRIGGERS = 8;
