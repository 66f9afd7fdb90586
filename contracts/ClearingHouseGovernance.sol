// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Clearing, Links} from "./Clearing.sol";
import {AssetLimits, AssetListing, IClearingHouse} from "./interfaces/IClearingHouse.sol";
import {Books, BooksStorage, Flow} from "./libraries/Books.sol";
import {Deleveraging} from "./libraries/Deleveraging.sol";
import {ListingRules} from "./libraries/ListingRules.sol";
import {Listings} from "./libraries/Listings.sol";
import {ParameterTable} from "./libraries/ParameterTable.sol";
import {Ramps} from "./libraries/Ramps.sol";
import {Settings} from "./libraries/Settings.sol";
import {AccountId} from "./types/AccountId.sol";
import {MarketStatus, RiskRates, SizeParameters, TradeParameters} from "./types/AssetParameters.sol";
import {Bound, boundOf as boundOfParameter, Power} from "./types/Bounds.sol";
import {GlobalSettings, GroupParameters, MAX_GROUPS, MoneySettings} from "./types/GlobalParameters.sol";
import {MarginRamp} from "./types/MarginRamp.sol";

/// @title ClearingHouseGovernance
/// @notice What governance may do with the clearing house. Documented in `IClearingHouse`.
/// @dev Runs on the storage of the clearing house, by delegatecall from its extension; called at its own address it finds
/// empty books and can do nothing to others. A verb of the steward is a function of its own, since the authority knows
/// functions, not amounts: `set` and `ramp` are the governor's, `tune` the steward's.
contract ClearingHouseGovernance is Clearing {
    using Books for BooksStorage;
    using Deleveraging for BooksStorage;
    using ListingRules for BooksStorage;
    using Listings for BooksStorage;
    using ParameterTable for address;
    using Ramps for BooksStorage;
    using SafeCast for uint256;
    using Settings for BooksStorage;

    constructor(Links memory links) Clearing(links) {}

    // ---------------------------------------------------------------- listing

    function listAssets(AssetListing[] calldata listings) external restricted locking {
        uint256 first = _books.assets;
        _books.listAssets(listings);
        for (uint256 asset = first; asset < _books.assets; ++asset) _books.requireInsured(oracle, asset);
    }

    function listCollateral(uint256 asset, uint256 saleDiscount, uint256 lotExponent) external restricted locking {
        _books.listCollateral(asset, saleDiscount, lotExponent);
    }

    // ---------------------------------------------------------------- what enters requirements

    function rampRisk(uint256 asset, RiskRates calldata target, uint256 duration) external restricted locking {
        _books.rampRisk(asset, target, duration, Power.Governor);
    }

    function tuneRisk(uint256 asset, RiskRates calldata target, uint256 duration) external restricted locking {
        _books.rampRisk(asset, target, duration, Power.Steward);
    }

    function rampMargins(
        uint256 factor,
        uint256[MAX_GROUPS] calldata floors,
        uint256 duration
    ) external restricted locking {
        _books.rampMargins(factor, floors, duration, Power.Governor);
    }

    function tuneMargins(
        uint256 factor,
        uint256[MAX_GROUPS] calldata floors,
        uint256 duration
    ) external restricted locking {
        _books.rampMargins(factor, floors, duration, Power.Steward);
    }

    function setGroup(uint256 asset, uint256 group) external restricted locking {
        _books.setGroup(asset, group);
    }

    function setDepth(uint256 asset, uint256 depth) external restricted locking {
        _setDepth(asset, depth, Power.Governor);
    }

    function tuneDepth(uint256 asset, uint256 depth) external restricted locking {
        _setDepth(asset, depth, Power.Steward);
    }

    function _setDepth(uint256 asset, uint256 depth, Power power) private {
        bool market = _books.requireDepth(asset, depth, power);
        int256 charged = 0;
        uint256 rate = 0;
        if (market) (charged, rate) = _books.moveDepth(oracle, asset, depth);
        _books.writeDepth(asset, depth, charged, rate);
    }

    // ---------------------------------------------------------------- what does not

    function setLimits(
        uint256 asset,
        uint256 openInterestCap,
        uint256 openInterestShare,
        uint256 skewCap,
        uint256 takerFee,
        uint256 makerFee,
        uint256 insuranceCap
    ) external restricted locking {
        AssetLimits memory limits = AssetLimits({
            openInterestCap: openInterestCap,
            openInterestShare: openInterestShare,
            skewCap: skewCap,
            takerFee: takerFee,
            makerFee: makerFee,
            insuranceCap: insuranceCap
        });
        _books.setLimits(asset, limits, Power.Governor);
    }

    function tuneLimits(
        uint256 asset,
        uint256 openInterestCap,
        uint256 openInterestShare,
        uint256 skewCap,
        uint256 insuranceCap
    ) external restricted locking {
        (, , TradeParameters trade) = _books.table.asset(asset);
        AssetLimits memory limits = AssetLimits({
            openInterestCap: openInterestCap,
            openInterestShare: openInterestShare,
            skewCap: skewCap,
            takerFee: trade.takerFee(),
            makerFee: trade.makerFee(),
            insuranceCap: insuranceCap
        });
        _books.setLimits(asset, limits, Power.Steward);
    }

    function setGlobals(GlobalSettings calldata settings) external restricted locking {
        _books.setGlobals(settings);
    }

    function setMoney(MoneySettings calldata settings) external restricted locking {
        _books.setMoney(settings);
    }

    function payProtocolFees(AccountId account, uint256 amount) external restricted locking {
        Flow memory flow;
        flow.protocolFees = -amount.toInt256();
        _books.pay(flow, account, amount.toInt256());
        _books.flush(flow);
        emit IClearingHouse.ProtocolFeesPaid(account, amount);
    }

    // ---------------------------------------------------------------- stopping and ending

    function restrictMarket(uint256 asset) external restricted locking {
        _setStatus(asset, MarketStatus.Active, MarketStatus.ReduceOnly);
    }

    function reopenMarket(uint256 asset) external restricted locking {
        _setStatus(asset, MarketStatus.ReduceOnly, MarketStatus.Active);
    }

    function windDown(uint256 asset) external restricted locking {
        require(asset < _books.assets, IClearingHouse.UnknownMarket(asset));
        _books.windDown(oracle, asset);
        _books.setStatus(asset, MarketStatus.Closing);
    }

    function _setStatus(uint256 asset, MarketStatus from, MarketStatus to) private {
        require(asset < _books.assets, IClearingHouse.UnknownMarket(asset));
        (, SizeParameters sizes, ) = _books.table.asset(asset);
        require(sizes.status() == from, IClearingHouse.WrongStatus(asset, sizes.status()));
        _books.setStatus(asset, to);
    }

    function pause() external restricted locking {
        _setPaused(true);
    }

    function unpause() external restricted locking {
        _setPaused(false);
    }

    function _setPaused(bool paused) private {
        _books.paused = paused;
        emit IClearingHouse.Paused(paused);
    }

    // ---------------------------------------------------------------- views

    function marginRamp() external view returns (MarginRamp ramp, GroupParameters end) {
        return _books.table.marginRamp();
    }

    function boundOf(bytes32 name) external pure returns (Bound memory) {
        return boundOfParameter(name);
    }

    function changedAt(bytes32 name, uint256 index) external view returns (uint256) {
        return _books.changedAt[name][index];
    }
}
