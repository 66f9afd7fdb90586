// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {MarketStatus} from "../types/AssetParameters.sol";
import {AccountId} from "../types/AccountId.sol";
import {Refusal} from "../types/Price.sol";
import {FillResult, Leg} from "./IClearingHouse.sol";

/// @notice What an account holds in one asset and what it adds to the account's value and risk. Money and sizes WAD.
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

/// @notice Everything about an account. `equity`, `maintenance` are at the better end of each price (liquidation);
/// `initialEquity` (profits weighted), `initial`, `shortfall` at the worse end (initial checks).
struct AccountView {
    int256 cash;
    uint256 pending; // orders waiting for settlement
    uint256 sequence; // of the next order
    int256 equity;
    uint256 maintenance;
    int256 unrealised;
    uint256 collateralValue;
    int256 initialEquity;
    uint256 initial;
    uint256 shortfall;
    bool liquidatable;
    Holding[] holdings;
    GroupRisk[] groups;
}

/// @notice Health of an account, WAD.
struct Health {
    int256 equity; // at the better ends
    uint256 maintenance;
    uint256 initial; // at the same ends
    bool liquidatable;
}

/// @notice What an order would do if it settled at the latest prices.
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
}

/// @title ILens
/// @notice All that frontends and keepers read. Refuses to answer in the middle of a transaction of the protocol.
interface ILens {
    function account(AccountId id) external view returns (AccountView memory);

    /// @notice Health of each account; one call for a page of them.
    function health(AccountId[] calldata ids) external view returns (Health[] memory);

    /// @notice Prices of `asset` at which the account becomes liquidatable, everything else fixed: the highest on the way
    /// down (0: none) and the lowest on the way up (type(uint96).max: none). Both are the current price for an account
    /// that is liquidatable now.
    function liquidationPrices(AccountId id, uint256 asset) external view returns (uint256 below, uint256 above);

    /// @notice Runs the legs at the latest prices through the code of the execution.
    /// @dev For eth_call: it changes nothing, but cannot be a view.
    function preview(AccountId id, Leg[] calldata legs, bool reduceOnly) external returns (Preview memory);

    function market(uint256 asset) external view returns (MarketView memory);

    /// @notice The pool's equity now, WAD, rounded down, and whether all prices that it needs are live.
    function poolEquity() external view returns (int256 equity, bool live);
}
