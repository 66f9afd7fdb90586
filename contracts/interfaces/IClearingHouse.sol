// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

import {Exposure, Terms} from "../libraries/Risk.sol";
import {AccountId} from "../types/AccountId.sol";
import {AccountState} from "../types/AccountState.sol";
import {Conditions} from "../types/Conditions.sol";
import {Funding} from "../types/Funding.sol";
import {OperatorGrant} from "../types/OperatorGrant.sol";
import {MarketStatus, RiskParameters, RiskRates, SizeParameters, TradeParameters} from "../types/AssetParameters.sol";
import {Bound} from "../types/Bounds.sol";
import {
    CollateralParameters,
    GlobalParameters,
    GlobalSettings,
    GroupParameters,
    MAX_GROUPS,
    MoneyParameters,
    MoneySettings
} from "../types/GlobalParameters.sol";
import {MarginRamp} from "../types/MarginRamp.sol";
import {MarketWatch, Trigger} from "../types/MarketWatch.sol";
import {IOracle, RoundHint} from "./IOracle.sol";

/// @notice A change of size at a settlement price.
struct Leg {
    uint256 asset;
    int256 delta; // base units, WAD
    uint256 price; // USD, WAD
}

/// @notice What a fill did.
struct FillResult {
    uint256 asset;
    int256 delta; // base units, WAD; after clamping to the position if reduce-only
    int256 quote; // taken on for it, net of funding, WAD
    int256 realised; // moved to cash, WAD
    uint256 fee; // WAD
}

/// @notice How an order ends: what its escrow is used for.
struct Closing {
    AccountId account;
    bool reduceOnly;
    uint256 released; // escrow that goes back to the account, WAD
    uint256 pay; // escrow that goes to whoever executed, WAD
    uint256 forfeited; // escrow that goes to the pool, WAD
    AccountId payTo;
}

/// @notice A position that a liquidation shrinks; `delta` has the other sign than the position.
struct Reduction {
    uint256 asset;
    int256 delta;
}

/// @notice Collateral that a liquidation sells to its caller.
struct Sale {
    uint256 token;
    uint256 amount; // WAD
}

/// @notice What a liquidation did, WAD of settlement token.
struct LiquidationResult {
    int256 equityBefore;
    uint256 maintenanceBefore;
    int256 equityAfter;
    uint256 maintenanceAfter;
    uint256 penalty; // paid by the account
    uint256 discount; // paid by the account to the buyer of its collateral
    uint256 reward; // received by the liquidator, flat reward included, discount apart
    uint256 deficit; // booked as bad debt
}

/// @notice A liquidation of a batch.
struct Liquidation {
    AccountId account;
    Reduction[] reductions;
    Sale[] sales;
}

/// @notice The pool's value and all that a request of a provider depends on.
struct PoolValuation {
    int256 equity; // net of held premium, WAD, rounded down
    uint256 gross; // Σ |S|·P, WAD, rounded up
    uint256 redeemable; // most that can leave now: free liquidity, and equity beyond the pool's R_I, WAD, rounded down
    uint256 oldest; // least time of a price of a market with open interest; the largest number without
    bool live; // every market with open interest has a live price
    bool blocked; // a loss is pending: an insolvent account, a deleveraging, or seized collateral not paid for
}

/// @notice Balances that belong to no account.
struct Ledger {
    int256 base; // the pool's free liquidity, WAD
    uint256 lent; // what accounts owe the pool, as it counts it, WAD
    uint256 debtShares; // Σ shares of debt, WAD
    uint256 debtIndex; // WAD of debt for WAD of shares, now
    uint256 insurance; // WAD
    uint256 protocolFees; // WAD
    int256 closedValue; // owed to positions of sides closed whole, WAD
    uint256 seizedOwed; // advanced by the pool for seized collateral, WAD
    uint256 uncoveredDeficits; // borne by the pool to date: deficits beyond insurance, seized collateral sold too low, WAD
    uint256 pendingLosses; // insolvent accounts that have been found
    uint256 flaggedMarkets; // to be deleveraged
    int256 markValue; // the stored pool mark, WAD
    uint256 markTime;
    bool paused;
}

/// @notice A side of a market as it is stored.
struct SideView {
    uint256 units; // N
    int256 quote; // M
    uint256 epoch;
    uint256 cuts; // deleveragings in this epoch, modulo 64
    uint256 scale; // A, 2^-64
    uint256 profitScale; // H, 2^-64
    int256 offset; // B, WAD with 32 more bits
    uint256 size; // floor(N·A), WAD
}

/// @notice An asset as governance lists it.
struct AssetListing {
    RiskRates risk;
    uint256 group; // below 10
    uint256 depth; // D, base units, WAD
    uint256 openInterestCap; // per side, base units, WAD
    uint256 openInterestShare; // per side, 1e-6 of pool value
    uint256 skewCap; // base units, WAD
    uint256 takerFee; // 1e-6
    uint256 makerFee; // 1e-6
    uint256 maxFundingRate; // 1e-9 per day
    uint256 fundingVelocity; // 1e-9 per day²
    uint256 profitWeight; // 1e-6
    uint256 lotExponent; // lot = 10^lotExponent of WAD
    uint256 insuranceCap; // what insurance pays for its deficits within a day, WAD, a multiple of 100
    bool market; // false: collateral only
}

/// @notice Caps and fees of a market: what does not enter any requirement.
struct AssetLimits {
    uint256 openInterestCap; // per side, base units, WAD
    uint256 openInterestShare; // per side, 1e-6 of pool value
    uint256 skewCap; // base units, WAD
    uint256 takerFee; // 1e-6
    uint256 makerFee; // 1e-6
    uint256 insuranceCap; // within a day, WAD, a multiple of 100
}

