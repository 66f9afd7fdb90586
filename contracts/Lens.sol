// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {FillResult, IClearingHouse, Leg} from "./interfaces/IClearingHouse.sol";
import {AccountView, GroupRisk, Health, Holding, ILens, MarketView, Preview} from "./interfaces/ILens.sol";
import {Fixed, PPM, WAD} from "./libraries/Fixed.sol";
import {Pricing} from "./libraries/Pricing.sol";
import {Exposure, Risk, Terms} from "./libraries/Risk.sol";
import {AccountId} from "./types/AccountId.sol";
import {AccountState} from "./types/AccountState.sol";
import {RiskRates, SizeParameters, TradeParameters} from "./types/AssetParameters.sol";
import {Conditions} from "./types/Conditions.sol";
import {Funding} from "./types/Funding.sol";
import {GlobalParameters, GroupParameters, MAX_GROUPS} from "./types/GlobalParameters.sol";
import {Price, Refusal, toPrice} from "./types/Price.sol";

/// @title Lens
contract Lens is ILens {
    IClearingHouse public immutable clearingHouse;

    constructor(IClearingHouse clearingHouse_) {
        clearingHouse = clearingHouse_;
    }

    // ---------------------------------------------------------------- accounts

    /// @inheritdoc ILens
    function account(AccountId id) external view returns (AccountView memory result) {
        (AccountState memory state, Exposure[] memory exposures, Conditions conditions) = clearingHouse.snapshot(id);
        (GlobalParameters globals, GroupParameters groups, ) = clearingHouse.globals();
        Terms memory better = Risk.assess(exposures, state.cash, groups, block.timestamp, false);
        Terms memory worse = Risk.assess(exposures, state.cash, groups, block.timestamp, true);
        result.cash = state.cash;
        result.pending = state.pending;
        result.sequence = state.sequence;
        result.equity = better.equity;
        result.maintenance = better.maintenance(globals);
        result.unrealised = better.unrealised;
        result.collateralValue = better.collateralValue;
        result.initialEquity = worse.weighted;
        result.initial = worse.initial();
        result.shortfall = worse.shortfall();
        result.liquidatable = _liquidatable(state, exposures, conditions, better, globals);
        result.holdings = new Holding[](exposures.length);
        for (uint256 i = 0; i < exposures.length; ++i) result.holdings[i] = _holding(exposures[i]);
        result.groups = _groups(exposures, groups);
    }

    function _holding(Exposure memory e) private view returns (Holding memory h) {
        uint256 held = e.price.dead() ? 0 : e.collateral;
        int256 amount = e.size + int256(held);
        uint256 price = amount < 0 ? e.price.low() : e.price.high();
        RiskRates memory rates = e.risk.rates(block.timestamp);
        h.asset = e.asset;
        h.priceLow = e.price.low();
        h.priceHigh = e.price.high();
        h.refusal = e.price.refusal();
        h.size = e.size;
        h.quote = e.quote;
        h.collateral = e.collateral;
        h.fundingIndex = e.funding.index();
        if (e.size != 0) h.value = Risk.valueFloor(e, price);
        h.exposure = Fixed.mulDivFloor(amount, int256(price), WAD);
        h.group = e.risk.group();
        (h.beta, h.sigma, h.gamma, h.kappa) = (rates.beta, rates.sigma, rates.gamma, rates.kappa);
        h.ownRisk = Fixed.mulDivUp(SignedMath.abs(amount) * rates.sigma, price, PPM * WAD);
        uint256 depth = e.sizes.depth();
        h.closeOut = Fixed.divUp(
            Risk.closeOutUp(SignedMath.abs(e.size), h.priceLow, rates.gamma, rates.kappa, depth) +
                Risk.closeOutUp(held, h.priceLow, rates.gamma, rates.kappa, depth),
            PPM * WAD
        );
    }

    function _groups(Exposure[] memory exposures, GroupParameters groups) private view returns (GroupRisk[] memory) {
        int256[MAX_GROUPS] memory net;
        uint256[MAX_GROUPS] memory gross;
        uint256 count = 0;
        for (uint256 i = 0; i < exposures.length; ++i) {
            Exposure memory e = exposures[i];
            int256 amount = e.size + int256(e.price.dead() ? 0 : e.collateral);
            int256 x =
                amount *
                    int256(amount < 0 ? e.price.low() : e.price.high()) *
                    int256(e.risk.rates(block.timestamp).beta);
            uint256 g = e.risk.group();
            if (gross[g] == 0 && x != 0) ++count;
            net[g] += x;
            gross[g] += SignedMath.abs(x);
        }
        GroupRisk[] memory result = new GroupRisk[](count);
        uint256 next = 0;
        for (uint256 g = 0; g < MAX_GROUPS; ++g) {
            if (gross[g] == 0) continue;
            result[next++] = GroupRisk({
                group: g,
                net: Fixed.divUp(SignedMath.abs(net[g]), PPM * WAD),
                floor: Fixed.divUp(gross[g] * groups.hedgeFloor(g), PPM * PPM * WAD)
            });
        }
        return result;
    }

    /// @dev Whether some basket may be liquidated: unhealthy, sequencer settled, and something of it can be closed.
    function _liquidatable(
        AccountState memory state,
        Exposure[] memory exposures,
        Conditions conditions,
        Terms memory better,
        GlobalParameters globals
    ) private pure returns (bool) {
        if (!conditions.sequencerSettled()) return false;
        // Nothing left but debt: it is booked.
        if ((state.positions | state.collaterals) == 0) return state.cash < 0 && state.pending == 0;
        if (better.equity > int256(better.maintenance(globals))) return false;
        for (uint256 i = 0; i < exposures.length; ++i) {
            if (exposures[i].price.liquidatable()) return true;
        }
        return false;
    }

    // ---------------------------------------------------------------- health

    /// @inheritdoc ILens
    function health(AccountId[] calldata ids) external view returns (Health[] memory result) {
        (GlobalParameters globals, GroupParameters groups, ) = clearingHouse.globals();
        result = new Health[](ids.length);
        for (uint256 i = 0; i < ids.length; ++i) {
            (AccountState memory state, Exposure[] memory exposures, Conditions conditions) = clearingHouse.snapshot(
                ids[i]
            );
            Terms memory terms = Risk.assess(exposures, state.cash, groups, block.timestamp, false);
            result[i] = Health({
                equity: terms.equity,
                maintenance: terms.maintenance(globals),
                initial: terms.initial(),
                liquidatable: _liquidatable(state, exposures, conditions, terms, globals)
            });
        }
    }

    // ---------------------------------------------------------------- liquidation price

    /// @inheritdoc ILens
    /// @dev E − R_M is concave along one price: E is linear in it and R_M convex. So the healthy prices are one interval,
    /// and bisection from inside it finds each end exactly.
    function liquidationPrices(AccountId id, uint256 asset) external view returns (uint256 below, uint256 above) {
        Margin memory margin;
        AccountState memory state;
        (state, margin.exposures, ) = clearingHouse.snapshot(id);
        (margin.globals, margin.groups, ) = clearingHouse.globals();
        margin.cash = state.cash;
        for (margin.place = 0; margin.place < margin.exposures.length; ++margin.place) {
            if (margin.exposures[margin.place].asset == asset) break;
        }
        if (margin.place == margin.exposures.length) return (0, type(uint96).max);

        uint256 current = margin.exposures[margin.place].price.last();
        if (!_healthyAt(margin, current)) return (current, current);
        below = _healthyAt(margin, 0) ? 0 : _edge(margin, current, 0);
        above = _healthyAt(margin, type(uint96).max) ? type(uint96).max : _edge(margin, current, type(uint96).max);
    }

    struct Margin {
        Exposure[] exposures;
        uint256 place; // of the asset whose price varies
        int256 cash;
        GlobalParameters globals;
        GroupParameters groups;
    }

    function _healthyAt(Margin memory margin, uint256 price) private view returns (bool) {
        Exposure memory e = margin.exposures[margin.place];
        e.price = toPrice({
            last_: price,
            spread_: 0,
            refusal_: Refusal.None,
            settling_: false,
            dead_: false,
            updatedAt_: e.price.updatedAt()
        });
        Terms memory terms = Risk.assess(margin.exposures, margin.cash, margin.groups, block.timestamp, false);
        return terms.equity > int256(terms.maintenance(margin.globals));
    }

    /// @dev The price nearest to `inside` on the way to `outside` at which the account is not healthy.
    function _edge(Margin memory margin, uint256 inside, uint256 outside) private view returns (uint256) {
        while (inside > outside ? inside - outside > 1 : outside - inside > 1) {
            uint256 middle = (inside + outside) / 2;
            if (_healthyAt(margin, middle)) inside = middle;
            else outside = middle;
        }
        return outside;
    }

    // ---------------------------------------------------------------- preview

    /// @inheritdoc ILens
    function preview(AccountId id, Leg[] calldata legs, bool reduceOnly) external returns (Preview memory result) {
        Leg[] memory priced = legs;
        for (uint256 i = 0; i < priced.length; ++i) {
            (, Price[] memory prices) = clearingHouse.oracle().peek(1 << priced[i].asset, false);
            priced[i].price = prices[0].last();
        }
        try clearingHouse.simulate(id, priced, reduceOnly) {
            assert(false); // simulate always reverts
        } catch (bytes memory reason) {
            if (bytes4(reason) != IClearingHouse.Simulated.selector) {
                result.refusal = reason;
                return result;
            }
            assembly ("memory-safe") {
                // Drops the selector: the length moves up by four bytes.
                mstore(add(reason, 4), sub(mload(reason), 4))
                reason := add(reason, 4)
            }
            Terms memory terms;
            (result.fills, result.cash, terms, result.initial, result.maintenance) = abi.decode(
                reason,
                (FillResult[], int256, Terms, uint256, uint256)
            );
            result.initialEquity = terms.weighted;
            result.accepted = true;
        }
    }

    // ---------------------------------------------------------------- markets and pool

    /// @inheritdoc ILens
    function market(uint256 asset) external view returns (MarketView memory result) {
        (, SizeParameters sizes, TradeParameters trade) = clearingHouse.parametersOf(asset);
        (, Price[] memory prices) = clearingHouse.oracle().peek(1 << asset, false);
        Funding funding;
        (result.longSize, result.longQuote, result.shortSize, result.shortQuote, funding) = clearingHouse.marketOf(
            asset
        );
        result.price = prices[0].last();
        result.refusal = prices[0].refusal();
        funding = funding.accrued(trade.maxFundingRate(), result.price, block.timestamp);
        result.status = sizes.status();
        result.fundingRate = funding.rate();
        result.fundingVelocity = funding.velocity();
        result.fundingIndex = funding.index();
        result.depth = sizes.depth();
        (, , , , int256 mark, ) = clearingHouse.balances();
        uint256 share =
            mark > 0 && result.price != 0
                ? Fixed.mulDivDown(uint256(mark) * sizes.openInterestShare(), WAD, result.price * PPM)
                : 0;
        result.openInterestCap = Math.min(sizes.openInterestCap(), share);
        result.skewCap = trade.skewCap();
        result.takerFee = trade.takerFee();
        result.makerFee = trade.makerFee();
    }

    /// @inheritdoc ILens
    function poolEquity() external view returns (int256 equity, bool live) {
        live = true;
        (int256 base, uint256 debts, , , , ) = clearingHouse.balances();
        equity = base + int256(debts);
        (uint256 assets, ) = clearingHouse.listed();
        for (uint256 asset = 0; asset < assets; ++asset) {
            (uint256 longSize, int256 longQuote, uint256 shortSize, int256 shortQuote, Funding funding) = clearingHouse
                .marketOf(asset);
            if (longSize == 0 && shortSize == 0) continue;
            (, SizeParameters sizes, TradeParameters trade) = clearingHouse.parametersOf(asset);
            (, Price[] memory prices) = clearingHouse.oracle().peek(1 << asset, false);
            if (!prices[0].live()) live = false;
            uint256 price = prices[0].last();
            int256 net = int256(price) - funding.accrued(trade.maxFundingRate(), price, block.timestamp).index();
            equity -= Pricing.sideValueCeil(int256(longSize), longQuote, net);
            equity -= Pricing.sideValueCeil(-int256(shortSize), shortQuote, net);
            equity -= int256(Pricing.heldPremiumUp(int256(longSize) - int256(shortSize), price, sizes.depth()));
        }
    }
}
