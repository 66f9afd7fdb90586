// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {IClearingHouse, SETTLEMENT, UNATTRIBUTED} from "./interfaces/IClearingHouse.sol";
import {ILens, ILiquidationFinder, LiquidationPlan} from "./interfaces/ILens.sol";
import {MAX_TOKENS} from "./interfaces/IVault.sol";
import {Books} from "./libraries/Books.sol";
import {Fixed, WAD} from "./libraries/Fixed.sol";
import {LiquidationSearch} from "./libraries/LiquidationSearch.sol";
import {Exposure, Risk, Terms} from "./libraries/Risk.sol";
import {AccountId} from "./types/AccountId.sol";
import {AccountState} from "./types/AccountState.sol";
import {Conditions} from "./types/Conditions.sol";
import {CollateralParameters} from "./types/GlobalParameters.sol";

/// @title LiquidationFinder
/// @notice The part of `Lens` that searches. The lens deploys it and passes calls on.
contract LiquidationFinder is ILiquidationFinder {
    IClearingHouse public immutable clearingHouse;
    ILens public immutable lens;

    constructor(IClearingHouse clearingHouse_, ILens lens_) {
        clearingHouse = clearingHouse_;
        lens = lens_;
    }

    /// @inheritdoc ILiquidationFinder
    function leastReduction(AccountId id, uint256 asset) external view returns (LiquidationPlan memory plan) {
        (bool liquidatable, LiquidationSearch.Case memory c) = _caseOf(id);
        if (!liquidatable) return plan;
        for (uint256 i = 0; i < c.parts.length; ++i) {
            LiquidationSearch.Part memory part = c.parts[i];
            if (part.token != SETTLEMENT || c.exposures[part.place].asset != asset) continue;
            return LiquidationSearch.leastOf(c, i);
        }
    }

    /// @inheritdoc ILiquidationFinder
    function leastSlice(AccountId id) external view returns (LiquidationPlan memory plan) {
        (bool liquidatable, LiquidationSearch.Case memory c) = _caseOf(id);
        if (liquidatable) plan = LiquidationSearch.leastSlice(c);
    }

    function _caseOf(AccountId id) private view returns (bool liquidatable, LiquidationSearch.Case memory c) {
        AccountId[] memory ids = new AccountId[](1);
        ids[0] = id;
        if (!lens.health(ids)[0].standing.liquidatable) return (false, c);
        AccountState memory state;
        (state, c.exposures, ) = clearingHouse.snapshot(id);
        (c.globals, c.groups, c.money) = clearingHouse.globals();
        // While an order is pending no debt is forgiven, so that nothing but values depend on what is cash of it.
        (c.cash, c.pending) = (state.cash + int256(state.escrow), state.pending != 0);
        Terms memory terms = Risk.assess(c.exposures, c.cash, c.groups, block.timestamp, false);
        (c.equity, c.maintenance) = (terms.equity, terms.maintenance(c.globals));
        (Conditions conditions, ) = clearingHouse.oracle().peek(0, true);
        c.divisor = Math.min(WAD, conditions.settlementPrice());
        c.insurance = clearingHouse.ledger().insurance;
        (c.room, ) = clearingHouse.insuranceRoomOf(UNATTRIBUTED);
        uint256 count = c.exposures.length;
        (c.sizes, c.quotes) = (new int256[](count), new int256[](count));
        (c.collaterals, c.skews) = (new uint256[](count), new int256[](count));
        for (uint256 i = 0; i < count; ++i) {
            Exposure memory e = c.exposures[i];
            (c.sizes[i], c.quotes[i], c.collaterals[i]) = (e.size, e.quote, e.collateral);
            if (e.size == 0) continue;
            (uint256 longSize, , uint256 shortSize, , ) = clearingHouse.marketOf(e.asset);
            c.skews[i] = int256(longSize) - int256(shortSize);
        }
        _findParts(id, state, c);
        return (true, c);
    }

    /// @dev All that may be closed now: positions in the order of assets, then tokens.
    function _findParts(AccountId id, AccountState memory state, LiquidationSearch.Case memory c) private view {
        LiquidationSearch.Part[] memory parts = new LiquidationSearch.Part[](c.exposures.length + MAX_TOKENS);
        uint256 count = 0;
        for (uint256 i = 0; i < c.exposures.length; ++i) {
            Exposure memory e = c.exposures[i];
            if (e.size == 0 || !e.price.liquidatable()) continue;
            parts[count++] = LiquidationSearch.Part({
                place: i,
                token: SETTLEMENT,
                size: SignedMath.abs(e.size),
                lot: e.trade.lot(),
                least: Fixed.mulDivUp(c.money.minNotional(), WAD, e.price.last()),
                discount: 0
            });
        }
        uint256 tokens = c.divisor == 0 ? 0 : state.collaterals;
        for (; tokens != 0; tokens = Books.withoutLowestBit(tokens)) {
            uint256 token = Books.lowestBit(tokens);
            CollateralParameters parameters = clearingHouse.collateralParametersOf(token);
            uint256 place = 0;
            while (c.exposures[place].asset != parameters.asset()) ++place;
            if (!c.exposures[place].price.liquidatable()) continue;
            parts[count++] = LiquidationSearch.Part({
                place: place,
                token: token,
                size: clearingHouse.collateralOf(id, token),
                lot: parameters.saleLot(),
                least: 0,
                discount: parameters.saleDiscount()
            });
        }
        assembly ("memory-safe") {
            // Fewer than there is room for.
            mstore(parts, count)
        }
        c.parts = parts;
    }
}