/// @title IClearingHouse
/// @notice The books: accounts, cash, collateral, positions, funding, fills, health and liquidation. It holds no tokens
/// and knows no order types. All amounts are WAD; an asset is an index below 96, a token an index below 16.
/// @dev One contract at one address; what is not on the way of an order is in `ClearingHouseExtension`, which it calls by
/// delegatecall, and what governance does in `ClearingHouseGovernance`, which that calls in turn.
///
/// Errors that many functions share stand here and not at each:
///  - `Locked`: a verb is under way. All verbs of users, of the crowded side and of governance, but `multicall` and
///    `liquidateItem`; `lock` and `simulate`; of the views `snapshot`, `accountOf`, `positionOf`, `storedPositionOf`,
///    `formerPositionOf`, `collateralOf`, `poolValuation`, `ledger`, `balances`, `marketOf`, `sideOf` and `seizedOf`.
///  - `OnlySatellite`: the caller is not the satellite that the verb is for: the vault (`credit`, `debit`, `lackOf`),
///    orders (`openOrder`, `reserveSequence`, `payKeeper`, `executeOrder`, `closeOrder`), the pool (`fundPool`,
///    `drainPool`, `valuePool`), the insurance fund (`fundInsurance`, `drainInsurance`), any of the four (`lock`,
///    `unlock`). `NotLocked`: it is, and the lock is not taken; all of these but `lock` and `unlock`.
///  - `NotAuthorized`: the caller, or the `caller` that a satellite names, is neither the owner of the account that
///    pays, buys or is rewarded, nor an operator with the right: to trade (`liquidate`, `liquidateBatch`, `takeOver`,
///    `convert`, `buySeized`, `openOrder`, `reserveSequence`), to transfer (`transfer`), or to withdraw (`debit`,
///    `fundPool`, `fundInsurance`). `OperatorExpired`: its right has ended.
///  - `AccessManagedUnauthorized`: all verbs of governance. Whoever has a delay there gets
///    `AccessManagerNotScheduled`, `AccessManagerNotReady` or `AccessManagerExpired` of the access manager instead.
///  - `UnknownMarket`: an asset that is not listed: `closeMarket`, all verbs of governance with an `asset`; or that is no
///    market either: `openOrder`, `reserveSequence`, `executeOrder`, `simulate`; or that the account does not hold:
///    `liquidate`, `takeOver`.
///  - `UnknownCollateral`: a token that is not listed: `transfer`, `credit`, `debit`, `buySeized`, `writeOff`.
///  - `SequencerNotSettled`: the sequencer is down or in its grace: `liquidate`, `takeOver`, `convert`, `realise`,
///    `settleDeficit`, `flagInsolvent`, `clearInsolvency`, `seize`, `buySeized`, `writeOff`, `flagDeleveraging`,
///    `deleverage`, `cutProfits`.
///  - Of the oracle, wherever prices are read: `UnknownAssets`, where it has not listed one, and `InsufficientGas`,
///    where less is left than a feed's call needs. `IOracle.settle` has its own (`ChainlinkPush`, `StreamSettlement`).
///  - Of OpenZeppelin's SafeCast, as declared below: an amount, size or quote that its field has no room for.
///
/// And of governance:
///  - `OutOfRange`: a number outside the range of `boundOf`, or of what it depends on: all that list, ramp, tune or
///    set.
///  - `StepTooLarge`: all that ramp, tune or set, but `setGroup`. `ChangedTooSoon`: of these all but `rampRisk` and
///    `rampMargins`.
///  - `ListingInvariantBroken`: all that list, ramp, tune or set, but `setGroup` and `setMoney`.
///  - `TableNotDeployed`: too little gas for the new table of parameters: all that list, ramp, tune or set,
///    `restrictMarket`, `reopenMarket`, `windDown`, and `closeMarket`, too.
interface IClearingHouse is IAccessManaged {
    event Fill(
        AccountId indexed account,
        uint256 indexed asset,
        int256 delta,
        uint256 price,
        int256 quote,
        int256 realised,
        uint256 fee,
        int256 fundingIndex
    );
    event Credited(AccountId indexed account, uint256 indexed token, uint256 amount);
    event Debited(AccountId indexed account, uint256 indexed token, uint256 amount);
    event Transferred(AccountId indexed from, AccountId indexed to, uint256 indexed token, uint256 amount);
    event OrderClosed(
        AccountId indexed account,
        AccountId indexed payTo,
        uint256 released,
        uint256 pay,
        uint256 forfeited
    );
    event KeeperPaid(AccountId indexed from, AccountId indexed to, uint256 amount);
    event OperatorSet(
        AccountId indexed account,
        address indexed operator,
        uint256 rights,
        uint256 until,
        uint256 allowance
    );
    event Liquidated(AccountId indexed account, AccountId indexed liquidator, LiquidationResult result);
    event CollateralSold(
        AccountId indexed account,
        AccountId indexed buyer,
        uint256 indexed token,
        uint256 amount,
        uint256 proceeds
    );
    event LiquidationFailed(AccountId indexed account, bytes reason);
    event Converted(AccountId indexed account, AccountId indexed buyer, uint256 proceeds, uint256 shortfall);
    event LossRealised(AccountId indexed account, uint256 indexed asset, uint256 loss);
    /// @notice Positions of sides that had been closed whole have become cash.
    /// @param assets Bitmap.
    event PositionsClosed(AccountId indexed account, uint256 assets, int256 value);
    /// @param market An asset, or UNATTRIBUTED.
    event DeficitBooked(AccountId indexed account, uint256 indexed market, uint256 deficit, uint256 fromInsurance);
    event Insolvent(AccountId indexed account, int256 equity);
    event InsolvencyCleared(AccountId indexed account);
    /// @param paid What the account got. @param advanced What of it the pool paid.
    event CollateralSeized(
        AccountId indexed account,
        uint256 indexed token,
        uint256 amount,
        uint256 paid,
        uint256 advanced
    );
    event WrittenOff(uint256 indexed token, uint256 owed);
    event SkewWatched(uint256 indexed asset, uint256 skew, uint256 cap, bool over);
    event DeleveragingFlagged(uint256 indexed asset, Trigger trigger);
    event DeleveragingDropped(uint256 indexed asset);
    /// @param closed Size that the side lost, WAD. @param paid What its positions are worth more instead, WAD.
    /// @param scale A afterwards, 2^-64; 0: the side was closed whole. @param offset B afterwards.
    event Deleveraged(
        uint256 indexed asset,
        bool indexed long,
        uint256 closed,
        uint256 price,
        int256 paid,
        uint256 scale,
        int256 offset
    );
    event SideClosed(uint256 indexed asset, bool indexed long, uint256 epoch);
    /// @notice Insurance has paid for the pool's negative equity.
    event PoolRescued(uint256 fromInsurance);
    /// @param cut h, 2^-64. @param offset B afterwards; at which the side was closed whole where `SideClosed` comes before.
    event ProfitsCut(uint256 indexed asset, bool indexed long, uint256 cut, int256 offset);
    event WindDownAnnounced(uint256 indexed asset, uint256 closesAt);
    /// @param last Price at which every position became cash, with the impact of the skew, WAD.
    event MarketClosed(uint256 indexed asset, uint256 price, int256 last);
    event Paused(bool paused);
    event PoolMarked(int256 value);
    event PoolFunded(AccountId indexed account, uint256 amount);
    event PoolDrained(AccountId indexed account, uint256 amount);
    event InsuranceFunded(AccountId indexed account, uint256 amount);
    event InsurancePaidOut(AccountId indexed account, uint256 amount);
    event ProtocolFeesPaid(AccountId indexed account, uint256 amount);
    event AssetListed(uint256 indexed asset, AssetListing listing);
    event AssetRisksChanged(uint256 indexed asset, RiskRates target, uint256 start, uint256 duration);
    event AssetLimitsChanged(
        uint256 indexed asset,
        uint256 openInterestCap,
        uint256 openInterestShare,
        uint256 skewCap,
        uint256 takerFee,
        uint256 makerFee,
        uint256 insuranceCap
    );
    event MarketStatusChanged(uint256 indexed asset, MarketStatus status);
    event CollateralListed(uint256 indexed token, uint256 indexed asset, uint256 saleDiscount, uint256 lotExponent);
    event MoneyChanged(MoneySettings settings);
    event GlobalsChanged(GlobalSettings settings);
    /// @notice m and all ρ move to these from `start` on.
    event MarginsRamped(uint256 factor, uint256[MAX_GROUPS] floors, uint256 start, uint256 duration);
    event AssetGroupChanged(uint256 indexed asset, uint256 group);
    /// @param charged What the crowded side was charged, or paid if negative, WAD.
    event DepthChanged(uint256 indexed asset, uint256 depth, int256 charged);

