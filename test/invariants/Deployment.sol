// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Links} from "../../contracts/Clearing.sol";
import {AssetListing, IClearingHouse} from "../../contracts/interfaces/IClearingHouse.sol";
import {IInsuranceFund} from "../../contracts/interfaces/IInsuranceFund.sol";
import {ILiquidityPool} from "../../contracts/interfaces/ILiquidityPool.sol";
import {IOrders} from "../../contracts/interfaces/IOrders.sol";
import {IVault} from "../../contracts/interfaces/IVault.sol";
import {Environment, FeedInput, FeedKind, FeedLimits, IPriceOracle} from "../../contracts/oracles/IPriceOracle.sol";
import {ReentrantToken} from "../../contracts/testing/HostileTokens.sol";
import {TestAuthority} from "../../contracts/testing/TestAuthority.sol";
import {TestToken} from "../../contracts/testing/TestToken.sol";
import {RiskRates} from "../../contracts/types/AssetParameters.sol";
import {GlobalParameters, GroupParameters} from "../../contracts/types/GlobalParameters.sol";
import {PhasedFeed} from "./PhasedFeed.sol";
import {
    ASSETS,
    BTC,
    ETH,
    feedLimits,
    GOVERNOR,
    moneySettings,
    orderSettings,
    Protocol,
    SOL,
    START,
    startPrice,
    USDC,
    WBTC
} from "./Protocol.sol";
import {vm} from "./Vm.sol";

