// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AssetListing, IClearingHouse} from "../interfaces/IClearingHouse.sol";
import {
    INSURANCE_UNIT,
    MarketStatus,
    RiskParameters,
    RiskRates,
    SizeParameters,
    toRiskParameters,
    toSizeParameters,
    toTradeParameters,
    TradeParameters
} from "../types/AssetParameters.sol";
import {
    CollateralParameters,
    GlobalParameters,
    GroupParameters,
    MAX_GROUPS,
    MoneyParameters,
    MoneySettings,
    toCollateralParameters,
    toMoneyParameters
} from "../types/GlobalParameters.sol";
import {toFunding} from "../types/Funding.sol";
import {Books, BooksStorage} from "./Books.sol";
import {CodeTable} from "./CodeTable.sol";
import {Fixed, PPM, WAD} from "./Fixed.sol";
import {ParameterTable} from "./ParameterTable.sol";

/// @notice What governance may write into the parameter table, and within which bounds. The bounds are constants: the
/// authority only says who.
library Listings {
    using Books for BooksStorage;
    using ParameterTable for address;

    uint256 internal constant MAX_LISTED = 96;
    uint256 internal constant MIN_RAMP = 1 days;
    uint256 internal constant MAX_RAMP = 90 days;
    uint256 internal constant MAX_FEE = 10_000; // 1 %
    /// @dev Above any cap on open interest, which needs 2 bits less than units have (`Deleveraging.CAP_SHIFT`).
    uint256 internal constant MAX_DEPTH = (1 << 110) - 1;
    uint256 internal constant MAX_FUNDING_RATE = 50_000_000; // 5 % per day
    uint256 internal constant MAX_FUNDING_VELOCITY = 1_000_000_000; // 1 per day²
    uint256 internal constant MAX_CENTS = 10_000_000; // 100,000
    uint256 internal constant MAX_BORROW_RATE = 4_000_000; // 400 % per year

    /// @notice Checks the constructor's words and writes the first table. The factors of every requirement that is
    /// listed here (m, ρ, τ, φ) have no setter.
    function initialize(
        BooksStorage storage books,
        GlobalParameters globals,
        GroupParameters groups,
        MoneySettings memory money
    ) external {
        _range("maintenanceFactor", globals.maintenanceFactor(), PPM / 10, (PPM * 9) / 10);
        _range("shortfallInitial", globals.shortfallInitial(), 0, PPM);
        _range("shortfallMaintenance", globals.shortfallMaintenance(), globals.shortfallInitial(), PPM);
        _range("feeShares", globals.protocolFeeShare() + globals.insuranceFeeShare(), 0, PPM);
        _range("markMaxAge", globals.markMaxAge(), 1 minutes, 7 days);
        _range("liquidationTarget", globals.liquidationTarget(), 0, PPM);
        _range("liquidationPenalty", globals.liquidationPenalty(), PPM / 100, PPM / 4);
        _range("liquidatorShare", globals.liquidatorShare(), PPM / 10, PPM);
        _range("deepLoss", globals.deepLoss(), 0, PPM);
        _range("takeoverDiscount", globals.takeoverDiscount(), 0, PPM / 20);
        for (uint256 g = 0; g < MAX_GROUPS; ++g) _range("hedgeFloor", groups.hedgeFloor(g), PPM / 10, PPM);
        _checkMoney(money);
        bytes memory data = new bytes(ParameterTable.ASSETS * 32);
        _put(data, 0, GlobalParameters.unwrap(globals));
        _put(data, 1, GroupParameters.unwrap(groups));
        _put(data, 2, MoneyParameters.unwrap(toMoneyParameters(money)));
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
            CodeTable.read(books.table),
            new bytes(listings.length * ParameterTable.ASSET_WORDS * 32)
        );
        for (uint256 i = 0; i < listings.length; ++i) {
            AssetListing calldata listing = listings[i];
            _checkListing(books, listing);
            uint256 place = _assetAt(count);
            _put(
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
            _put(
                data,
                place + 1,
                SizeParameters.unwrap(
                    toSizeParameters({
                        depth_: listing.depth,
                        openInterestCap_: listing.openInterestCap,
                        openInterestShare_: listing.openInterestShare,
                        status_: listing.market ? MarketStatus.Active : MarketStatus.None
                    })
                )
            );
            _put(
                data,
                place + 2,
                TradeParameters.unwrap(
                    toTradeParameters({
                        skewCap_: listing.skewCap,
                        takerFee_: listing.takerFee,
                        makerFee_: listing.makerFee,
                        maxFundingRate_: listing.maxFundingRate,
                        fundingVelocity_: listing.fundingVelocity,
                        profitWeight_: listing.profitWeight,
                        lotExponent_: listing.lotExponent,
                        insuranceCap_: listing.insuranceCap
                    })
                )
            );
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
        _range("saleDiscount", saleDiscount, 0, PPM / 10);
        _range("lotExponent", lotExponent, 6, 24);
        (RiskParameters risk, , ) = books.table.asset(asset);
        _checkDiscount(books, risk.rates(block.timestamp), saleDiscount);
        _checkDiscount(books, risk.rates(type(uint256).max), saleDiscount);
        books.tokens = uint8(token + 1);
        _write(
            books,
            ParameterTable.TOKENS + token,
            CollateralParameters.unwrap(toCollateralParameters(asset, saleDiscount, lotExponent))
        );
        emit IClearingHouse.CollateralListed(token, asset, saleDiscount, lotExponent);
    }

    function rampRisk(BooksStorage storage books, uint256 asset, RiskRates calldata target, uint256 duration) external {
        require(asset < books.assets, IClearingHouse.UnknownMarket(asset));
        _range("duration", duration, MIN_RAMP, MAX_RAMP);
        (RiskParameters risk, SizeParameters sizes, TradeParameters trade) = books.table.asset(asset);
        _checkRates(target);
        if (sizes.status() != MarketStatus.None) {
            _checkInvariant(books, target, trade.takerFee(), sizes.openInterestCap(), sizes.depth());
        }
        for (uint256 token = 0; token < books.tokens; ++token) {
            CollateralParameters collateral = books.table.collateral(token);
            if (collateral.asset() == asset) _checkDiscount(books, target, collateral.saleDiscount());
        }
        _write(
            books,
            _assetAt(asset),
            RiskParameters.unwrap(
                toRiskParameters({
                    from: risk.rates(block.timestamp),
                    to: target,
                    start: block.timestamp,
                    duration: duration,
                    group_: risk.group()
                })
            )
        );
        emit IClearingHouse.AssetRisksChanged(asset, target, block.timestamp, duration);
    }

    function setLimits(
        BooksStorage storage books,
        uint256 asset,
        uint256 openInterestCap,
        uint256 openInterestShare,
        uint256 skewCap,
        uint256 takerFee,
        uint256 makerFee,
        uint256 insuranceCap
    ) external {
        require(asset < books.assets, IClearingHouse.UnknownMarket(asset));
        (RiskParameters risk, SizeParameters sizes, TradeParameters trade) = books.table.asset(asset);
        _checkLimits(sizes.depth(), openInterestCap, openInterestShare, skewCap, takerFee, makerFee);
        _checkInsuranceCap(insuranceCap);
        _checkInvariant(books, risk.rates(block.timestamp), takerFee, openInterestCap, sizes.depth());
        // A ramp in progress must not lead out of it.
        _checkInvariant(books, risk.rates(type(uint256).max), takerFee, openInterestCap, sizes.depth());
        uint256 place = _assetAt(asset);
        bytes memory data = CodeTable.read(books.table);
        _put(
            data,
            place + 1,
            SizeParameters.unwrap(
                toSizeParameters({
                    depth_: sizes.depth(),
                    openInterestCap_: openInterestCap,
                    openInterestShare_: openInterestShare,
                    status_: sizes.status()
                })
            )
        );
        _put(
            data,
            place + 2,
            TradeParameters.unwrap(
                toTradeParameters({
                    skewCap_: skewCap,
                    takerFee_: takerFee,
                    makerFee_: makerFee,
                    maxFundingRate_: trade.maxFundingRate() / 1e9,
                    fundingVelocity_: trade.fundingVelocity() / 1e9,
                    profitWeight_: trade.profitWeight(),
                    lotExponent_: trade.lotExponent(),
                    insuranceCap_: insuranceCap
                })
            )
        );
        books.table = CodeTable.write(data);
        emit IClearingHouse.AssetLimitsChanged({
            asset: asset,
            openInterestCap: openInterestCap,
            openInterestShare: openInterestShare,
            skewCap: skewCap,
            takerFee: takerFee,
            makerFee: makerFee,
            insuranceCap: insuranceCap
        });
    }

    /// @notice Changes what a market allows. From what to what is the caller's to check.
    function setStatus(BooksStorage storage books, uint256 asset, MarketStatus status) external {
        (, SizeParameters sizes, ) = books.table.asset(asset);
        _write(books, _assetAt(asset) + 1, SizeParameters.unwrap(sizes.withStatus(status)));
        emit IClearingHouse.MarketStatusChanged(asset, status);
    }

    function setMoney(BooksStorage storage books, MoneySettings calldata settings) external {
        _checkMoney(settings);
        books.accrueInterest(); // at the rates until now
        _write(books, 2, MoneyParameters.unwrap(toMoneyParameters(settings)));
        emit IClearingHouse.MoneyChanged(settings);
    }

    function _checkMoney(MoneySettings memory settings) private pure {
        _range("minNotional", settings.minNotional, 0, MAX_CENTS);
        _range("smallRequirement", settings.smallRequirement, 0, MAX_CENTS);
        _range("flatReward", settings.flatReward, 0, MAX_CENTS);
        _range("unattributedCap", settings.unattributedCap, 0, type(uint32).max);
        _range("borrowKink", settings.borrowKink, PPM / 10, PPM);
        _range("borrowRateFull", settings.borrowRateFull, 0, MAX_BORROW_RATE);
        _range("borrowRateKink", settings.borrowRateKink, 0, settings.borrowRateFull);
        _range("lossBudget", settings.lossBudget, PPM / 100, PPM);
    }

    function _checkInsuranceCap(uint256 cap) private pure {
        _range("insuranceCap", cap, 0, type(uint16).max * INSURANCE_UNIT);
        _range("insuranceCapRest", cap % INSURANCE_UNIT, 0, 0);
    }

    function _checkListing(BooksStorage storage books, AssetListing calldata listing) private view {
        _checkRates(listing.risk);
        _range("group", listing.group, 0, MAX_GROUPS - 1);
        _range("depth", listing.depth, 1e12, MAX_DEPTH);
        if (!listing.market) return;
        _checkLimits(
            listing.depth,
            listing.openInterestCap,
            listing.openInterestShare,
            listing.skewCap,
            listing.takerFee,
            listing.makerFee
        );
        _checkInvariant(books, listing.risk, listing.takerFee, listing.openInterestCap, listing.depth);
        _range("maxFundingRate", listing.maxFundingRate, 0, MAX_FUNDING_RATE);
        _range("fundingVelocity", listing.fundingVelocity, 0, MAX_FUNDING_VELOCITY);
        _range("profitWeight", listing.profitWeight, 0, PPM);
        _range("lotExponent", listing.lotExponent, 6, 24);
        _checkInsuranceCap(listing.insuranceCap);
    }

    /// @notice (1 − φ)·(γ + m·σ) > taker fee + impact at the open-interest cap: closing always leaves an account
    /// healthier. Not the skew cap: closes of the narrower side may leave all of the other as skew.
    function _checkInvariant(
        BooksStorage storage books,
        RiskRates memory rates,
        uint256 takerFee,
        uint256 openInterestCap,
        uint256 depth
    ) private view {
        uint256 relief = _reliefDown(books, rates);
        uint256 cost = takerFee + Fixed.mulDivUp(openInterestCap, PPM, depth);
        require(relief > cost, IClearingHouse.ListingInvariantBroken(relief, cost));
    }

    /// @notice The same for collateral, whose sale costs its discount.
    function _checkDiscount(BooksStorage storage books, RiskRates memory rates, uint256 discount) private view {
        uint256 relief = _reliefDown(books, rates);
        require(relief > discount, IClearingHouse.ListingInvariantBroken(relief, discount));
    }

    /// @notice (1 − φ)·(γ + m·σ), 1e-6 of notional.
    function _reliefDown(BooksStorage storage books, RiskRates memory rates) private view returns (uint256) {
        (GlobalParameters globals, ) = books.table.globals();
        return
            ((PPM - globals.liquidationPenalty()) * (rates.gamma * PPM + globals.maintenanceFactor() * rates.sigma)) /
            (PPM * PPM);
    }

    function _checkRates(RiskRates memory rates) private pure {
        _range("beta", rates.beta, 0, PPM);
        _range("sigma", rates.sigma, 1000, PPM);
        _range("gamma", rates.gamma, 500, PPM / 4);
        _range("kappa", rates.kappa, 0, PPM * 10);
    }

    function _checkLimits(
        uint256 depth,
        uint256 openInterestCap,
        uint256 openInterestShare,
        uint256 skewCap,
        uint256 takerFee,
        uint256 makerFee
    ) private pure {
        _range("openInterestCap", openInterestCap, 0, depth);
        _range("openInterestShare", openInterestShare, 0, PPM * 10);
        _range("skewCap", skewCap, 0, depth);
        _range("takerFee", takerFee, 0, MAX_FEE);
        _range("makerFee", makerFee, 0, takerFee);
    }

    function _assetAt(uint256 asset) private pure returns (uint256) {
        return ParameterTable.ASSETS + asset * ParameterTable.ASSET_WORDS;
    }

    function _write(BooksStorage storage books, uint256 place, uint256 word) private {
        bytes memory data = CodeTable.read(books.table);
        _put(data, place, word);
        books.table = CodeTable.write(data);
    }

    function _put(bytes memory data, uint256 place, uint256 word) private pure {
        assembly ("memory-safe") {
            mstore(add(add(data, 0x20), mul(place, 0x20)), word)
        }
    }

    function _range(bytes32 what, uint256 value, uint256 minimum, uint256 maximum) private pure {
        require(value >= minimum && value <= maximum, IClearingHouse.OutOfRange(what, value, minimum, maximum));
    }
}