    // ---------------------------------------------------------------- errors

    error Locked();
    error NotLocked();
    error OnlySatellite(address caller);
    error NotAuthorized(AccountId account, address caller, uint256 right);
    error OperatorExpired(AccountId account, address operator, uint256 until);
    error InvalidGrant(uint256 rights, uint256 until, uint256 allowance);
    error UnknownMarket(uint256 asset);
    error UnknownCollateral(uint256 token);
    error ZeroAmount();
    error ZeroSize(uint256 asset);
    error DuplicateLeg(uint256 asset);
    error TooManyAssets(uint256 count, uint256 maximum);
    error InsufficientCash(AccountId account, int256 cash, uint256 amount);
    error InsufficientCollateral(AccountId account, uint256 token, uint256 held, uint256 amount);
    /// @notice Equity (profits weighted) below the initial requirement, or shortfall above its limit.
    error InsufficientMargin(AccountId account, int256 equity, uint256 requirement, uint256 shortfall);
    /// @notice The order raises the requirement while a guard is off: `reason` is 1 for the sequencer, 2 for the peg, 3 for
    /// a pause, 16 + Refusal for the price of `asset`.
    error IncreaseRefused(AccountId account, uint256 asset, uint256 reason);
    /// @notice A reduction below initial margin that does not lower the risk, or costs more than the close-out charge.
    error ReductionRefused(
        int256 equityBefore,
        int256 equityAfter,
        uint256 maintenanceBefore,
        uint256 maintenanceAfter
    );
    error OrderPending(AccountId account, uint256 pending);
    error NothingToReduce(AccountId account, uint256 asset, int256 size, int256 delta);
    error MarketIsReduceOnly(uint256 asset);
    error OpenInterestExceeded(uint256 asset, uint256 openInterest, uint256 maximum);
    error SkewExceeded(uint256 asset, uint256 skew, uint256 maximum);
    error PositionTooSmall(uint256 asset, uint256 notional, uint256 minimum);
    error StalePoolMark(uint256 markTime, uint256 maximumAge);
    error NotOwnSubAccounts(AccountId from, AccountId to);
    error Healthy(AccountId account, int256 equity, uint256 maintenance);
    /// @notice A reduction by 0, of the position's own sign, or larger than the position.
    error NotASlice(uint256 asset, int256 size, int256 delta);
    /// @notice The asset's price is not live, or in the grace after that; or, for a sale, the settlement token has no
    /// price.
    error NotLiquidatable(uint256 asset);
    error SequencerNotSettled();
    error HealthNotImproved(int256 marginBefore, int256 marginAfter);
    /// @notice Equity would not be below the target with a lot more of each leg left, either. Of `convert`: minus the
    /// shortfall that would be left, and its limit.
    error TargetPassed(int256 equity, uint256 target);
    error SelfLiquidation(AccountId account);
    error OnlySelf(address caller);
    error InsufficientGas(uint256 gas, uint256 minimum);
    /// @notice Unhealthy only because its side was deleveraged within the grace period.
    error InGrace(AccountId account, int256 equity, uint256 maintenance);
    error NothingToTakeOver(AccountId account);
    error ShortfallWithinLimit(AccountId account, uint256 shortfall, uint256 limit);
    error NoDeficit(AccountId account, int256 cash);
    error PositionsLeft(AccountId account, uint256 positions);
    error CollateralLeft(AccountId account, uint256 collaterals);
    error AlreadyInsolvent(AccountId account);
    error NotInsolvent(AccountId account, int256 equity);
    error StillInsolvent(AccountId account, int256 equity);
    /// @notice Not found insolvent (`since` 0), or not for long enough.
    error NotSeizable(AccountId account, uint256 since, uint256 delay);
    error NotDead(uint256 asset);
    error NotDue(uint256 asset);
    error NotFlagged(uint256 asset);
    error AlreadyFlagged(uint256 asset);
    /// @notice The pool's equity is not below 0, or one of its prices is not live.
    error PoolSolvent(int256 equity, bool live);
    error NoProfits();
    error WrongStatus(uint256 asset, MarketStatus status);
    error ClosingLater(uint256 asset, uint256 closesAt);
    error InsufficientInsurance(uint256 insurance, uint256 amount);
    /// @notice What is to be borrowed or paid out is more than the pool's free liquidity.
    error InsufficientLiquidity(int256 base, uint256 amount);
    error PoolUndercovered(int256 equity, uint256 requirement);
    /// @notice Always thrown by `simulate`.
    error Simulated(FillResult[] fills, int256 cash, Terms terms, uint256 initial, uint256 maintenance);
    error OutOfRange(bytes32 what, uint256 value, uint256 minimum, uint256 maximum);
    error ListingFull(uint256 count);
    /// @notice Closing would cost more than the requirement that it frees, 1e-6 of notional.
    error ListingInvariantBroken(uint256 relief, uint256 cost);
    /// @notice One jump of the price within the oracle's limit may lose more of the open interest than insurance pays for the
    /// market, WAD.
    error JumpNotInsured(uint256 asset, uint256 loss, uint256 insuranceCap);

