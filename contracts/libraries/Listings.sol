// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AssetListing, IClearingHouse} from "../interfaces/IClearingHouse.sol";
import {
    MarketStatus,
    RiskParameters,
    SizeParameters,
    toRiskParameters,
    toSizeParameters,
    toTradeParameters,
    TradeParameters
} from "../types/AssetParameters.sol";
import {
    GlobalParameters,
    GroupParameters,
    MAX_GROUPS,
    MoneyParameters,
    MoneySettings,
    toCollateralParameters,
    CollateralParameters,
    toMoneyParameters
} from "../types/GlobalParameters.sol";
import {toFunding} from "../types/Funding.sol";
import {BooksStorage} from "./Books.sol";
import {CodeTable} from "./CodeTable.sol";
import {PPM, WAD} from "./Fixed.sol";
import {ListingRules} from "./ListingRules.sol";
import {ParameterTable} from "./ParameterTable.sol";

/// @notice What is written once: the first table, assets and collateral as they are listed. What changes afterwards is in
/// `Ramps` and `Settings`; every range is a constant.
library Listings {
    using ParameterTable for address;

    uint256 internal constant MAX_LISTED = 96;
    uint256 internal constant MAX_FUNDING_RATE = 50_000_000; // 5 % per day
    uint256 internal constant MAX_FUNDING_VELOCITY = 1_000_000_000; // 1 per day²

    /// @notice Checks the constructor's words and writes the first table.
    function initialize(
        BooksStorage storage books,
        GlobalParameters globals,
        GroupParameters groups,
        MoneySettings memory money
    ) external {
        ListingRules.requireBounded("maintenanceFactor", globals.maintenanceFactor());
        ListingRules.requireGlobals(globals);
        ListingRules.requireRange("groups", GroupParameters.unwrap(groups) >> (24 * MAX_GROUPS), 0, 0);
        for (uint256 g = 0; g < MAX_GROUPS; ++g) ListingRules.requireBounded("hedgeFloor", groups.hedgeFloor(g));
        ListingRules.requireMoney(money);
        bytes memory data = new bytes(ParameterTable.ASSETS * 32);
        ParameterTable.put(data, ParameterTable.GLOBALS, GlobalParameters.unwrap(globals));
        ParameterTable.put(data, ParameterTable.GROUPS, GroupParameters.unwrap(groups));
        ParameterTable.put(data, ParameterTable.MONEY, MoneyParameters.unwrap(toMoneyParameters(money)));
        books.table = CodeTable.write(data);
        // Never zero again: a first deposit should not pay for these slots.
        books.markTime = uint40(block.timestamp);
        books.debtTime = uint40(block.timestamp);
        books.debtIndex = uint88(WAD);
    }

    function listAssets(BooksStorage storage books, AssetListing[] calldata listings) external {
        uint256 count = books.assets;
        require(count + listings.length <= MAX_LISTED, IClearingHouse.ListingFull(count));
        bytes memory data = bytes.concat(
            books.table.data(),
            new bytes(listings.length * ParameterTable.ASSET_WORDS * 32)
        );
        for (uint256 i = 0; i < listings.length; ++i) {
            AssetListing calldata listing = listings[i];
            _checkListing(books, listing);
            uint256 place = ParameterTable.placeOf(count);
            // Nothing that was not checked: of what is collateral only, the trading parameters were not.
            SizeParameters sizes = toSizeParameters(listing.depth, 0, 0, MarketStatus.None);
            TradeParameters trade = TradeParameters.wrap(0);
            if (listing.market) {
                sizes = toSizeParameters({
                    depth_: listing.depth,
                    openInterestCap_: listing.openInterestCap,
                    openInterestShare_: listing.openInterestShare,
                    status_: MarketStatus.Active
                });
                trade = toTradeParameters({
                    skewCap_: listing.skewCap,
                    takerFee_: listing.takerFee,
                    makerFee_: listing.makerFee,
                    maxFundingRate_: listing.maxFundingRate,
                    fundingVelocity_: listing.fundingVelocity,
                    profitWeight_: listing.profitWeight,
                    lotExponent_: listing.lotExponent,
                    insuranceCap_: listing.insuranceCap
                });
            }
            ParameterTable.put(
                data,
                place,
                RiskParameters.unwrap(
                    toRiskParameters({
                        from: listing.risk,
                        to: listing.risk,
                        start: block.timestamp,
                        duration: 0,
                        group_: listing.group
                    })
                )
            );
            ParameterTable.put(data, place + 1, SizeParameters.unwrap(sizes));
            ParameterTable.put(data, place + 2, TradeParameters.unwrap(trade));
            if (listing.market) books.markets[count].funding = toFunding(0, 0, 0, block.timestamp);
            emit IClearingHouse.AssetListed(count, listing);
            ++count;
        }
        books.assets = uint8(count);
        books.table = CodeTable.write(data);
    }

    function listCollateral(
        BooksStorage storage books,
        uint256 asset,
        uint256 saleDiscount,
        uint256 lotExponent
    ) external {
        uint256 token = books.tokens;
        require(token < ParameterTable.MAX_TOKENS, IClearingHouse.ListingFull(token));
        require(asset < books.assets, IClearingHouse.UnknownMarket(asset));
        ListingRules.requireRange("saleDiscount", saleDiscount, 0, PPM / 10);
        ListingRules.requireRange("lotExponent", lotExponent, 6, 24);
        (RiskParameters risk, , ) = books.table.asset(asset);
        ListingRules.Factors memory factors = ListingRules.factorsOf(books.table);
        ListingRules.requireDiscount(factors, risk.rates(block.timestamp), saleDiscount);
        ListingRules.requireDiscount(factors, risk.rates(type(uint256).max), saleDiscount);
        books.tokens = uint8(token + 1);
        books.table = books.table.replaced(
            ParameterTable.TOKENS + token,
            CollateralParameters.unwrap(toCollateralParameters(asset, saleDiscount, lotExponent))
        );
        emit IClearingHouse.CollateralListed(token, asset, saleDiscount, lotExponent);
    }

    /// @notice Changes what a market allows. From what to what is the caller's to check.
    function setStatus(BooksStorage storage books, uint256 asset, MarketStatus status) external {
        (, SizeParameters sizes, ) = books.table.asset(asset);
        books.table = books.table.replaced(
            ParameterTable.placeOf(asset) + 1,
            SizeParameters.unwrap(sizes.withStatus(status))
        );
        emit IClearingHouse.MarketStatusChanged(asset, status);
    }

    function _checkListing(BooksStorage storage books, AssetListing calldata listing) private view {
        ListingRules.requireRates(listing.risk);
        ListingRules.requireRange("group", listing.group, 0, MAX_GROUPS - 1);
        ListingRules.requireBounded("depth", listing.depth);
        if (!listing.market) return;
        ListingRules.requireLimits(
            listing.depth,
            listing.openInterestCap,
            listing.openInterestShare,
            listing.skewCap,
            listing.takerFee,
            listing.makerFee
        );
        ListingRules.requireInvariant({
            factors: ListingRules.factorsOf(books.table),
            rates: listing.risk,
            takerFee: listing.takerFee,
            openInterestCap: listing.openInterestCap,
            depth: listing.depth
        });
        ListingRules.requireRange("maxFundingRate", listing.maxFundingRate, 0, MAX_FUNDING_RATE);
        ListingRules.requireRange("fundingVelocity", listing.fundingVelocity, 0, MAX_FUNDING_VELOCITY);
        ListingRules.requireRange("profitWeight", listing.profitWeight, 0, PPM);
        ListingRules.requireRange("lotExponent", listing.lotExponent, 6, 24);
        ListingRules.requireInsuranceCap(listing.insuranceCap);
    }
}
