// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IClearingHouse, MAX_ASSETS} from "../interfaces/IClearingHouse.sol";
import {AccountId} from "../types/AccountId.sol";
import {AccountPacking, AccountState} from "../types/AccountState.sol";
import {RiskParameters, SizeParameters, TradeParameters} from "../types/AssetParameters.sol";
import {Funding, NO_FUNDING} from "../types/Funding.sol";
import {MarketSide} from "../types/MarketSide.sol";
import {OperatorGrant} from "../types/OperatorGrant.sol";
import {NO_POSITION, Position} from "../types/Position.sol";
import {Price} from "../types/Price.sol";
import {ParameterTable} from "./ParameterTable.sol";
import {Exposure} from "./Risk.sol";

struct Market {
    MarketSide long;
    MarketSide short;
    Funding funding;
}

/// @notice Everything that the clearing house keeps. One struct, so that its external libraries work on the same books.
struct BooksStorage {
    // slot 0
    address table; // parameters, see ParameterTable
    uint8 assets; // listed so far
    uint8 tokens;
    // slot 1
    int128 base; // the pool's free liquidity, WAD
    uint128 debts; // Σ −cash over accounts with negative cash, WAD
    // slot 2
    uint128 insurance; // WAD
    uint128 protocolFees; // WAD
    // slot 3
    int128 markValue; // the pool's equity at markTime, WAD
    uint40 markTime;
    mapping(AccountId account => uint256 word) accounts;
    mapping(AccountId account => mapping(uint256 asset => Position)) positions;
    mapping(AccountId account => mapping(uint256 token => uint256 amount)) collateral;
    mapping(uint256 asset => Market) markets;
    mapping(AccountId account => mapping(address operator => OperatorGrant)) operators;
}

/// @notice Changes of the pool's and the reserves' balances within one action, written once at its end.
/// @dev Σ positive cash + base + insurance + protocolFees + escrows = tokens, so every change of cash names its
/// counterpart here, and what an account's debt changes by is lent out of base.
struct Flow {
    int256 base;
    int256 debts;
    int256 insurance;
    int256 protocolFees;
}