    /// @notice Further than the parameter may move at once.
    error StepTooLarge(bytes32 name, uint256 from, uint256 to, uint256 most);
    error ChangedTooSoon(bytes32 name, uint256 last, uint256 next);
    /// @notice The steward does not replace a ramp that runs.
    error RampRunning(uint256 end);
    /// @notice An asset changes its group only while its β is 0.
    error GroupInUse(uint256 asset, uint256 beta);
    error NotLive(uint256 asset);
    /// @notice A trade before and one after the change would gain more than its fees, 1e-6 of notional.
    error StepPays(uint256 gain, uint256 fees);
    error UnknownParameter(bytes32 name);

    // Thrown by types and libraries; declared here so that callers can read them.

    error FeeAllowanceExceeded(uint256 fee, uint256 left);
    error SequenceExhausted(uint256 sequence);
    error TooManyPending(uint256 pending);
    error EpochsExhausted(uint256 epoch);
    error RateOutOfRange(int256 rate);
    error SafeCastOverflowedUintDowncast(uint8 bits, uint256 value);
    error SafeCastOverflowedIntDowncast(uint8 bits, int256 value);
    error SafeCastOverflowedUintToInt(uint256 value);
    error SafeCastOverflowedIntToUint(int256 value);

    // ---------------------------------------------------------------- users

    /// @notice Lets `operator` act for `account` until a time, within a daily allowance of fees.
    /// @dev Reverts with `NotAuthorized` for anyone but the owner, and with `InvalidGrant` where `rights` is above 7,
    /// `until` has more than 40 bits, or `allowance` more than 64.
    /// @param rights Sum of 1 (trade), 2 (transfer between own sub-accounts), 4 (withdraw); 0 revokes.
    /// @param allowance Fees and keeper pay that it may cause per day, 1e-6 of settlement token; each is rounded up.
    function setOperator(
        AccountId account,
        address operator,
        uint256 rights,
        uint256 until,
        uint256 allowance
    ) external;

    /// @notice Moves collateral or cash between two accounts of one owner. The source must meet its initial requirement
    /// afterwards and have no pending order.
    /// @dev Reverts with `NotOwnSubAccounts` where the owners differ or the accounts are the same, `ZeroAmount`; of the
    /// source with `OrderPending`, `InsufficientCash`, `InsufficientCollateral` or `InsufficientMargin`, of the target
    /// with `TooManyAssets`.
    /// @param token Index of the collateral token; `SETTLEMENT` for cash.
    /// @param amount WAD.
    function transfer(AccountId from, AccountId to, uint256 token, uint256 amount) external;

    /// @notice OpenZeppelin's Multicall: each call on its own, all or none.
    /// @dev Reverts with the error of the first call that fails; with OpenZeppelin's `FailedCall` where that has none.
    function multicall(bytes[] calldata data) external returns (bytes[] memory results);

    /// @notice Reduces positions and sells collateral of an account whose equity does not cover its maintenance
    /// requirement. Verified, not solved: sizes only shrink, E − R_M strictly rises, and the end does not pass
    /// R_M + τ·(R_I − R_M) by more than one lot of each leg unless everything is closed in a small account or a deep
    /// loss. Paid by the risk removed: φ·(R_M before − R_M after), out of max(E, 0) pro rata to what is closed.
    /// @dev Penalty, discount and reward are rounded down, the price of collateral up. Reverts with `SelfLiquidation`,
    /// `Healthy` (where nothing is held, too), `InGrace`, `DuplicateLeg` (of a sale with its token), `NotASlice`,
    /// `NotLiquidatable`, `PositionTooSmall` for what is left of a position, `InsufficientCollateral` where a sale is
    /// of 0 or of more than there is, `HealthNotImproved`, `TargetPassed`; of a liquidator that buys with
    /// `InsufficientCash`, `TooManyAssets`, `OrderPending` or `InsufficientMargin`.
    /// @param liquidator Receives the reward, buys the collateral that is sold; an account of the caller.
    function liquidate(
        AccountId account,
        Reduction[] calldata reductions,
        Sale[] calldata sales,
        AccountId liquidator
    ) external returns (LiquidationResult memory);

