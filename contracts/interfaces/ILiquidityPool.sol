// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IERC165} from "@openzeppelin/contracts/interfaces/IERC165.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";

import {IClearingHouse} from "./IClearingHouse.sol";
import {IERC7540Deposit, IERC7540Operator, IERC7540Redeem} from "./IERC7540.sol";
import {IERC7575} from "./IERC7575.sol";
import {IVault} from "./IVault.sol";

/// @notice A batch: its times, unix seconds, and the sums over its requests.
struct BatchState {
    uint256 closesAt; // takes requests until then
    uint256 maturesAt;
    uint256 deposited; // token units
    uint256 minted; // shares, for all deposits at once
    uint256 toRedeem; // shares
    uint256 burned; // shares, of those to redeem
    uint256 paid; // token units, for those burned
}

/// @title ILiquidityPool
/// @notice Shares in the pool account, the counterparty of every trade, as an asynchronous vault (ERC-7540): a provider
/// requests, the request is settled together with all others of its batch at a price that nobody could know when asking,
/// and the provider claims. Nothing can be cancelled. Assets are units of the settlement token, a share has 18 decimals,
/// values are WAD.
///
/// **Batches.** The requests of one `BATCH_INTERVAL` are a batch, in both directions; `requestId` is its number, from 1
/// on and without gaps. It matures a cooldown after its last possible request, and not before the batch ahead of it. To
/// settle it, every market in which the pool has exposure needs a live price newer than that last request by more than
/// `PRICE_DELAY`, and no loss may be in the process of being worked out.
///
/// **Price.** `fulfill` settles at one valuation, before any of its cash moves:
///
///     shares of deposits    = floor( assets·(supply + V) / (value + spread + V) )
///     assets of redemptions = floor( shares·(value − spread + V) / (supply + V) )
///     spread                = ceil( gross·θ )
///
/// θ is how far a price may move before its feed reports it, so that nobody enters or leaves at a price that they know
/// to be old. All deposits of a fulfilment pay one price and all redemptions get one price, whatever their order: the
/// first is not below the value of a share and the second not above it, so that no mix of them lowers it. The V virtual
/// shares against V virtual wei belong to nobody: who inflates the value of a share to round another provider's shares
/// down pays a million times what the other loses.
///
/// **Liquidity.** Deposits are settled first and in full, they never wait. Redemptions are paid in the order of their
/// batches out of what the clearing house lets go and the deposits have just brought; where that ends, the batch is
/// paid in part, all its requests pro rata, and the rest keeps its place and shares in profit and loss until it is paid.
///
/// **Rounding** is toward the pool: shares minted, assets paid and what a claim gets are rounded down, shares burned for
/// a part payment and what an exact claim takes are rounded up. What rounding leaves of a batch stays with the contract.
///
/// The settlement token is assumed to be what `IVault` assumes of it. Tokens or shares that are sent here without a
/// request belong to nobody.
///
/// @dev Errors that many share. Whatever is declared here and changes something, and `setOperator`, reverts with the
/// clearing house's `Locked` in the middle of an action of the protocol. `requestDeposit`, `redeem` and `withdraw`
/// leave the lock to the vault; within each other they revert with `ReentrancyGuardReentrantCall`. Who acts for
/// somebody whose operator they are not gets `NotAuthorized`. Governance's functions revert with
/// `AccessManagedUnauthorized` for a caller without the role; for a call that must be scheduled with
/// `AccessManagerNotScheduled`, `AccessManagerNotReady` or `AccessManagerExpired`. What values the pool passes on the
/// oracle's `InsufficientGas`. All previews revert with `NoPreview`.
interface ILiquidityPool is IERC4626, IERC7540Operator, IERC7540Deposit, IERC7540Redeem, IERC7575, IERC165 {
    event BatchOpened(uint256 indexed batch, uint256 closesAt, uint256 maturesAt);

