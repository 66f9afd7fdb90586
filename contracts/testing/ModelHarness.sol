// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {
    Closing,
    FillResult,
    IClearingHouse,
    Ledger,
    Leg,
    PoolValuation,
    SideView,
    UNATTRIBUTED
} from "../interfaces/IClearingHouse.sol";
import {IOracle, RoundHint, Verdict} from "../interfaces/IOracle.sol";
import {Fixed} from "../libraries/Fixed.sol";
import {Interest} from "../libraries/Interest.sol";
import {Pricing} from "../libraries/Pricing.sol";
import {Exposure, Risk, Terms} from "../libraries/Risk.sol";
import {Sides} from "../libraries/Sides.sol";
import {AccountId} from "../types/AccountId.sol";
import {AccountState} from "../types/AccountState.sol";
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
import {MarginRamp, toMarginRamp} from "../types/MarginRamp.sol";
import {MarketSide} from "../types/MarketSide.sol";
import {MarketWatch, Trigger} from "../types/MarketWatch.sol";
import {Position, toPosition} from "../types/Position.sol";
import {Price, Refusal, toPrice} from "../types/Price.sol";
import {SideIndex, toSideIndex} from "../types/SideIndex.sol";

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

    // ---------------------------------------------------------------- Interest

    function utilisationDown(int256 base, uint256 debts) external pure returns (uint256) {
        return Interest.utilisationDown(base, debts);
    }

    function rateDown(uint256 utilisation, MoneyParameters money) external pure returns (uint256) {
        return Interest.rateDown(utilisation, money);
    }

    function accruedDown(uint256 index, uint256 rate, uint256 elapsed) external pure returns (uint256) {
        return Interest.accruedDown(index, rate, elapsed);
    }

    /// @return owed For `amount` shares. @return shares Of a debt of `amount`. @return lent For `amount` shares of all.
    function debt(uint256 amount, uint256 index) external pure returns (uint256 owed, uint256 shares, uint256 lent) {
        return (Interest.debtUp(amount, index), Interest.sharesUp(amount, index), Interest.lentDown(amount, index));
    }

    // ---------------------------------------------------------------- SideIndex

    function packSideIndex(
        uint256 scale,
        uint256 profitScale,
        int256 offset
    ) external pure returns (SideIndex word, uint256 scale_, uint256 profitScale_, int256 offset_) {
        word = toSideIndex(scale, profitScale, offset);
        return (word, word.scale(), word.profitScale(), word.offset());
    }

    /// @param net P − F.
    function throughIndex(
        SideIndex index,
        int256 units,
        int256 quote,
        int256 net
    ) external pure returns (int256 size, int256 held, int256 rest, int256 heldCeil) {
        (size, held) = Sides.through(index, units, quote);
        rest = index.restDown(units, size, net);
        heldCeil = Sides.heldQuoteCeil(index, units, quote);
    }

    function underIndex(
        SideIndex index,
        uint256 size,
        int256 units,
        int256 quote,
        int256 net
    ) external pure returns (uint256 magnitude, int256 stored, int256 rest) {
        return (index.unitsUp(size), index.storedQuoteFloor(units, quote), index.restUp(units, int256(size), net));
    }

    function addToSide(MarketSide side, int256 units, int256 quote) external pure returns (MarketSide) {
        return side.add(units, quote);
    }

    function afterCut(MarketSide side) external pure returns (MarketSide) {
        return side.withCut();
    }

    function afterClosing(MarketSide side) external pure returns (MarketSide) {
        return side.nextEpoch();
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

    function packFunding(
        int256 index,
        int256 rate,
        int256 velocity,
        bool longIndexed,
        bool shortIndexed,
        uint256 time
    ) external pure returns (Funding funding) {
        funding = toFunding(index, rate, velocity, time);
        if (longIndexed) funding = funding.withIndex(true);
        if (shortIndexed) funding = funding.withIndex(false);
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

    function rampedMargins(
        GlobalParameters globals,
        GroupParameters groups,
        GroupParameters end,
        uint256 factor,
        uint256 start,
        uint256 duration,
        uint256 time
    ) external pure returns (MarginRamp ramp, GlobalParameters globals_, GroupParameters groups_) {
        ramp = toMarginRamp(factor, start, duration);
        (globals_, groups_) = ramp.applied(globals, groups, end, time);
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
        uint256 lotExponent,
        uint256 insuranceCap
    ) external pure returns (TradeParameters) {
        return
            toTradeParameters({
                skewCap_: skewCap,
                takerFee_: takerFee,
                makerFee_: makerFee,
                maxFundingRate_: maxFundingRate,
                fundingVelocity_: fundingVelocity,
                profitWeight_: profitWeight,
                lotExponent_: lotExponent,
                insuranceCap_: insuranceCap
            });
    }

    function unpackTrade(TradeParameters word) external pure returns (uint256[8] memory) {
        return
            [
                word.skewCap(),
                word.takerFee(),
                word.makerFee(),
                word.maxFundingRate(),
                word.fundingVelocity(),
                word.profitWeight(),
                word.lot(),
                word.insuranceCap()
            ];
    }

    function unpackGlobals(GlobalParameters word) external pure returns (uint256[11] memory) {
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
                word.deepLoss(),
                word.takeoverDiscount()
            ];
    }

    function unpackMoney(MoneyParameters word) external pure returns (uint256[8] memory) {
        return
            [
                word.minNotional(),
                word.smallRequirement(),
                word.flatReward(),
                word.unattributedCap(),
                word.borrowKink(),
                word.borrowRateKink(),
                word.borrowRateFull(),
                word.lossBudget()
            ];
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

    function packPosition(
        int256 units,
        int256 quote,
        uint256 epoch,
        uint256 cuts
    ) external pure returns (Position word, uint256 epoch_, uint256 cuts_) {
        word = toPosition(units, quote, epoch, cuts);
        return (word, word.epoch(), word.cuts());
    }

    /// @notice A watch with all of its fields set; a wind-down drops a flag.
    function packWatch(
        uint256 overSince,
        uint256 flaggedAt,
        uint256 phase,
        Trigger trigger,
        uint256 graceUntil,
        uint256 closesAt,
        uint256 formerEpoch,
        uint256 formerCuts,
        bool formerLong
    ) external pure returns (MarketWatch watch) {
        watch = watch.withClosing(closesAt, phase).withOverSince(overSince);
        watch = watch.withFlag(flaggedAt, phase, trigger);
        return watch.withFormer(graceUntil, formerEpoch, formerCuts, formerLong);
    }

    function unpackWatch(
        MarketWatch watch
    )
        external
        pure
        returns (
            uint256 overSince,
            uint256 flaggedAt,
            uint256 phase,
            Trigger trigger,
            uint256 graceUntil,
            uint256 closesAt,
            uint256 formerEpoch,
            uint256 formerCuts,
            bool formerLong
        )
    {
        overSince = watch.overSince();
        flaggedAt = watch.flaggedAt();
        phase = watch.phase();
        trigger = watch.trigger();
        graceUntil = watch.graceUntil();
        closesAt = watch.closesAt();
        formerEpoch = watch.formerEpoch();
        formerCuts = watch.formerCuts();
        formerLong = watch.formerLong();
    }
}

/// @notice All that a clearing house keeps, as a test compares it with the model.
struct Dump {
    uint256 time;
    Ledger ledger;
    PoolValuation pool;
    AccountDump[] accounts;
    MarketDump[] markets;
    SeizureDump[] seizures; // by token
    uint256 unattributedRoom;
}

struct AccountDump {
    int256 cash;
    uint256 shares;
    uint256 insolventSince;
    int256[] units; // by asset
    int256[] quotes;
    uint256[] epochs;
    uint256[] cuts;
    uint256[] collateral; // by token
    Exposure[] exposures;
}

struct MarketDump {
    SideView long;
    SideView short;
    Funding funding;
    MarketWatch watch;
    SizeParameters sizes;
    uint256 room;
}

struct SeizureDump {
    uint256 amount;
    uint256 owed;
    uint256 since;
}

/// @notice Everything round a clearing house: vault, orders, pool, oracle and authority, so that a test drives it with
/// the prices that it likes.
contract ModelDriver is IOracle {
    error UnexpectedPhase(uint256 phase);

    IClearingHouse public house;
    Conditions public conditions;
    mapping(uint256 asset => Price) public prices;
    Verdict public verdict;
    uint256 public settlement;

    /// @dev In place of a feed's.
    uint256 private constant PHASE = 3;

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

    /// @notice What `settle` answers from now on.
    function setSettlement(Verdict verdict_, uint256 price) external {
        (verdict, settlement) = (verdict_, price);
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

    function drainPool(AccountId account, uint256 amount) external locked {
        house.drainPool(account, amount);
    }

    function fundInsurance(AccountId account, uint256 amount) external locked {
        house.fundInsurance(account, account.owner(), amount);
    }

    function drainInsurance(AccountId account, uint256 amount) external locked {
        house.drainInsurance(account, amount);
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

    function settle(
        uint256,
        uint256 phase,
        uint256,
        RoundHint calldata
    ) external view returns (Verdict, uint256, uint256) {
        require(phase == PHASE, UnexpectedPhase(phase));
        return (verdict, settlement, block.timestamp);
    }

    function accepts(uint256, uint256) external pure returns (bool) {
        return true;
    }

    /// @dev Prices here move as the test likes; what is listed is judged as if they never jumped.
    function jumpLimit(uint256) external pure returns (uint256) {
        return 0;
    }

    function stored(uint256 asset) external view returns (uint256, uint256, uint256) {
        return (prices[asset].last(), PHASE, 0);
    }

    // ---------------------------------------------------------------- comparison

    function dump(AccountId[] calldata accounts) external view returns (Dump memory result) {
        (uint256 assets, uint256 tokens) = house.listed();
        result.time = block.timestamp;
        result.ledger = house.ledger();
        result.pool = house.poolValuation();
        result.accounts = new AccountDump[](accounts.length);
        for (uint256 i = 0; i < accounts.length; ++i) result.accounts[i] = _dumpAccount(accounts[i], assets, tokens);
        result.markets = new MarketDump[](assets);
        for (uint256 a = 0; a < assets; ++a) _dumpMarket(result.markets[a], a);
        result.seizures = new SeizureDump[](tokens);
        for (uint256 t = 0; t < tokens; ++t) {
            SeizureDump memory seizure = result.seizures[t];
            (seizure.amount, seizure.owed, seizure.since) = house.seizedOf(t);
        }
        (result.unattributedRoom, ) = house.insuranceRoomOf(UNATTRIBUTED);
    }

    function _dumpAccount(
        AccountId account,
        uint256 assets,
        uint256 tokens
    ) private view returns (AccountDump memory result) {
        AccountState memory state = house.accountOf(account);
        (result.cash, result.shares) = (state.cash, state.shares);
        (, result.exposures, ) = house.snapshot(account);
        result.insolventSince = house.insolventSince(account);
        result.units = new int256[](assets);
        result.quotes = new int256[](assets);
        result.epochs = new uint256[](assets);
        result.cuts = new uint256[](assets);
        for (uint256 a = 0; a < assets; ++a) {
            if ((state.positions >> a) & 1 == 0) continue;
            (result.units[a], result.quotes[a], result.epochs[a], result.cuts[a]) = house.storedPositionOf(account, a);
        }
        result.collateral = new uint256[](tokens);
        for (uint256 t = 0; t < tokens; ++t) result.collateral[t] = house.collateralOf(account, t);
    }

    function _dumpMarket(MarketDump memory result, uint256 asset) private view {
        result.long = house.sideOf(asset, true);
        result.short = house.sideOf(asset, false);
        (, , , , result.funding) = house.marketOf(asset);
        result.watch = house.watchOf(asset);
        (, result.sizes, ) = house.parametersOf(asset);
        (result.room, ) = house.insuranceRoomOf(asset);
    }
}