    /// @notice Liquidates several accounts. An item that fails is reported by `LiquidationFailed` and changes nothing.
    /// @dev Too little gas reverts the whole call: `InsufficientGas` where less than 3,000,000 is left before an item.
    function liquidateBatch(Liquidation[] calldata items, AccountId liquidator) external;

    /// @notice An item of `liquidateBatch`; callable only by the contract itself.
    /// @dev Reverts with `OnlySelf`, or as `liquidate` for a liquidator that may.
    function liquidateItem(Liquidation calldata item, AccountId liquidator) external returns (LiquidationResult memory);

    /// @notice Moves slices of positions of an account with E ≤ R_M to `taker`, an account of the caller, at the last
    /// prices: no impact, no fee. The taker gets a discount on the notional that grows with the shortfall, and the
    /// liquidator's share of the penalty, both within the bounds of `liquidate`; it must meet its initial requirement
    /// afterwards.
    /// @dev Discount and reward are rounded down. Reverts as `liquidate` without sales, with `PositionTooSmall` for
    /// what is left on either side; with `NothingToTakeOver` where there are no legs; of the taker with `TooManyAssets`
    /// or `InsufficientMargin`.
    function takeOver(
        AccountId account,
        Reduction[] calldata legs,
        AccountId taker
    ) external returns (LiquidationResult memory);

    /// @notice Sells collateral of an account whose shortfall is above λ_M·Σ k·P, healthy or not, at the oracle's price
    /// less min(sale discount, 0.5 %), down to λ_I; without penalty. It never makes a healthy account liquidatable.
    /// @dev Reverts with `SelfLiquidation`, `ShortfallWithinLimit`, `DuplicateLeg` (with the token),
    /// `InsufficientCollateral` where a sale is of 0 or of more than there is, `NotLiquidatable`, `HealthNotImproved`
    /// where E − R_M ends at or below 0 and lower than it was, `TargetPassed` where λ_I would be met with a lot of each
    /// sale unsold; of the buyer with `InsufficientCash`, `TooManyAssets`, `OrderPending` or `InsufficientMargin`.
    /// @param buyer An account of the caller; pays in cash.
    /// @return proceeds WAD, each sale rounded up.
    function convert(AccountId account, Sale[] calldata sales, AccountId buyer) external returns (uint256 proceeds);

    /// @notice Turns positions of sides that were closed whole, and the net unrealised loss of positions with live prices,
    /// into cash or debt. Equity stays. Anyone.
    /// @dev No error of its own: without such a loss it moves 0.
    /// @return moved Loss that was realised, WAD, rounded up.
    function realise(AccountId account) external returns (uint256 moved);

    /// @notice Books the debt of an account that has nothing else: insurance pays up to its cap, the pool the rest.
    /// @dev Reverts with `PositionsLeft`, `CollateralLeft`, `NoDeficit` where it owes nothing, `OrderPending`.
    /// @return deficit What it owed, WAD, rounded up.
    function settleDeficit(AccountId account) external returns (uint256 deficit);

    /// @notice Records that an account has positions, collateral or a pending order, c + U < 0 and E ≤ 0: whatever it is
    /// wound up for, the loss is insurance's and the pool's. Pool requests wait from now on. A liquidation that leaves
    /// nothing but a debt beyond what orders have in escrow records it, too.
    /// @dev Reverts with `AlreadyInsolvent` where that is recorded, `NotInsolvent` where it is not so.
    function flagInsolvent(AccountId account) external;

    /// @notice Forgets it once E > 0, or c + U is not negative, or nothing is left.
    /// @dev Reverts with `StillInsolvent` where it is so, `NotInsolvent` where that was not recorded.
    function clearInsolvency(AccountId account) external;

    /// @notice Ten minutes after `flagInsolvent`, with no positions left: passes all collateral to the insurance account at
    /// the oracle's prices (dead: for nothing) and books the deficit.
    /// @dev What is paid for it is rounded up. Reverts with `NotSeizable`, `PositionsLeft`, `NotInsolvent` where it is
    /// so no more, `NotLiquidatable` of what is not dead, `OrderPending` where a deficit is left and an order is
    /// pending.
    /// @return deficit WAD; 0: none was left.
    function seize(AccountId account) external returns (uint256 deficit);

    /// @notice Buys seized collateral at the oracle's price less a discount that grows from 0 to 10 % within six hours. The
    /// pool gets back first what it has advanced.
    /// @dev Reverts with `InsufficientCollateral` where the sale is of 0 or of more than there is, `NotLiquidatable`;
    /// of the buyer with `InsufficientCash`, `TooManyAssets`, `OrderPending` or `InsufficientMargin`.
    /// @param buyer An account of the caller.
    /// @return proceeds WAD, rounded up.
    function buySeized(Sale calldata sale, AccountId buyer) external returns (uint256 proceeds);

    /// @notice Gives up what the pool has advanced for seized collateral whose price is dead.
    /// @dev Reverts with `NotDead`.
    function writeOff(uint256 token) external;

    /// @notice Values the pool anew and stores it for the caps that are a share of it.
    /// @dev No error of its own: a price that is not live counts at its last.
    /// @return value Equity as in `PoolValuation`, WAD, rounded down.
    function markPool() external returns (int256 value);

    // ---------------------------------------------------------------- the crowded side

    /// @notice Flags a market for deleveraging where, at the latest live price, |S| has been over twice its cap for an hour,
    /// or the market owes its traders more than the pool's budget, or the pool does not cover its own R_M. Anyone.
    /// @dev The first call with |S| over the cap records when; a call while it is not forgets it. Reverts with
    /// `AlreadyFlagged`, `NotDue` where the market has no open interest, its end is announced, or no trigger holds and
    /// the watch stays, and `NotLiquidatable`.
    /// @return trigger None: only the watch has changed.
    function flagDeleveraging(uint256 asset) external returns (Trigger trigger);

