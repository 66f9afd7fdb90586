// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AccountId} from "../types/AccountId.sol";
import {IClearingHouse} from "./IClearingHouse.sol";

/// @notice What insurance still pays for deficits of one market, WAD.
struct InsuranceRoom {
    uint256 market; // an asset, or UNATTRIBUTED
    uint256 room; // now
    uint256 cap; // within a day
}

/// @notice Collateral that insurance has taken over from insolvent accounts and that anyone may buy.
struct SeizedLot {
    uint256 token;
    uint256 amount; // WAD
    uint256 owed; // what the pool has advanced for it, WAD
    uint256 since; // start of its auction, unix seconds
}

/// @title IInsuranceFund
/// @notice The rules of the insurance money. The money itself is a number in the books of the clearing house, fed by fees,
/// penalties, sales of seized collateral and contributions, and taken by deficits without asking anybody. Amounts are WAD.
///
/// Anyone may add to it. Governance may pay out only what is over the target, a share of the pool mark, and only while the
/// pool is solvent at a mark that is not old and nothing is pending that insurance may have to pay for: what insures a loss
/// that everybody can see coming is not for taking.
/// @dev The sub-account 0 of this contract holds seized collateral. Nothing here acts for it: only `buySeized` of the
/// clearing house takes anything out of it. `contribute`, `payOut` and the views that read the books revert with the
/// clearing house's `Locked` in the middle of a transaction of the protocol. Governance's functions revert with
/// `AccessManagedUnauthorized` for a caller without the role; for a call that must be scheduled with
/// `AccessManagerNotScheduled`, `AccessManagerNotReady` or `AccessManagerExpired`.
interface IInsuranceFund {
    event Contributed(AccountId indexed account, address indexed contributor, uint256 amount);
    event PaidOut(AccountId indexed account, uint256 amount, uint256 left, uint256 target);
    event TargetShareChanged(uint256 targetShare);

    error ZeroAmount();
    error TargetShareOutOfRange(uint256 targetShare, uint256 minimum, uint256 maximum);
    error SurplusExceeded(uint256 amount, uint256 surplus);
    /// @notice Insolvent accounts, markets to be deleveraged, or seized collateral that the pool has paid for.
    error LossPending(uint256 pendingLosses, uint256 flaggedMarkets, uint256 seizedOwed);
    error MarkTooOld(uint256 markTime, uint256 maximumAge);
    /// @notice Insurance is what keeps the profits of traders from being cut now.
    error PoolInsolvent(int256 mark);
    /// @notice Cash of this contract's own account could never be taken out.
    error OwnAccount(AccountId account);

    // ---------------------------------------------------------------- money

    /// @notice Gives cash of an account to insurance, for good. Reverts with the error of `IClearingHouse.fundInsurance`:
    /// the account must meet its initial requirement afterwards and have no pending order.
    /// @dev The caller is the owner, or an operator with the right to withdraw.
    function contribute(AccountId account, uint256 amount) external;

    // ---------------------------------------------------------------- governance

    /// @notice Pays out of the surplus into the cash of an account.
    /// @dev Reverts with `ZeroAmount`, `OwnAccount`, `LossPending`, `MarkTooOld`, `PoolInsolvent` where the mark is
    /// negative, and `SurplusExceeded`.
    function payOut(AccountId account, uint256 amount) external;

    /// @dev Reverts with `TargetShareOutOfRange`.
    /// @param targetShare 1e-6 of the pool mark, from `MIN_TARGET_SHARE` to `MAX_TARGET_SHARE`.
    function setTargetShare(uint256 targetShare) external;

    // ---------------------------------------------------------------- views

    /// @notice What insurance has in cash.
    function balance() external view returns (uint256);

    /// @notice What it should have: floor(max(pool mark, 0)·share).
    function targetBalance() external view returns (uint256);

    /// @notice What it has over that, rounded up; 0 below it.
    function surplus() external view returns (uint256);

    /// @notice Balance over target, WAD, rounded down; the largest number without a target.
    function coverage() external view returns (uint256);

    /// @notice What it still pays for deficits of each market, in the order of the assets; last, of no market.
    /// Rounded down.
    function rooms() external view returns (InsuranceRoom[] memory);

    /// @notice Seized collateral that is not sold yet.
    function inventory() external view returns (SeizedLot[] memory);

    function targetShare() external view returns (uint256);
    function clearingHouse() external view returns (IClearingHouse);
}

/// @dev Bounds of the target, 1e-6 of the pool mark: 0.5 % and 50 %.
uint256 constant MIN_TARGET_SHARE = 5_000;
uint256 constant MAX_TARGET_SHARE = 500_000;
