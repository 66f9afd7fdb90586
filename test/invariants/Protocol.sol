// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IClearingHouse, SETTLEMENT} from "../../contracts/interfaces/IClearingHouse.sol";
import {IInsuranceFund} from "../../contracts/interfaces/IInsuranceFund.sol";
import {ILiquidityPool} from "../../contracts/interfaces/ILiquidityPool.sol";
import {IOrders} from "../../contracts/interfaces/IOrders.sol";
import {IVault} from "../../contracts/interfaces/IVault.sol";
import {FeedLimits, IPriceOracle} from "../../contracts/oracles/IPriceOracle.sol";
import {ReentrantToken} from "../../contracts/testing/HostileTokens.sol";
import {TestToken} from "../../contracts/testing/TestToken.sol";
import {MoneySettings} from "../../contracts/types/GlobalParameters.sol";
import {OrderSettings} from "../../contracts/types/OrderParameters.sol";
import {PhasedFeed} from "./PhasedFeed.sol";

/// @dev Assets. Markets come first; WBTC is collateral only.
uint256 constant ETH = 0;
uint256 constant BTC = 1;
uint256 constant SOL = 2;
uint256 constant WBTC = 3;
uint256 constant USDC = 4;
uint256 constant MARKETS = 3;
uint256 constant ASSETS = 5;
uint256 constant ALL_ASSETS = (1 << ASSETS) - 1;

/// @dev Collateral tokens of the vault. The second calls out while it moves.
uint256 constant WETH_TOKEN = 0;
uint256 constant WBTC_TOKEN = 1;
uint256 constant TOKENS = 2;

uint256 constant START = 1_700_000_000;

/// @dev Holds every role.
address constant GOVERNOR = address(0x60fe12);

struct Protocol {
    IClearingHouse clearingHouse;
    IVault vault;
    IOrders orders;
    ILiquidityPool pool;
    IInsuranceFund insuranceFund;
    IPriceOracle oracle;
    TestToken usdc;
    TestToken weth;
    ReentrantToken wbtc;
    PhasedFeed[ASSETS] feeds;
    PhasedFeed sequencer;
}

function unitOf(uint256 token) pure returns (uint256) {
    if (token == SETTLEMENT) return 1e12;
    return token == WBTC_TOKEN ? 1e10 : 1;
}

/// @notice USD per whole unit.
function startPrice(uint256 asset) pure returns (uint256 usd) {
    if (asset == ETH) return 1_800;
    if (asset == SOL) return 24;
    return asset == USDC ? 1 : 29_000;
}

function feedLimits(uint256 asset) pure returns (FeedLimits memory) {
    bool stable = asset == USDC;
    uint256 price = startPrice(asset) * 1e18;
    return
        FeedLimits({
            maxAge: stable ? 25 hours : 65 minutes,
            window: stable ? 25 hours : 65 minutes,
            jump: stable ? 50_000 : 200_000,
            spread: stable ? 50_000 : 100_000,
            deadAfter: stable ? 7 days : 1 days,
            minAnswer: uint96(stable ? 0.5e18 : price / 1_000),
            maxAnswer: uint96(stable ? 1.5e18 : price * 1_000)
        });
}

/// @notice Caps as listed, WAD: of open interest, and of the skew.
function marketCaps(uint256 asset) pure returns (uint256 openInterest, uint256 skew) {
    if (asset == ETH) return (2_500e18, 2_000e18);
    if (asset == BTC) return (160e18, 120e18);
    return (150_000e18, 100_000e18);
}

function orderSettings() pure returns (OrderSettings memory) {
    return
        OrderSettings({
            delay: 30,
            executionWindow: 600,
            band: 20_000,
            fixedPay: 0.1e18,
            tip: 10_000_000,
            singleGas: 250_000,
            basketGas: 150_000,
            legGas: 120_000,
            pokeGas: 150_000,
            refundGas: 120_000,
            legGap: 3600
        });
}

function moneySettings(uint256 lossBudget) pure returns (MoneySettings memory) {
    return
        MoneySettings({
            minNotional: 20_00,
            smallRequirement: 50_00,
            flatReward: 5_00,
            unattributedCap: 50_000_00,
            borrowKink: 800_000,
            borrowRateKink: 80_000,
            borrowRateFull: 800_000,
            lossBudget: lossBudget
        });
}