    /// @notice Deleverages a flagged market at the first round after the flag: closes the same fraction of every position of
    /// the crowded side through the ordinary fill price, min(needed, 25 %, |S|/side), if that lowers the pool's R_M.
    /// @dev What is needed is rounded up. Reverts with `NotFlagged`; as `IOracle.settle` where the hint proves nothing
    /// within a day of the flag, which is dropped after that, and ten minutes after the round; with `EpochsExhausted`
    /// where the side has been closed whole 1,023 times.
    /// @return closed Size that the side lost, WAD; 0: the flag was dropped.
    function deleverage(uint256 asset, RoundHint calldata hint) external returns (uint256 closed);

    /// @notice With the pool's equity below 0: takes what insurance has left, and then scales the value of every side that is
    /// worth something by the same factor, so that the pool is solvent. A side of which less than 2^-24 would be left, over all
    /// cuts, is closed whole at the last price; where that makes the pool hold more premium than it saves, the pool is still
    /// insolvent and the next call goes on. Anyone.
    /// @dev Reverts with `PoolSolvent`, `NoProfits` where insurance has too little and no side is worth something, and
    /// `EpochsExhausted` as `deleverage`.
    /// @return cut h, 2^-64, rounded up; 0: insurance has paid for all.
    function cutProfits() external returns (uint256 cut);

    /// @notice Closes both sides of a market that is being wound down, at the first round after its notice (else the price
    /// that is read now) times 1 + S/(2D). Anyone.
    /// @dev The price is rounded down, and what each side is worth at it toward the pool. Reverts with `WrongStatus`
    /// where the end is not announced or has come, `ClosingLater`; within seven days after the notice as `IOracle.settle`
    /// where the hint proves nothing, and with `NotLiquidatable` where there is no such round and the price is neither
    /// live nor dead; with `EpochsExhausted` as `deleverage`.
    function closeMarket(uint256 asset, RoundHint calldata hint) external;

    // ---------------------------------------------------------------- governance

    /// @notice Lists assets; their indices follow those listed before.
    /// @dev Reverts with `ListingFull` beyond 96; of a market with the oracle's `UnknownAsset`, and, where the oracle's
    /// jump limit is above m·(β + σ) + γ, with `NotLive` or `JumpNotInsured`.
    function listAssets(AssetListing[] calldata listings) external;

    /// @notice Lists a collateral token; its index is that of the vault.
    /// @dev Reverts with `ListingFull` beyond 16. `OutOfRange` above a discount of 10 %, and with an exponent outside 6
    /// to 24.
    /// @param saleDiscount 1e-6. @param lotExponent Lot of a sale = 10^lotExponent of WAD.
    function listCollateral(uint256 asset, uint256 saleDiscount, uint256 lotExponent) external;

    /// @notice Moves an asset's risk rates to `target` linearly over `duration` seconds.
    /// @dev On the way rates are rounded up. `OutOfRange`, too, unless it takes 1 to 90 days.
    function rampRisk(uint256 asset, RiskRates calldata target, uint256 duration) external;

    /// @notice The same in the steward's steps, and only where no ramp of the asset runs.
    /// @dev Otherwise `RampRunning`.
    function tuneRisk(uint256 asset, RiskRates calldata target, uint256 duration) external;

    /// @notice Moves m and all ρ, 1e-6, linearly over `duration` seconds.
    /// @dev On the way they are rounded up. `OutOfRange`, too, unless it takes 1 to 90 days; `ListingInvariantBroken`
    /// only where m falls.
    /// @param floors ρ of every group; what stays is given again.
    function rampMargins(uint256 factor, uint256[MAX_GROUPS] calldata floors, uint256 duration) external;

    /// @notice The same in the steward's steps, and only where no ramp of m or ρ runs.
    /// @dev Otherwise `RampRunning`.
    function tuneMargins(uint256 factor, uint256[MAX_GROUPS] calldata floors, uint256 duration) external;

    /// @notice Puts an asset into another group of hedges, while its β is 0.
    /// @dev Otherwise `GroupInUse`.
    function setGroup(uint256 asset, uint256 group) external;

    /// @notice Sets D, base units, WAD. What that changes of the held premium the crowded side pays or gets; nobody's
    /// E − R_M falls, because κ/D stays and γ gives way by as much, and both return to their rates within a day.
    /// @dev What is charged is rounded toward the pool. Reverts with `WrongStatus` where the market's end is announced
    /// or has come, `StepPays` where D falls, `NotLive` where there is a skew. `OutOfRange`, too, where a cap is above
    /// D or the charge above γ.
    function setDepth(uint256 asset, uint256 depth) external;

    /// @notice The same in the steward's steps.
    /// @dev Reverts as `setDepth`.
    function tuneDepth(uint256 asset, uint256 depth) external;

    /// @notice Sets what does not enter any requirement: caps and fees.
    /// @dev `StepTooLarge` and `ChangedTooSoon` only where twice the skew cap comes below |S|. `OutOfRange`, too, where
    /// a cap is above D, the maker fee above the taker fee, or `insuranceCap` no multiple of 100.
    function setLimits(
        uint256 asset,
        uint256 openInterestCap,
        uint256 openInterestShare,
        uint256 skewCap,
        uint256 takerFee,
        uint256 makerFee,
        uint256 insuranceCap
    ) external;

    /// @notice The same in the steward's steps; fees stay.
    /// @dev Reverts as `setLimits`, but every cap has its steps.
    function tuneLimits(
        uint256 asset,
        uint256 openInterestCap,
        uint256 openInterestShare,
        uint256 skewCap,
        uint256 insuranceCap
    ) external;

