// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AccountId} from "../types/AccountId.sol";
import {MarketStatus} from "../types/AssetParameters.sol";
import {Trigger} from "../types/MarketWatch.sol";
import {Refusal} from "../types/Price.sol";
import {
    FillResult,
    IClearingHouse,
    Ledger,
    Leg,
    LiquidationResult,
    PoolValuation,
    Reduction,
    Sale
} from "./IClearingHouse.sol";

/// @notice What anyone may do with an account now, beside its own orders.
struct Standing {
    bool liquidatable; // E ≤ R_M, no grace, sequencer settled, and something of it may be closed
    bool graced; // E ≤ R_M only because a side was deleveraged of late
    bool convertible; // what it owes against its collateral is above λ_M, and some collateral may be sold
    bool insolvent; // E ≤ 0 and c + U < 0, with positions, collateral or a pending order: to be flagged
    bool owing; // nothing but a debt, and no pending order: a deficit to be settled
}

/// @notice What an account holds in one asset and what it adds to the account's value and risk. Money and sizes WAD.
/// Sizes are rounded toward zero but to no less than a wei, `quote` and `priceLow` down, `priceHigh` and
/// rates up, `fundingIndex` toward −∞.
struct Holding {
    uint256 asset;
    uint256 priceLow;
    uint256 priceHigh;
    Refusal refusal; // why the price is an interval
    int256 size;
    int256 quote;
    uint256 collateral;
    int256 fundingIndex; // F, accrued to now
    int256 value; // s·(P − F) + q at the better end, rounded down
    int256 exposure; // x = (k + s)·P at the better end, rounded down
    uint256 group;
    uint256 beta; // 1e-6, as are the next three
    uint256 sigma;
    uint256 gamma;
    uint256 kappa;
    uint256 ownRisk; // σ·|x|, rounded up
    uint256 closeOut; // (γ + κ·|s|/(2D))·|s|·P and the same for collateral, rounded up
}

/// @notice Risk of a group at the better ends, WAD, rounded up.
struct GroupRisk {
    uint256 group;
    uint256 net; // |Σ β·x|
    uint256 floor; // ρ·Σ β·|x|
}

/// @notice Everything about an account. `equity`, `maintenance`, `owed` are at the better end of each price (liquidation);
/// `initialEquity` (profits weighted), `initial`, `shortfall` at the worse end (initial checks).
/// Values and `owedLimit` are rounded down; requirements, `shortfall` and `owed` up.
struct AccountView {
    int256 cash; // negative: debt with its interest
    uint256 escrow; // of pending orders; part of `equity`, not of `initialEquity`
    uint256 debtShares; // of the debt index; 0 without debt
    uint256 pending; // orders waiting for settlement
    uint256 sequence; // of the next order
    int256 equity;
    uint256 maintenance;
    int256 unrealised;
    uint256 collateralValue;
    int256 initialEquity;
    uint256 initial;
    uint256 shortfall;
    uint256 owed; // max(0, −(c + U)), profits in full
    uint256 owedLimit; // λ_M·Σ k·P: anyone may convert collateral while `owed` is above it
    uint256 insolventSince; // when it was found insolvent, unix seconds; 0: it was not
    Standing standing;
    Holding[] holdings;
    GroupRisk[] groups;
}

/// @notice Health of an account, WAD; equity rounded down, requirements up.
struct Health {
    int256 equity; // at the better ends
    uint256 maintenance;
    uint256 initial; // at the same ends
    Standing standing;
}

/// @notice A basket for `IClearingHouse.liquidate` and what it does; empty where there is none.
struct LiquidationPlan {
    Reduction[] reductions;
    Sale[] sales;
    LiquidationResult result;
}

/// @notice What an order would do if it settled at the latest prices. Rounded as `AccountView`.
struct Preview {
    bool accepted;
    bytes refusal; // the error of the execution, if it is not accepted
    FillResult[] fills;
    int256 cash; // afterwards, keeper pay apart
    int256 initialEquity;
    uint256 initial;
    uint256 maintenance;
}

/// @notice A market as a frontend shows it. Rates as named in AssetListing; money and sizes WAD.
/// Sizes and `openInterestCap` are rounded down, quotes up, funding toward −∞.
struct MarketView {
    MarketStatus status;
    uint256 price;
    Refusal refusal;
    uint256 longSize;
    uint256 shortSize;
    int256 longQuote;
    int256 shortQuote;
    int256 fundingRate; // WAD per day, now
    int256 fundingVelocity; // WAD per day²
    int256 fundingIndex; // now
    uint256 depth;
    uint256 openInterestCap; // the smaller of the cap in units and the share of the pool mark, base units
    uint256 skewCap;
    uint256 takerFee;
    uint256 makerFee;
    uint256 closesAt; // of a wind-down, unix seconds; 0: none
}

