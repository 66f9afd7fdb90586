// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Closing, FillResult, IClearingHouse, Leg} from "../interfaces/IClearingHouse.sol";
import {IOracle, RoundHint, Verdict} from "../interfaces/IOracle.sol";
import {Fixed} from "../libraries/Fixed.sol";
import {Pricing} from "../libraries/Pricing.sol";
import {Exposure, Risk, Terms} from "../libraries/Risk.sol";
import {AccountId} from "../types/AccountId.sol";
import {
    MarketStatus,
    RiskParameters,
    RiskRates,
    SizeParameters,
    toRiskParameters,
    toSizeParameters,
    toTradeParameters,
    TradeParameters
} from "../types/AssetParameters.sol";
import {Conditions} from "../types/Conditions.sol";
import {Funding, toFunding} from "../types/Funding.sol";
import {
    CollateralParameters,
    GlobalParameters,
    GroupParameters,
    MoneyParameters,
    toCollateralParameters
} from "../types/GlobalParameters.sol";
import {Position, toPosition} from "../types/Position.sol";
import {Price, Refusal, toPrice} from "../types/Price.sol";

/// @notice The pure functions of the core, exposed for the differential tests of the TypeScript model.
contract ModelHarness {
    /// @notice Runs many calls of this contract in one; a call that reverts answers `false`.
    function batch(bytes[] calldata calls) external view returns (bool[] memory ok, bytes[] memory results) {
        ok = new bool[](calls.length);
        results = new bytes[](calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            (ok[i], results[i]) = address(this).staticcall(calls[i]);
        }
    }

    // ---------------------------------------------------------------- Fixed

    function mulDivDown(uint256 a, uint256 b, uint256 denominator) external pure returns (uint256) {
        return Fixed.mulDivDown(a, b, denominator);
    }

    function mulDivUp(uint256 a, uint256 b, uint256 denominator) external pure returns (uint256) {
        return Fixed.mulDivUp(a, b, denominator);
    }

    function divUp(uint256 a, uint256 denominator) external pure returns (uint256) {
        return Fixed.divUp(a, denominator);
    }

    function mulDivFloor(int256 a, int256 b, uint256 denominator) external pure returns (int256) {
        return Fixed.mulDivFloor(a, b, denominator);
    }

    function mulDivCeil(int256 a, int256 b, uint256 denominator) external pure returns (int256) {
        return Fixed.mulDivCeil(a, b, denominator);
    }

    function divFloor(int256 a, uint256 denominator) external pure returns (int256) {
        return Fixed.divFloor(a, denominator);
    }

    function divCeil(int256 a, uint256 denominator) external pure returns (int256) {
        return Fixed.divCeil(a, denominator);
    }

    // ---------------------------------------------------------------- Pricing

    function quoteCeil(
        int256 delta,
        uint256 price,
        int256 skew,
        uint256 depth,
        int256 index
    ) external pure returns (int256) {
        return Pricing.quoteCeil(delta, price, skew, depth, index);
    }

    function heldPremiumUp(int256 skew, uint256 price, uint256 depth) external pure returns (uint256) {
        return Pricing.heldPremiumUp(skew, price, depth);
    }

    function feeUp(
        int256 delta,
        uint256 price,
        int256 skew,
        uint256 takerFee,
        uint256 makerFee
    ) external pure returns (uint256) {
        return Pricing.feeUp(delta, price, skew, takerFee, makerFee);
    }

    // ---------------------------------------------------------------- Funding

    function accrued(Funding funding, uint256 maxRate, uint256 price, uint256 time) external pure returns (Funding) {
        return funding.accrued(maxRate, price, time);
    }

    function steered(Funding funding, uint256 maxVelocity, int256 skew, uint256 depth) external pure returns (Funding) {
        return funding.steered(maxVelocity, skew, depth);
    }

    // ---------------------------------------------------------------- Risk

    struct Assessment {
        Terms terms;
        uint256 initial;
        uint256 maintenance;
        uint256 shortfall;
        bool meetsInitial;
    }

    function assess(
        Exposure[] memory exposures,
        int256 cash,
        GroupParameters groups,
        GlobalParameters globals,
        uint256 time,
        bool worse
    ) external pure returns (Assessment memory result) {
        Terms memory terms = Risk.assess(exposures, cash, groups, time, worse);
        result.terms = terms;
        result.initial = terms.initial();
        result.maintenance = terms.maintenance(globals);
        result.shortfall = terms.shortfall();
        result.meetsInitial = terms.meetsInitial(globals);
    }

    // ---------------------------------------------------------------- words

    function packPrice(
        uint256 last,
        uint256 spread,
        Refusal refusal,
        bool settling,
        bool dead,
        uint256 updatedAt
    ) external pure returns (Price word, uint256 low, uint256 high, bool live, bool liquidatable) {
        word = toPrice(last, spread, refusal, settling, dead, updatedAt);
        return (word, word.low(), word.high(), word.live(), word.liquidatable());
    }

    function packFunding(int256 index, int256 rate, int256 velocity, uint256 time) external pure returns (Funding) {
        return toFunding(index, rate, velocity, time);
    }

    function packRisk(
        RiskRates memory from,
        RiskRates memory to,
        uint256 start,
        uint256 duration,
        uint256 group
    ) external pure returns (RiskParameters) {
        return toRiskParameters(from, to, start, duration, group);
    }

    function rates(RiskParameters word, uint256 time) external pure returns (RiskRates memory, uint256 group) {
        return (word.rates(time), word.group());
    }

    function packSizes(
        uint256 depth,
        uint256 openInterestCap,
        uint256 openInterestShare,
        MarketStatus status
    ) external pure returns (SizeParameters) {
        return toSizeParameters(depth, openInterestCap, openInterestShare, status);
    }

    function packTrade(
        uint256 skewCap,
        uint256 takerFee,
        uint256 makerFee,
        uint256 maxFundingRate,
        uint256 fundingVelocity,
        uint256 profitWeight,
        uint256 lotExponent
    ) external pure returns (TradeParameters) {
        return
            toTradeParameters(skewCap, takerFee, makerFee, maxFundingRate, fundingVelocity, profitWeight, lotExponent);
    }

    function unpackTrade(TradeParameters word) external pure returns (uint256[7] memory) {
        return
            [
                word.skewCap(),
                word.takerFee(),
                word.makerFee(),
                word.maxFundingRate(),
                word.fundingVelocity(),
                word.profitWeight(),
                word.lot()
            ];
    }

    function unpackGlobals(GlobalParameters word) external pure returns (uint256[10] memory) {
        return
            [
                word.maintenanceFactor(),
                word.shortfallInitial(),
                word.shortfallMaintenance(),
                word.protocolFeeShare(),
                word.insuranceFeeShare(),
                word.markMaxAge(),
                word.liquidationTarget(),
                word.liquidationPenalty(),
                word.liquidatorShare(),
                word.deepLoss()
            ];
    }

    function unpackMoney(MoneyParameters word) external pure returns (uint256[3] memory) {
        return [word.minNotional(), word.smallRequirement(), word.flatReward()];
    }

    function hedgeFloor(GroupParameters word, uint256 group) external pure returns (uint256) {
        return word.hedgeFloor(group);
    }

    function packCollateral(
        uint256 asset,
        uint256 saleDiscount,
        uint256 lotExponent
    ) external pure returns (CollateralParameters word, uint256 lot, bool listed) {
        word = toCollateralParameters(asset, saleDiscount, lotExponent);
        return (word, word.saleLot(), word.listed());
    }

    function packPosition(int256 size, int256 quote) external pure returns (Position) {
        return toPosition(size, quote);
    }
}