    /// @notice Sets φ, τ and what else all accounts share, but m and ρ. What makes a liquidation cost more or come sooner to its
    /// end moves by steps, a day apart.
    /// @dev `ListingInvariantBroken` only where φ rises. `OutOfRange`, too, where λ_M is below λ_I, or the shares of
    /// fees are above 1 together.
    function setGlobals(GlobalSettings calldata settings) external;

    /// @notice Sets what the protocol's own money follows.
    /// @dev `StepTooLarge` and `ChangedTooSoon` only for a higher `smallRequirement` and a lower `lossBudget`.
    /// `OutOfRange`, too, where `borrowRateKink` is above `borrowRateFull`.
    function setMoney(MoneySettings calldata settings) external;

    /// @notice Pays protocol fees out to an account, WAD.
    /// @dev Reverts with `SafeCastOverflowedIntToUint` where there is less.
    function payProtocolFees(AccountId account, uint256 amount) external;

    /// @notice Makes a market reduce-only, and back.
    /// @dev Reverts with `WrongStatus` unless it is active; `reopenMarket` unless it is reduce-only.
    function restrictMarket(uint256 asset) external;
    function reopenMarket(uint256 asset) external;

    /// @notice Refuses whatever raises a requirement, in every market, and back. All else goes on.
    /// @dev No error of their own.
    function pause() external;
    function unpause() external;

    /// @notice Announces the end of a market: reduce-only from now on, final price after a day. It cannot be taken back.
    /// @dev Reverts with `WrongStatus` unless the market is active or reduce-only.
    function windDown(uint256 asset) external;

    // ---------------------------------------------------------------- satellites

    /// @notice Takes the one lock; every verb of every contract runs under it.
    function lock() external;
    function unlock() external;

    /// @notice Books a deposit. Cash may be added by anyone, collateral of a new kind only by owner or operator.
    /// @dev Reverts with `ZeroAmount`; for collateral of a new kind with `NotAuthorized`, where any right of an
    /// operator will do, or `TooManyAssets`.
    function credit(AccountId account, address caller, uint256 token, uint256 amount) external;

    /// @notice Books a withdrawal: initial requirement at unfavourable prices, no pending order.
    /// @dev Reverts with `ZeroAmount`, `OrderPending`, `InsufficientCash` or `InsufficientCollateral`,
    /// `InsufficientMargin`.
    function debit(AccountId account, address caller, uint256 token, uint256 amount) external;

    /// @notice Takes an order's escrow out of cash and numbers it. Against liquidation it still counts as the account's
    /// until the order ends. Keeper pay as given; the cancel charge is the taker fee on the legs' notional, rounded up to
    /// `ESCROW_UNIT`. Where cash does not cover both the account must meet its
    /// initial requirement after them; a reduce-only order then leaves out the charge, needs E > R_M, and stays alone.
    /// @dev Reverts with `ZeroSize`; unless reduce-only with `MarketIsReduceOnly` where a market is not active, and
    /// `IncreaseRefused` while paused; with `FeeAllowanceExceeded` of an operator; `OrderPending` where an order that
    /// stays alone is pending, this one has to stay alone and is not, or it would be the second that is not
    /// reduce-only; `SequenceExhausted`, `TooManyPending`; where cash does not cover both, with `InsufficientMargin`,
    /// and unless reduce-only with `InsufficientLiquidity`.
    /// @param legs With the last accepted prices.
    function openOrder(
        AccountId account,
        address caller,
        Leg[] calldata legs,
        uint256 pay,
        bool reduceOnly
    ) external returns (uint256 sequence, uint256 charge);

    /// @notice Numbers an order that locks nothing (a trigger order).
    /// @dev Reverts with `ZeroSize`, with `FeeAllowanceExceeded` of an operator, and `SequenceExhausted`.
    /// @param legs What it becomes, with the last accepted prices. Their taker fee, as `openOrder` charges it, counts
    /// against an operator's allowance now, because its poke acts as the owner. Nothing is taken.
    /// @param pay Keeper pay that it will cause, WAD: counts, too.
    function reserveSequence(
        AccountId account,
        address caller,
        Leg[] calldata legs,
        uint256 pay
    ) external returns (uint256 sequence);

    /// @notice Pays a keeper out of `from`'s cash. Does not check margin: only followed by an `openOrder` of `from` in
    /// the same call, whose check covers it.
    /// @dev No error of its own.
    function payKeeper(AccountId from, AccountId to, uint256 amount) external;

    /// @notice Fills all legs or none and closes the order.
    /// @dev Quote and fee of a fill are rounded up, the parts of a fee that go to insurance and protocol down. Reverts
    /// with `ZeroSize`, `DuplicateLeg`, `TooManyAssets`; `MarketIsReduceOnly` where a market is closed, or not active
    /// and the leg is more than a reduction; `NothingToReduce` where a leg of a reduce-only order is against no
    /// position; `PositionTooSmall` for what is left; where a position grows, `OpenInterestExceeded`, `StalePoolMark`,
    /// `SkewExceeded`, and on credit `InsufficientLiquidity`; where R_M rises, `IncreaseRefused` or
    /// `InsufficientMargin`, and where it does not, `ReductionRefused`.
    function executeOrder(Closing calldata closing, Leg[] calldata legs) external returns (FillResult[] memory);

    /// @notice Closes an order without a fill.
    /// @dev No error of its own.
    function closeOrder(Closing calldata closing) external;

    /// @notice Moves cash of an account into the pool's free liquidity, or back. The pool must meet its initial
    /// requirement after paying out.
    /// @dev Reverts with `ZeroAmount`, `OrderPending`, `InsufficientCash` or `InsufficientMargin`.
    function fundPool(AccountId account, address caller, uint256 amount) external;

    /// @dev Reverts with `InsufficientLiquidity` or `PoolUndercovered`.
    function drainPool(AccountId account, uint256 amount) external;

