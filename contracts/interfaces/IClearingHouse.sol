// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Exposure, Terms} from "../libraries/Risk.sol";
import {AccountId} from "../types/AccountId.sol";
import {AccountState} from "../types/AccountState.sol";
import {Conditions} from "../types/Conditions.sol";
import {Funding} from "../types/Funding.sol";
import {OperatorGrant} from "../types/OperatorGrant.sol";
import {RiskParameters, RiskRates, SizeParameters, TradeParameters} from "../types/AssetParameters.sol";
import {CollateralParameters, GlobalParameters, GroupParameters, MoneyParameters} from "../types/GlobalParameters.sol";
import {IOracle} from "./IOracle.sol";

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
    bool market; // false: collateral only
}

/// @title IClearingHouse
/// @notice The books: accounts, cash, collateral, positions, funding, fills, health and liquidation. It holds no tokens
/// and knows no order types. All amounts are WAD; an asset is an index below 96, a token an index below 16.
interface IClearingHouse {
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
    event DeficitBooked(AccountId indexed account, uint256 deficit, uint256 fromInsurance);
    event PoolMarked(int256 value);
    event PoolFunded(AccountId indexed account, uint256 amount);
    event PoolDrained(AccountId indexed account, uint256 amount);
    event InsuranceFunded(AccountId indexed account, uint256 amount);
    event ProtocolFeesPaid(AccountId indexed account, uint256 amount);
    event AssetListed(uint256 indexed asset, AssetListing listing);
    event AssetRisksChanged(uint256 indexed asset, RiskRates target, uint256 start, uint256 duration);
    event AssetLimitsChanged(
        uint256 indexed asset,
        uint256 openInterestCap,
        uint256 openInterestShare,
        uint256 skewCap,
        uint256 takerFee,
        uint256 makerFee
    );
    event MarketReduceOnly(uint256 indexed asset, bool reduceOnly);
    event CollateralListed(uint256 indexed token, uint256 indexed asset, uint256 saleDiscount, uint256 lotExponent);
    event MoneyChanged(uint256 minNotional, uint256 smallRequirement, uint256 flatReward);

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
    /// @notice The order raises the requirement while a guard is off: `reason` is 1 for the sequencer, 2 for the peg,
    /// 16 + Refusal for the price of `asset`.
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
    error NotASlice(uint256 asset, int256 size, int256 delta);
    error NotLiquidatable(uint256 asset);
    error SequencerNotSettled();
    error HealthNotImproved(int256 marginBefore, int256 marginAfter);
    error TargetPassed(int256 equity, uint256 target);
    error SelfLiquidation(AccountId account);
    error InsufficientLiquidity(int256 base, uint256 amount);
    error PoolUndercovered(int256 equity, uint256 requirement);
    /// @notice Always thrown by `simulate`.
    error Simulated(FillResult[] fills, int256 cash, Terms terms, uint256 initial, uint256 maintenance);
    error OutOfRange(bytes32 what, uint256 value, uint256 minimum, uint256 maximum);
    error ListingFull(uint256 count);
    /// @notice Closing would cost more than the requirement that it frees, 1e-6 of notional.
    error ListingInvariantBroken(uint256 relief, uint256 cost);

    // ---------------------------------------------------------------- users

    /// @notice Lets `operator` act for `account` until a time, within a daily allowance of fees.
    /// @param rights Sum of 1 (trade), 2 (transfer between own sub-accounts), 4 (withdraw); 0 revokes.
    /// @param allowance Fees and keeper pay that it may cause per day, 1e-6 of settlement token.
    function setOperator(
        AccountId account,
        address operator,
        uint256 rights,
        uint256 until,
        uint256 allowance
    ) external;

    /// @notice Moves collateral or cash between two accounts of one owner. The source must meet its initial requirement
    /// afterwards and have no pending order.
    /// @param token Index of the collateral token; `SETTLEMENT` for cash.
    /// @param amount WAD.
    function transfer(AccountId from, AccountId to, uint256 token, uint256 amount) external;

    /// @notice Moves own cash to insurance.
    function fundInsurance(AccountId account, uint256 amount) external;

    /// @notice Reduces positions and sells collateral of an account whose equity does not cover its maintenance
    /// requirement. Verified, not solved: sizes only shrink, E − R_M strictly rises, and the end does not pass
    /// R_M + τ·(R_I − R_M) by more than one lot of each leg unless everything is closed in a small account or a deep
    /// loss. Paid by the risk removed: φ·(R_M before − R_M after), out of max(E, 0) pro rata to what is closed.
    /// @param liquidator Receives the reward, buys the collateral that is sold; an account of the caller.
    function liquidate(
        AccountId account,
        Reduction[] calldata reductions,
        Sale[] calldata sales,
        AccountId liquidator
    ) external returns (LiquidationResult memory);