/// @notice Everything round a clearing house: vault, orders, pool, oracle and authority, so that a test drives it with
/// the prices that it likes.
contract ModelDriver is IOracle {
    IClearingHouse public house;
    Conditions public conditions;
    mapping(uint256 asset => Price) public prices;

    modifier locked() {
        house.lock();
        _;
        house.unlock();
    }

    function setHouse(IClearingHouse house_) external {
        house = house_;
    }

    /// @param assets Ascending indices. @param prices_ One for each.
    function setPrices(Conditions conditions_, uint256[] calldata assets, Price[] calldata prices_) external {
        conditions = conditions_;
        for (uint256 i = 0; i < assets.length; ++i) prices[assets[i]] = prices_[i];
    }

    // ---------------------------------------------------------------- satellites

    function credit(AccountId account, uint256 token, uint256 amount) external locked {
        house.credit(account, account.owner(), token, amount);
    }

    function debit(AccountId account, uint256 token, uint256 amount) external locked {
        house.debit(account, account.owner(), token, amount);
    }

    function fundPool(AccountId account, uint256 amount) external locked {
        house.fundPool(account, account.owner(), amount);
    }

    /// @notice Submits and executes an order at the prices of its legs.
    function trade(
        AccountId account,
        Leg[] calldata legs,
        bool reduceOnly
    ) external locked returns (FillResult[] memory) {
        (, uint256 charge) = house.openOrder(account, account.owner(), legs, 0, reduceOnly);
        Closing memory closing;
        closing.account = account;
        closing.reduceOnly = reduceOnly;
        closing.released = charge;
        closing.payTo = account;
        return house.executeOrder(closing, legs);
    }

    // ---------------------------------------------------------------- authority

    function canCall(address, address, bytes4) external pure returns (bool allowed, uint32 delay) {
        return (true, 0);
    }

    // ---------------------------------------------------------------- oracle

    function read(uint256 assets, bool needPeg) external view returns (Conditions, Price[] memory) {
        return peek(assets, needPeg);
    }

    function peek(uint256 assets, bool) public view returns (Conditions, Price[] memory found) {
        uint256 count = 0;
        for (uint256 a = 0; a < 96; ++a) count += (assets >> a) & 1;
        found = new Price[](count);
        uint256 i = 0;
        for (uint256 a = 0; a < 96; ++a) {
            if ((assets >> a) & 1 != 0) found[i++] = prices[a];
        }
        return (conditions, found);
    }

    function settle(uint256, uint256, uint256, RoundHint calldata) external pure returns (Verdict, uint256, uint256) {
        return (Verdict.Void, 0, 0);
    }

    function stored(uint256 asset) external view returns (uint256, uint256, uint256) {
        return (prices[asset].last(), 0, 0);
    }
}