/// @notice Tokens of one kind: what the vault's ledger says and what it has, token units.
struct Custody {
    uint256 token; // index at the vault
    address contractAddress;
    uint256 decimals;
    uint256 held;
    int256 surplus; // actual balance − held; negative: the vault lacks tokens
}

/// @notice What a market does to the pool, base units and WAD of settlement token, at the last price.
/// Sizes, `budget` and `insuranceRoom` are rounded down.
struct MarketSolvency {
    uint256 asset;
    MarketStatus status;
    uint256 price;
    Refusal refusal;
    uint256 longSize;
    uint256 shortSize;
    int256 skew; // S = long − short
    int256 longValue; // what the pool owes to all positions of the side, rounded up; negative: they owe the pool
    int256 shortValue;
    uint256 heldPremium; // Φ, rounded up
    uint256 budget; // what the market may owe (both sides and Φ) before it is deleveraged, a share of the pool's equity now
    uint256 insuranceRoom; // what insurance still pays for its deficits now
    uint256 insuranceCap; // within a day
    Trigger flag; // to be deleveraged, why
    uint256 flaggedAt; // unix seconds, as the next three; 0: not
    uint256 overSince; // |S| has been over its hard cap
    uint256 graceUntil;
    uint256 closesAt;
}

/// @notice Who is owed what, and what there is for it, WAD of settlement token.
/// Target, utilisation and rate are rounded down.
struct Solvency {
    Custody[] custody; // the settlement token, then collateral in the order of its index
    Ledger ledger;
    PoolValuation pool;
    int256 tradersCash; // Σ positive cash and escrows: tokens held − base − insurance − protocol fees
    int256 seniorCoverage; // settlement tokens that are there − tradersCash
    uint256 insuranceTarget;
    uint256 utilisation; // 1e-6 of what could be lent
    uint256 borrowRate; // 1e-6 per year
    MarketSolvency[] markets; // all that were ever markets
}

/// @title ILiquidationFinder
/// @notice Baskets for keepers that search on chain. By eth_call: it takes some million gas.
/// @dev Reverts with the errors of `ILens.health`.
interface ILiquidationFinder {
    /// @notice The least reduction of one position that brings a liquidatable account to the target of a liquidation, to the
    /// lot; where `liquidate` would refuse it, the last before it that it accepts. Empty where no size of it reaches the
    /// target (a hedge alone may help nothing).
    function leastReduction(AccountId id, uint256 asset) external view returns (LiquidationPlan memory);

    /// @notice The least equal share of every position and all collateral that may be closed now, in lots, that brings a
    /// liquidatable account to the target; where none does, the share that ends nearest to it (without equity that is
    /// everything, unless some of it hedges what may not be closed now), or everything if none gets any nearer. Where
    /// `liquidate` would refuse that share, the last before it that it accepts. Empty for an account that cannot be
    /// liquidated.
    function leastSlice(AccountId id) external view returns (LiquidationPlan memory);
}

/// @title ILens
/// @notice All that frontends and keepers read. Refuses to answer in the middle of a transaction of the protocol.
/// @dev The refusal is the clearing house's `Locked`. `preview` returns it as the refusal of the order; whatever else
/// reads the books reverts with it. What reads a price passes on the oracle's `InsufficientGas`.
interface ILens is ILiquidationFinder {
    function account(AccountId id) external view returns (AccountView memory);

    /// @notice Health of each account; one call for a page of them.
    function health(AccountId[] calldata ids) external view returns (Health[] memory);

    /// @notice Prices of `asset` at which the account becomes unhealthy, everything else fixed: the highest on the way
    /// down (0: none) and the lowest on the way up (type(uint96).max: none). Both are the current price for an account
    /// that is unhealthy now.
    function liquidationPrices(AccountId id, uint256 asset) external view returns (uint256 below, uint256 above);

    /// @notice Runs the legs at the latest prices through the code of the execution.
    /// @dev For eth_call: it changes nothing, but cannot be a view. Reverts with the oracle's `UnknownAssets` for an
    /// asset that is not listed, `UnknownMarket` from 256 on; what the execution would revert with is in `refusal`.
    function preview(AccountId id, Leg[] calldata legs, bool reduceOnly) external returns (Preview memory);

    /// @dev Reverts with the oracle's `UnknownAssets` for an asset that is not listed, `UnknownMarket` from 256 on.
    function market(uint256 asset) external view returns (MarketView memory);

    /// @notice The pool's equity now, WAD, rounded down, and whether all prices that it needs are live.
    function poolEquity() external view returns (int256 equity, bool live);

    /// @notice Whether everybody can be paid, in one reading.
    /// @dev Reverts besides with the error of a token that does not tell its balance (`IVault.surplus`).
    function solvency() external view returns (Solvency memory);

    function clearingHouse() external view returns (IClearingHouse);
}