/// @notice The whole protocol as it is deployed, over light feeds.
library Deployment {
    error NotDeployed(string name);

    /// @param lossBudget What a market may owe before it is deleveraged, 1e-6 of the pool's equity.
    /// @dev Runs in the caller's context, which becomes the first admin and whose nonce gives the addresses.
    function deploy(uint256 lossBudget) external returns (Protocol memory p) {
        vm.warp(START);
        p.usdc = TestToken(_create("TestToken", abi.encode("USD Coin", "USDC", uint8(6))));
        p.weth = TestToken(_create("TestToken", abi.encode("Wrapped Ether", "WETH", uint8(18))));
        p.wbtc = ReentrantToken(_create("ReentrantToken", abi.encode(uint8(8))));
        TestAuthority authority = TestAuthority(_create("TestAuthority", ""));
        authority.grantRole(authority.ADMIN_ROLE(), GOVERNOR, 0);
        _deployOracle(p, address(authority));
        IClearingHouse house = _deployCore(p, address(authority), lossBudget);
        p.vault.list(address(p.weth), 100_000e18, 0);
        p.vault.list(address(p.wbtc), 5_000e8, 0);
        house.listAssets(_listings());
        // Prices move further at once than insurance, which is to run out here, would have to pay for: only after the listing.
        for (uint256 asset = 0; asset < ASSETS; ++asset) p.oracle.configure(asset, feedLimits(asset));
        house.listCollateral({asset: ETH, saleDiscount: 10_000, lotExponent: 15});
        house.listCollateral({asset: WBTC, saleDiscount: 10_000, lotExponent: 14});
    }

    function _deployOracle(Protocol memory p, address authority) private {
        p.oracle = IPriceOracle(_create("PriceOracle", abi.encode(authority)));
        FeedInput[] memory inputs = new FeedInput[](ASSETS);
        for (uint256 asset = 0; asset < ASSETS; ++asset) {
            PhasedFeed feed = PhasedFeed(_create("PhasedFeed", abi.encode(uint8(8))));
            feed.push(int256(startPrice(asset) * 1e8), START, START);
            p.feeds[asset] = feed;
            FeedLimits memory limits = feedLimits(asset);
            limits.jump = 5_000; // the oracle takes none below
            inputs[asset] = FeedInput(address(feed), FeedKind.Rounds, limits);
        }
        p.oracle.list(inputs);
        p.sequencer = PhasedFeed(_create("PhasedFeed", abi.encode(uint8(0))));
        p.sequencer.push(0, START - 10 hours, START - 10 hours);
        p.oracle.setEnvironment(
            Environment({
                sequencer: address(p.sequencer),
                sequencerGrace: 1 hours,
                haltGrace: 10 minutes,
                pegAsset: uint8(USDC),
                nativeAsset: uint8(ETH),
                pegLow: 0.98e18,
                pegHigh: 1.02e18
            })
        );
    }

    /// @dev The clearing house and its satellites know each other by immutables, so its address is computed first.
    function _deployCore(
        Protocol memory p,
        address authority,
        uint256 lossBudget
    ) private returns (IClearingHouse house) {
        house = IClearingHouse(vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 6));
        p.clearingHouse = house;
        p.vault = IVault(_create("Vault", abi.encode(authority, house, p.usdc, uint256(1_000_000_000e6), uint256(0))));
        p.orders = IOrders(_create("Orders", abi.encode(authority, house, p.oracle, orderSettings())));
        p.pool = ILiquidityPool(
            _create("LiquidityPool", abi.encode(authority, house, p.vault, uint256(1 hours), uint256(5_000)))
        );
        p.insuranceFund = IInsuranceFund(_create("InsuranceFund", abi.encode(authority, house, uint256(50_000))));
        Links memory links = Links({
            authority: authority,
            oracle: p.oracle,
            vault: address(p.vault),
            orders: address(p.orders),
            pool: address(p.pool),
            insuranceFund: address(p.insuranceFund)
        });
        address governance = _create("ClearingHouseGovernance", abi.encode(links));
        address extension = _create("ClearingHouseExtension", abi.encode(links, governance));
        _create("ClearingHouse", abi.encode(links, extension, _globals(), _groups(), moneySettings(lossBudget)));
    }

    /// @dev What is deployed is the artifact that is deployed elsewhere, linked by the runner; `new` would compile a copy.
    function _create(string memory name, bytes memory arguments) private returns (address created) {
        bytes memory code = bytes.concat(vm.getCode(name), arguments);
        assembly ("memory-safe") {
            created := create(0, add(code, 0x20), mload(code))
        }
        require(created != address(0), NotDeployed(name));
    }

    function _globals() private pure returns (GlobalParameters) {
        uint24[10] memory fields = [
            uint24(600_000), // maintenance factor
            500_000, // shortfall, initial
            700_000, // shortfall, maintenance
            100_000, // protocol's fee share
            200_000, // insurance's fee share
            1 hours, // oldest mark
            500_000, // liquidation target
            100_000, // penalty
            500_000, // liquidator's share
            500_000 // deep loss
        ];
        uint256 word = 0;
        for (uint256 i = 0; i < 10; ++i) word |= uint256(fields[i]) << (24 * i);
        return GlobalParameters.wrap(word | (20_000 << 240)); // takeover discount
    }

    function _groups() private pure returns (GroupParameters) {
        uint256 word = 250_000 | (500_000 << 24);
        for (uint256 g = 2; g < 10; ++g) word |= uint256(1_000_000) << (24 * g);
        return GroupParameters.wrap(word);
    }

    function _listings() private pure returns (AssetListing[] memory listings) {
        listings = new AssetListing[](4);
        listings[ETH] = _market(RiskRates(50_000, 15_000, 3_000, 50_000), 0, 250_000e18, 2_500e18, 2_000e18, 15);
        listings[BTC] = _market(RiskRates(45_000, 12_000, 3_000, 50_000), 0, 20_000e18, 160e18, 120e18, 14);
        listings[SOL] = _market(
            RiskRates(90_000, 40_000, 6_000, 100_000),
            1,
            10_000_000e18,
            150_000e18,
            100_000e18,
            17
        );
        listings[WBTC] = _market(RiskRates(45_000, 20_000, 5_000, 50_000), 0, 5_000e18, 0, 0, 14);
        (listings[WBTC].market, listings[WBTC].insuranceCap) = (false, 0);
    }

    function _market(
        RiskRates memory risk,
        uint256 group,
        uint256 depth,
        uint256 openInterestCap,
        uint256 skewCap,
        uint256 lotExponent
    ) private pure returns (AssetListing memory) {
        return
            AssetListing({
                risk: risk,
                group: group,
                depth: depth,
                openInterestCap: openInterestCap,
                openInterestShare: 900_000,
                skewCap: skewCap,
                takerFee: 600,
                makerFee: 200,
                maxFundingRate: 10_000_000,
                fundingVelocity: 200_000_000,
                profitWeight: 800_000,
                lotExponent: lotExponent,
                insuranceCap: 50_000e18,
                market: true
            });
    }
}
