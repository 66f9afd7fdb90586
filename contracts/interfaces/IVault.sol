// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AccountId} from "../types/AccountId.sol";
import {IClearingHouse} from "./IClearingHouse.sol";

/// @title IVault
/// @notice Holds the tokens of all accounts. A token is an index: 0 to 15 for collateral in the order of its listing,
/// `SETTLEMENT` for the settlement token. Amounts are in token units; the books keep them in WAD, which is exact.
/// @dev Nothing but the ledger moves a token out: the only transfer is the one that follows a debit of an account. There
/// is no function by which a role moves tokens, and tokens sent here without a deposit stay.
///
/// What is assumed of a listed token, since no check here could replace it:
/// 1. It moves the amount named and nothing else: a transfer that takes a fee, or a balance that is not what the two
///    transfers around it explain, is refused at that transfer, but not before. It does not rebase: a token whose
///    balances shrink by themselves leaves the last withdrawal uncovered.
/// 2. It has one address. A second entry point would let a token be listed twice and its holdings be counted twice.
/// 3. It may call back (the lock of the clearing house refuses every verb meanwhile), return nothing, refuse a sender
///    or a receiver, or be paused by its issuer: then deposits or withdrawals of it revert and nothing else does.
/// 4. It may be upgraded by its issuer. That cannot be checked; the cap bounds what it puts at risk.
///
/// Errors that many share. Whatever changes something reverts with the clearing house's `Locked` in the middle of an
/// action of the protocol, and whatever takes the index of a token with `UnknownToken` for one that is not listed.
/// Governance's functions revert with `AccessManagedUnauthorized` for a caller without the role; for a call that must
/// be scheduled with `AccessManagerNotScheduled`, `AccessManagerNotReady` or `AccessManagerExpired`. A transfer that
/// the token refuses passes on its error; where it answers false instead of reverting that is
/// `SafeERC20FailedOperation`.
interface IVault {
    event Deposited(AccountId indexed account, uint256 indexed token, address indexed payer, uint256 amount);
    event Withdrawn(AccountId indexed account, uint256 indexed token, address indexed recipient, uint256 amount);
    event TokenListed(uint256 indexed token, address indexed contractAddress, uint256 decimals);
    event CapChanged(uint256 indexed token, uint256 cap);
    event OutflowLimitChanged(uint256 indexed token, uint256 outflowLimit);

    error UnknownToken(uint256 token);
    error CapExceeded(uint256 token, uint256 amount, uint256 held, uint256 cap);
    /// @notice The vault received another amount than the payer named.
    error FeeOnTransfer(uint256 token, uint256 amount, uint256 received);
    /// @notice The permit was refused (wrong, used or expired) and the allowance does not cover the deposit.
    error PermitRefused(uint256 token, uint256 amount, uint256 allowance);
    error InvalidRecipient(address recipient);
    error InsufficientHoldings(uint256 token, uint256 amount, uint256 held);
    error OutflowLimited(uint256 token, uint256 amount, uint256 available);
    /// @notice A withdrawal took another amount out of the vault than it named.
    error WrongOutflow(uint256 token, uint256 amount, uint256 sent);
    error NotAContract(address token);
    error AlreadyListed(address token, uint256 index);
    error NotListed(address token);
    error TooManyDecimals(address token, uint256 decimals);
    error TooManyTokens(uint256 maximum);
    error OutflowLimitTooLow(uint256 token, uint256 outflowLimit, uint256 minimum);

    // ---------------------------------------------------------------- users

    /// @notice Pays `amount` from the caller into `account`. Reverts with `CapExceeded`, `FeeOnTransfer`, or the error
    /// of the token or of `IClearingHouse.credit` (`ZeroAmount` among them).
    /// @param account Anybody's for cash; for collateral of a kind that the account does not hold yet, one that the
    /// caller may act for.
    function deposit(AccountId account, uint256 token, uint256 amount) external;

    /// @notice As `deposit`, with an ERC-2612 permit of the caller for `amount`. A permit that somebody else has used
    /// first does no harm: the allowance decides.
    /// @dev Reverts with `PermitRefused`, and with the errors of `deposit`.
    function depositWithPermit(
        AccountId account,
        uint256 token,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;

    /// @notice Pays `amount` from `account` to `recipient`. Reverts with `OutflowLimited`, or the error of the token or
    /// of `IClearingHouse.debit`: a recipient that the token refuses costs nothing but the gas.
    /// @dev The caller is the owner, or an operator with the right to withdraw. Reverts besides with `InvalidRecipient`
    /// for the zero address and the vault, `SafeCastOverflowedUintDowncast` for an amount wider than 88 bits,
    /// `InsufficientHoldings`, and `WrongOutflow`.
    function withdraw(AccountId account, uint256 token, uint256 amount, address recipient) external;

    // ---------------------------------------------------------------- governance

    /// @notice Lists a collateral token; its index is the next free one. Risk is listed apart, in the clearing house.
    /// @dev Reverts with `TooManyTokens`; `NotAContract`; `AlreadyListed`; `TooManyDecimals` for more than 18;
    /// `OutflowLimitTooLow`; `SafeCastOverflowedUintDowncast` for a number wider than 88 bits; or the error of the
    /// token's `decimals`.
    /// @param cap Largest amount that a deposit may leave held, token units.
    /// @param outflowLimit Largest net outflow within 24 hours, token units; 0: none.
    function list(address token, uint256 cap, uint256 outflowLimit) external returns (uint256 index);

    /// @notice A cap below what is held stops deposits and nothing else.
    /// @dev Reverts with `OutflowLimitTooLow` where the outflow limit is too low for the cap, and with
    /// `SafeCastOverflowedUintDowncast` for a cap wider than 88 bits.
    function setCap(uint256 token, uint256 cap) external;

    /// @notice What has flowed out before the change still counts. A limit is at least 1/`MAX_EXIT_WINDOWS` of the cap,
    /// so that no limit locks anybody in.
    /// @dev Reverts with `OutflowLimitTooLow`, and with `SafeCastOverflowedUintDowncast` for a limit wider than 88
    /// bits.
    function setOutflowLimit(uint256 token, uint256 outflowLimit) external;

    // ---------------------------------------------------------------- views

    /// @notice Deposits less withdrawals, counted here; donations do not change it.
    function held(uint256 token) external view returns (uint256);

    /// @notice What the vault has of the token beyond `held`, token units: donations, which belong to nobody and cannot
    /// be moved. Negative: the token has taken something away.
    /// @dev Reverts with the error of the token's `balanceOf`.
    function surplus(uint256 token) external view returns (int256);

    /// @return cap Token units.
    /// @return outflowLimit Token units within 24 hours; 0: none.
    /// @return available What may leave now, token units, rounded down.
    function limitsOf(uint256 token) external view returns (uint256 cap, uint256 outflowLimit, uint256 available);

    function tokenOf(uint256 index) external view returns (address token, uint256 decimals);
    /// @dev Reverts with `NotListed`.
    function indexOf(address token) external view returns (uint256 index);

    /// @notice Number of collateral tokens.
    function count() external view returns (uint256);
    function clearingHouse() external view returns (IClearingHouse);
}

/// @dev Collateral tokens at most: a bitmap of 16 bits in an account's word.
uint256 constant MAX_TOKENS = 16;

/// @dev Windows of 24 hours after which everything below the cap can have left, whatever the outflow limit.
uint256 constant MAX_EXIT_WINDOWS = 20;