    /// @notice All deposits of a batch were turned into `shares` at `value` + `spread` (WAD).
    event DepositsFulfilled(uint256 indexed batch, uint256 assets, uint256 shares, int256 value, uint256 spread);

    /// @notice `shares` of the redemptions of a batch were burned for `assets` at `value` − `spread` (WAD).
    event RedemptionsFulfilled(uint256 indexed batch, uint256 shares, uint256 assets, int256 value, uint256 spread);
    event CooldownChanged(uint256 cooldown);
    event DeviationChanged(uint256 deviation);

    error ZeroAmount();
    /// @notice The caller is neither `principal` nor its operator.
    error NotAuthorized(address principal, address caller);
    error TooManyWaitingBatches(address controller, uint256 maximum);
    /// @notice `claimable` is what can be claimed now, in the unit of `amount`.
    error BeyondClaimable(address controller, uint256 amount, uint256 claimable);
    /// @notice A preview of a claim: its price is that of its batch, not of the moment.
    error NoPreview();
    error UnknownBatch(uint256 batch, uint256 latest);
    error AlreadyFulfilled(uint256 batch);
    error NotMatured(uint256 batch, uint256 time, uint256 maturesAt);
    /// @notice A market in which the pool has exposure has had no price since the batch closed.
    error PriceTooOld(uint256 batch, uint256 updatedAt, uint256 neededAfter);
    /// @notice A market in which the pool has exposure has no live price.
    error PoolNotLive();
    /// @notice A loss is being worked out: a deficit, a deleveraging, or collateral that is not sold yet.
    error PoolBlocked();
    /// @notice The pool owes more than it has, or a share is worth less than `MIN_SHARE_VALUE`.
    error PoolInsolvent(int256 value, uint256 supply);
    /// @notice Only redemptions are left and the pool cannot pay a unit of them.
    error NothingRedeemable(uint256 redeemable);
    error OutOfRange(bytes32 what, uint256 value, uint256 minimum, uint256 maximum);

    // ---------------------------------------------------------------- request

    /// @notice Takes `assets` from `owner` and keeps them in the vault until the batch is settled. Reverts with the
    /// error of the vault where its cap refuses, and with the `ZeroAmount` of the books for nothing.
    /// @dev Reverts besides with the other errors of `IVault.deposit`, the error of the token, and
    /// `TooManyWaitingBatches`.
    /// @param controller Claims the shares. The caller, the owner, or who has made the caller an operator: the list of
    /// batches that a controller waits for is short, and others could fill it up.
    /// @param owner The caller, or who has made the caller an operator.
    /// @return requestId Number of the batch.
    function requestDeposit(uint256 assets, address controller, address owner) external returns (uint256 requestId);

    /// @notice Takes `shares` from `owner` and keeps them until they are burned in the settlement.
    /// @dev Reverts with `ZeroAmount`; `ERC20InsufficientAllowance` for a caller who is neither the owner nor its
    /// operator; `ERC20InsufficientBalance`; and `TooManyWaitingBatches`.
    /// @param controller As in `requestDeposit`; claims the assets.
    /// @param owner The caller, who has made the caller an operator, or has given it an allowance, which is used up.
    /// @return requestId Number of the batch.
    function requestRedeem(uint256 shares, address controller, address owner) external returns (uint256 requestId);

    // ---------------------------------------------------------------- fulfil

    /// @notice Settles all deposits of the batches up to `lastBatch`, and of their redemptions, in the order of the
    /// batches, what can be paid. By anyone.
    /// @dev Reverts with `UnknownBatch` for 0 and what is later than the latest; `AlreadyFulfilled` where its
    /// redemptions are paid in full; `NotMatured`; `PoolNotLive`; `PoolBlocked`; `PriceTooOld`; `PoolInsolvent`;
    /// `NothingRedeemable`; and the errors of `IClearingHouse.valuePool`.
    function fulfill(uint256 lastBatch) external;

    // ---------------------------------------------------------------- claim