    /// @notice Values the pool anew and stores it for the caps that are a share of it.
    function markPool() external returns (int256 value);

    // ---------------------------------------------------------------- satellites

    /// @notice Takes the one lock; every verb of every contract runs under it.
    function lock() external;
    function unlock() external;

    /// @notice Books a deposit. Cash may be added by anyone, collateral of a new kind only by owner or operator.
    function credit(AccountId account, address caller, uint256 token, uint256 amount) external;

    /// @notice Books a withdrawal: initial requirement at unfavourable prices, no pending order.
    function debit(AccountId account, address caller, uint256 token, uint256 amount) external;

    /// @notice Takes an order's escrow out of cash and numbers it. Keeper pay as given; the cancel charge is the taker
    /// fee on the legs' notional, rounded up to `ESCROW_UNIT`. Where cash does not cover both the account must meet its
    /// initial requirement after them; a reduce-only order then leaves out the charge, needs E > R_M, and stays alone.
    /// @param legs With the last accepted prices.
    function openOrder(
        AccountId account,
        address caller,
        Leg[] calldata legs,
        uint256 pay,
        bool reduceOnly
    ) external returns (uint256 sequence, uint256 charge);

    /// @notice Numbers an order that locks nothing (a trigger order).
    /// @param pay Keeper pay that it will cause, WAD: counts against an operator's allowance now, because its poke acts
    /// as the owner. Nothing is taken.
    function reserveSequence(AccountId account, address caller, uint256 pay) external returns (uint256 sequence);

    /// @notice Pays a keeper out of `from`'s cash. Does not check margin: only followed by an `openOrder` of `from` in
    /// the same call, whose check covers it.
    function payKeeper(AccountId from, AccountId to, uint256 amount) external;

    /// @notice Fills all legs or none and closes the order.
    function executeOrder(Closing calldata closing, Leg[] calldata legs) external returns (FillResult[] memory);

    /// @notice Closes an order without a fill.
    function closeOrder(Closing calldata closing) external;

    /// @notice Moves cash of an account into the pool's free liquidity, or back. The pool must meet its initial
    /// requirement after paying out.
    function fundPool(AccountId account, address caller, uint256 amount) external;
    function drainPool(AccountId account, uint256 amount) external;

    /// @notice The pool's equity, spread Σ|S|·P, refreshed with the mark. Callable under the lock.
    /// @return value E of the pool net of held premium, WAD, rounded down.
    /// @return gross Σ |S|·P, WAD, rounded up.
    /// @return live Whether every market with exposure has a live price.
    function valuePool() external returns (int256 value, uint256 gross, bool live);

    // ---------------------------------------------------------------- views

    /// @notice Runs `legs` at their prices as an execution would, and always reverts with `Simulated` or with the error
    /// that the execution would meet.
    function simulate(AccountId account, Leg[] calldata legs, bool reduceOnly) external;

    /// @notice An account with every exposure at the current prices, in ascending order of assets.
    function snapshot(
        AccountId account
    ) external view returns (AccountState memory state, Exposure[] memory exposures, Conditions conditions);

    function accountOf(AccountId account) external view returns (AccountState memory);
    function positionOf(AccountId account, uint256 asset) external view returns (int256 size, int256 quote);
    function collateralOf(AccountId account, uint256 token) external view returns (uint256 amount);
    function operatorOf(AccountId account, address operator) external view returns (OperatorGrant);

    /// @notice Sums of the sides (WAD) and stored funding of a market.
    function marketOf(
        uint256 asset
    ) external view returns (uint256 longSize, int256 longQuote, uint256 shortSize, int256 shortQuote, Funding funding);

    /// @notice The pool's free liquidity, what accounts owe it, insurance, unpaid protocol fees (WAD), the stored mark.
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
    function globals() external view returns (GlobalParameters, GroupParameters, MoneyParameters);
    function collateralParametersOf(uint256 token) external view returns (CollateralParameters);
    function listed() external view returns (uint256 assets, uint256 tokens);
    function oracle() external view returns (IOracle);
    function vault() external view returns (address);
    function orders() external view returns (address);
    function pool() external view returns (address);
}

/// @dev In place of a token index: cash.
uint256 constant SETTLEMENT = 255;

/// @dev Escrow amounts are multiples of this, WAD.
uint256 constant ESCROW_UNIT = 1e14;

/// @dev Assets that one account may hold, collateral and positions together.
uint256 constant MAX_ASSETS = 16;