/// @notice Loading and writing of the books.
library Books {
    using AccountPacking for uint256;
    using ParameterTable for address;
    using SafeCast for int256;
    using SafeCast for uint256;

    function stateOf(BooksStorage storage books, AccountId account) internal view returns (AccountState memory) {
        return books.accounts[account].unpack();
    }

    function store(BooksStorage storage books, AccountId account, AccountState memory state) internal {
        books.accounts[account] = state.pack();
    }

    /// @notice Bitmap of the assets that an account holds, as positions or as collateral.
    function assetsOf(BooksStorage storage books, AccountState memory state) internal view returns (uint256 assets) {
        assets = state.positions;
        if (state.collaterals != 0) {
            address table = books.table;
            for (uint256 bits = state.collaterals; bits != 0; bits &= bits - 1) {
                assets |= 1 << table.collateral(lowestBit(bits)).asset();
            }
        }
    }

    /// @notice The exposures of an account in `assets`, ascending, with funding accrued to now at each last price.
    /// @param assets Holds at least `assetsOf(state)`.
    /// @param prices One for each bit of `assets`, ascending.
    function exposuresOf(
        BooksStorage storage books,
        AccountId account,
        AccountState memory state,
        uint256 assets,
        Price[] memory prices
    ) internal view returns (Exposure[] memory exposures) {
        address table = books.table;
        exposures = _allocate(prices.length);
        mapping(uint256 asset => Position) storage positions = books.positions[account];
        for (uint256 i = 0; i < prices.length; ++i) {
            uint256 asset = lowestBit(assets);
            (RiskParameters risk, SizeParameters sizes, TradeParameters trade) = table.asset(asset);
            bool open = (state.positions >> asset) & 1 != 0;
            Position position = open ? positions[asset] : NO_POSITION;
            Exposure memory e = Exposure({
                asset: asset,
                price: prices[i],
                size: position.size(),
                quote: position.quote(),
                collateral: 0,
                funding: NO_FUNDING,
                risk: risk,
                sizes: sizes,
                trade: trade
            });
            exposures[i] = e;
            if (open) accrue(books, e);
            assets = withoutLowestBit(assets);
        }
        for (uint256 bits = state.collaterals; bits != 0; bits &= bits - 1) {
            uint256 token = lowestBit(bits);
            find(exposures, table.collateral(token).asset()).collateral += books.collateral[account][token];
        }
    }

    /// @notice Loads the funding of an exposure's market, accrued to now at its last price.
    function accrue(BooksStorage storage books, Exposure memory e) internal view {
        e.funding = books.markets[e.asset].funding.accrued(e.trade.maxFundingRate(), e.price.last(), block.timestamp);
    }

    /// @notice The exposure to `asset`, which must be among them.
    function find(Exposure[] memory exposures, uint256 asset) internal pure returns (Exposure memory) {
        for (uint256 i = 0; i < exposures.length; ++i) {
            Exposure memory e = exposures[i];
            if (e.asset == asset) return e;
        }
        revert IClearingHouse.UnknownMarket(asset);
    }

    /// @notice Cash after `delta`; `flow` takes up the change of debt. The counterpart of `delta` is the caller's to book.
    function moveCash(Flow memory flow, int256 cash, int256 delta) internal pure returns (int256 moved) {
        moved = cash + delta;
        if (cash >= 0 && moved >= 0) return moved;
        int256 borrowed = (moved < 0 ? -moved : int256(0)) - (cash < 0 ? -cash : int256(0));
        flow.debts += borrowed;
        flow.base -= borrowed;
    }

    /// @notice Adds `delta` to the cash of an account in storage; its counterpart is the caller's to book.
    function pay(BooksStorage storage books, Flow memory flow, AccountId account, int256 delta) internal {
        if (delta == 0) return;
        uint256 word = books.accounts[account];
        int256 cash = moveCash(flow, int112(int256(word)), delta);
        books.accounts[account] = (word & ~uint256(type(uint112).max)) | uint112(cash.toInt112());
    }

    /// @notice Writes the balances that changed.
    function flush(BooksStorage storage books, Flow memory flow) internal {
        if (flow.base != 0 || flow.debts != 0) {
            books.base = (books.base + flow.base).toInt128();
            books.debts = (uint256(books.debts).toInt256() + flow.debts).toUint256().toUint128();
        }
        if (flow.insurance != 0 || flow.protocolFees != 0) {
            books.insurance = (uint256(books.insurance).toInt256() + flow.insurance).toUint256().toUint128();
            books.protocolFees = (uint256(books.protocolFees).toInt256() + flow.protocolFees).toUint256().toUint128();
        }
    }

    function requireFewAssets(uint256 assets) internal pure {
        uint256 count = 0;
        for (uint256 bits = assets; bits != 0; bits = withoutLowestBit(bits)) ++count;
        require(count <= MAX_ASSETS, IClearingHouse.TooManyAssets(count, MAX_ASSETS));
    }

    /// @dev As `new`, but does not create the elements: the caller sets each before it is read.
    function _allocate(uint256 length) private pure returns (Exposure[] memory exposures) {
        assembly ("memory-safe") {
            exposures := mload(0x40)
            mstore(exposures, length)
            mstore(0x40, add(add(exposures, 0x20), shl(5, length)))
        }
    }

    function withoutLowestBit(uint256 bits) internal pure returns (uint256) {
        unchecked {
            return bits & (bits - 1);
        }
    }

    /// @notice Index of the lowest bit of `bits`, which is not 0.
    /// @dev CLZ is an instruction since Osaka (EIP-7939); the loop over an account's assets runs on it.
    function lowestBit(uint256 bits) internal pure returns (uint256 index) {
        assembly ("memory-safe") {
            index := sub(255, clz(and(bits, sub(0, bits))))
        }
    }
}