    /// @notice Gives `receiver` the shares that `controller` has got for `assets`, oldest batch first, rounded down.
    /// @dev Reverts with `ZeroAmount`, `BeyondClaimable`, and `ERC20InvalidReceiver` for the zero address.
    function deposit(uint256 assets, address receiver, address controller) external returns (uint256 shares);

    /// @notice Gives `receiver` exactly `shares` of those that `controller` has got.
    /// @dev Reverts with the errors of `deposit`.
    /// @return assets What they have cost, rounded up.
    function mint(uint256 shares, address receiver, address controller) external returns (uint256 assets);

    /// @notice Pays `receiver` what `controller` has got for `shares`, oldest batch first, rounded down. Reverts with the
    /// error of the vault where its outflow limit refuses.
    /// @dev Reverts besides with `ZeroAmount`, `BeyondClaimable`, and the other errors of `IVault.withdraw`.
    function redeem(uint256 shares, address receiver, address controller) external returns (uint256 assets);

    /// @notice Pays `receiver` exactly `assets` of those that `controller` has got. Refused as `redeem`.
    /// @return shares Of how many redeemed shares, rounded up.
    function withdraw(uint256 assets, address receiver, address controller) external returns (uint256 shares);

    // ---------------------------------------------------------------- governance

    /// @notice Changes the cooldown of batches that are not open yet.
    /// @dev Reverts with `OutOfRange`.
    function setCooldown(uint256 cooldown) external;

    /// @dev Reverts with `OutOfRange`.
    /// @param deviation θ, 1e-6.
    function setDeviation(uint256 deviation) external;

    // ---------------------------------------------------------------- views

    /// @notice The pool's value at the last prices, 0 below zero, rounded down. As `convertToShares` and
    /// `convertToAssets` it is without spread, and reverts with the clearing house's `Locked` while an action of the
    /// protocol is under way.
    function totalAssets() external view returns (uint256);

    /// @notice What a claim can get now, rounded down: less than what is claimable where the outflow limit of the vault
    /// binds.
    function maxRedeem(address controller) external view returns (uint256 shares);
    function maxWithdraw(address controller) external view returns (uint256 assets);

    /// @notice The latest batch, the last whose deposits are settled, and the last whose redemptions are paid in full.
    function queue() external view returns (uint256 latest, uint256 deposits, uint256 redemptions);

    /// @return All zero for a batch that is not open yet.
    function batchOf(uint256 batch) external view returns (BatchState memory);

    /// @notice Seconds.
    function cooldown() external view returns (uint256);

    /// @notice θ, 1e-6.
    function deviation() external view returns (uint256);
    function clearingHouse() external view returns (IClearingHouse);
    function vault() external view returns (IVault);
}

/// @dev V, of shares and of WAD.
uint256 constant VIRTUAL_SHARES = 1e6;

/// @dev Least value of a share at which requests are settled, WAD: a billionth of a thousandth of a dollar. Below it the
/// shares of a deposit would no longer fit their width, and those who hold the others have lost all that counts.
uint256 constant MIN_SHARE_VALUE = 1e6;

/// @dev The shortest cooldown, so that a wait is at most twice what it must be; a week of batches that nobody has settled
/// fits into one transaction.
uint256 constant BATCH_INTERVAL = 1 hours;

/// @dev How much newer than the last request of a batch its prices must be: no less than the delay of any order, for the
/// same reason.
uint256 constant PRICE_DELAY = 4 minutes;

/// @dev Batches in which one controller may have something to claim or to wait for, in each direction.
uint256 constant MAX_WAITING_BATCHES = 8;

uint256 constant MIN_COOLDOWN = 1 hours;
uint256 constant MAX_COOLDOWN = 7 days;

/// @dev 1e-6: the finest threshold that feeds report by; at the upper end a provider leaves 2 % of the exposure behind.
uint256 constant MIN_DEVIATION = 500;
uint256 constant MAX_DEVIATION = 20_000;