    /// @notice The pool's value, stored as its mark. Under the lock.
    /// @dev No error of its own.
    function valuePool() external returns (PoolValuation memory);

    /// @notice Moves cash of an account to insurance, or back. Who may is the fund's to decide.
    /// @dev Reverts as `fundPool`.
    function fundInsurance(AccountId account, address caller, uint256 amount) external;

    /// @dev Reverts with `InsufficientInsurance`.
    function drainInsurance(AccountId account, uint256 amount) external;

    /// @notice How much an account lacks to its initial requirement, at the worse ends, WAD, rounded up; what the vault
    /// takes beyond its cap. Under the lock.
    /// @dev No error of its own.
    function lackOf(AccountId account) external returns (uint256);

    // ---------------------------------------------------------------- views

    /// @notice Runs `legs` at their prices as an execution would, and always reverts with `Simulated` or with the error
    /// that the execution would meet: those of `executeOrder`.
    function simulate(AccountId account, Leg[] calldata legs, bool reduceOnly) external;

    /// @notice An account with every exposure at the current prices, in ascending order of assets. A debt is rounded
    /// up, sizes toward 0, quotes down.
    function snapshot(
        AccountId account
    ) external view returns (AccountState memory state, Exposure[] memory exposures, Conditions conditions);

    /// @notice An account; a debt with its interest up to now, rounded up.
    function accountOf(AccountId account) external view returns (AccountState memory);

    /// @notice Size and quote of a position, WAD, as they read through the index of its side: the size rounded toward
    /// 0, the quote down. Of a side that was closed whole the size is 0, the quote what the position has become.
    function positionOf(AccountId account, uint256 asset) external view returns (int256 size, int256 quote);

    /// @return amount WAD.
    function collateralOf(AccountId account, uint256 token) external view returns (uint256 amount);
    function operatorOf(AccountId account, address operator) external view returns (OperatorGrant);

    /// @notice The pool's value at the latest prices, without storing it.
    function poolValuation() external view returns (PoolValuation memory);

    /// @notice Balances that belong to no account; `lent` and `debtIndex` are rounded down.
    function ledger() external view returns (Ledger memory);

    /// @notice One side of a market as it is stored.
    function sideOf(uint256 asset, bool long) external view returns (SideView memory);

    /// @notice A position as it is stored: units, quote, and epoch and cuts of its side when it was given its size.
    function storedPositionOf(
        AccountId account,
        uint256 asset
    ) external view returns (int256 units, int256 quote, uint256 epoch, uint256 cuts);

    /// @notice Size and quote that a position would have had its side not been deleveraged within the last grace
    /// period, rounded as in `positionOf`: an account with such positions is liquidated only if it is unhealthy with
    /// them, too.
    /// @return graced False, and nothing else, where no grace runs for it.
    function formerPositionOf(
        AccountId account,
        uint256 asset
    ) external view returns (bool graced, int256 size, int256 quote);

    /// @notice What is kept of a market for its deleveraging and its end.
    function watchOf(uint256 asset) external view returns (MarketWatch);

    /// @notice What insurance would still pay for deficits of a market now, rounded down, and within a day, WAD.
    /// @param market An asset, or UNATTRIBUTED.
    function insuranceRoomOf(uint256 market) external view returns (uint256 room, uint256 cap);

    /// @notice When an account was found insolvent; 0: it was not.
    function insolventSince(AccountId account) external view returns (uint256);

    /// @notice Seized collateral: amount in the insurance account, what the pool has advanced for it (WAD), since when.
    function seizedOf(uint256 token) external view returns (uint256 amount, uint256 owed, uint256 since);

    /// @notice Size and quote of both sides (WAD, through their indices, sizes rounded down, quotes up) and stored
    /// funding of a market.
    function marketOf(
        uint256 asset
    ) external view returns (uint256 longSize, int256 longQuote, uint256 shortSize, int256 shortQuote, Funding funding);

    /// @notice The pool's free liquidity, what accounts owe it now (rounded down), insurance, unpaid protocol fees
    /// (WAD), the stored mark.
    function balances()
        external
        view
        returns (
            int256 base,
            uint256 debts,
            uint256 insurance,
            uint256 protocolFees,
            int256 markValue,
            uint256 markTime
        );

    function parametersOf(
        uint256 asset
    ) external view returns (RiskParameters risk, SizeParameters sizes, TradeParameters trade);

    /// @notice What is in force now; a ramp of m and ρ that is in progress is in it, rounded up.
    function globals() external view returns (GlobalParameters, GroupParameters, MoneyParameters);

    /// @notice The last ramp of m and ρ, with ρ at its end; zeros where there was none since, or it has been forgotten after its
    /// end.
    function marginRamp() external view returns (MarginRamp ramp, GroupParameters end);

    /// @notice Range, steps and intervals of a parameter by its name.
    /// @dev Reverts with `UnknownParameter`.
    function boundOf(bytes32 name) external pure returns (Bound memory);

    /// @notice When a parameter last moved by a step, unix seconds; 0: not yet.
    /// @param index The asset or group that it is of; 0 for what all share.
    function changedAt(bytes32 name, uint256 index) external view returns (uint256);
    function collateralParametersOf(uint256 token) external view returns (CollateralParameters);
    function listed() external view returns (uint256 assets, uint256 tokens);
    function oracle() external view returns (IOracle);
    function vault() external view returns (address);
    function orders() external view returns (address);
    function pool() external view returns (address);
    function insuranceFund() external view returns (address);
}

/// @dev In place of a market: a deficit that none has caused.
uint256 constant UNATTRIBUTED = 255;

/// @dev In place of a token index: cash.
uint256 constant SETTLEMENT = 255;

/// @dev Escrow amounts are multiples of this, WAD.
uint256 constant ESCROW_UNIT = 1e14;

/// @dev Assets that one account may hold, collateral and positions together.
uint256 constant MAX_ASSETS = 16;
