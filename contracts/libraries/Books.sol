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
import {MarketWatch} from "../types/MarketWatch.sol";
import {Price} from "../types/Price.sol";
import {SideIndex} from "../types/SideIndex.sol";
import {Interest} from "./Interest.sol";
import {ParameterTable} from "./ParameterTable.sol";
import {Exposure} from "./Risk.sol";
import {Sides} from "./Sides.sol";

struct Market {
    MarketSide long;
    MarketSide short;
    Funding funding;
    // Read only where the funding word says that the side has an index.
    SideIndex longIndex;
    SideIndex shortIndex;
    MarketWatch watch;
    SideIndex former; // before the deleveraging whose grace runs
    mapping(bool long => mapping(uint256 epoch => SideIndex)) closed; // at which each epoch ended
}

/// @notice What insurance has paid of late for one market: `level` leaks away within a day.
struct Bucket {
    uint128 level; // WAD
    uint40 time;
}

/// @notice Collateral that has passed to the insurance account.
struct Seizure {
    uint128 owed; // advanced by the pool for it, WAD
    uint40 since; // when the last of it came
}

/// @notice Everything that the clearing house keeps. One struct, so that its external libraries work on the same books.
struct BooksStorage {
    // slot 0
    address table; // parameters, see ParameterTable
    uint8 assets; // listed so far
    uint8 tokens;
    bool paused; // no order may raise a requirement
    // slot 1
    int128 base; // the pool's free liquidity, WAD
    uint128 debts; // Σ shares of accounts with negative cash
    // slot 2
    uint112 insurance; // WAD
    uint104 protocolFees; // WAD
    uint40 debtTime; // when debtIndex was valid
    // slot 3
    int128 markValue; // the pool's equity at markTime, WAD
    uint40 markTime;
    uint88 debtIndex; // WAD of debt for WAD of shares
    // slot 4
    int128 closedValue; // owed to positions of sides closed whole that have not become cash yet, WAD
    uint32 pendingLosses; // accounts that were found insolvent and are not wound up yet
    uint32 flaggedMarkets; // to be deleveraged
    // slot 5
    uint128 seizedOwed; // advanced by the pool for seized collateral, WAD
    uint128 uncoveredDeficits; // what the pool has borne for others so far, WAD
    mapping(AccountId account => uint256 word) accounts;
    mapping(AccountId account => mapping(uint256 asset => Position)) positions;
    mapping(AccountId account => mapping(uint256 token => uint256 amount)) collateral;
    mapping(uint256 asset => Market) markets;
    mapping(AccountId account => mapping(address operator => OperatorGrant)) operators;
    mapping(uint256 asset => Bucket) buckets;
    mapping(AccountId account => uint256 time) insolventSince;
    mapping(uint256 token => Seizure) seizures;
    // Of all pending orders, WAD; left as it was, and without a meaning, where none is pending.
    mapping(AccountId account => uint256 amount) escrows;
    // Of parameters that move by steps: when they last did, unix seconds.
    mapping(bytes32 name => mapping(uint256 index => uint256 time)) changedAt;
}

/// @notice Changes of the pool's and the reserves' balances within one action, written once at its end.
/// @dev Σ positive cash + base + insurance + protocolFees + escrows = tokens, so every change of cash names its
/// counterpart here, and what an account's debt changes by is lent out of base; its shares follow when it is stored.
struct Flow {
    int256 base;
    int256 shares;
    int256 insurance;
    int256 protocolFees;
}

/// @notice Loading and writing of the books.
library Books {
    using AccountPacking for uint256;
    using ParameterTable for address;
    using SafeCast for int256;
    using SafeCast for uint256;

    /// @notice The account, its debt with the interest up to now.
    function stateOf(BooksStorage storage books, AccountId account) internal view returns (AccountState memory state) {
        state = books.accounts[account].unpack();
        if (state.cash < 0) {
            state.shares = uint256(-state.cash);
            state.cash = -int256(Interest.debtUp(state.shares, debtIndexNow(books)));
        }
    }

    /// @notice The same with what its pending orders hold in escrow. It is the account's until they end: without it an
    /// order would make its owner look poorer than it is.
    function fullStateOf(
        BooksStorage storage books,
        AccountId account
    ) internal view returns (AccountState memory state) {
        state = stateOf(books, account);
        if (state.pending != 0) state.escrow = books.escrows[account];
    }

    /// @notice Adds to the escrow. @param first No other order is pending.
    function putInEscrow(BooksStorage storage books, AccountId account, uint256 amount, bool first) internal {
        books.escrows[account] = first ? amount : books.escrows[account] + amount;
    }

    /// @notice Takes from it. @param last No other order is left.
    function takeFromEscrow(BooksStorage storage books, AccountId account, uint256 amount, bool last) internal {
        // Not cleared: the next order overwrites it, for less than a new slot costs.
        if (!last) books.escrows[account] -= amount;
    }

    /// @notice Writes the account; what its shares of debt change by goes to `flow`.
    function store(
        BooksStorage storage books,
        AccountId account,
        AccountState memory state,
        Flow memory flow
    ) internal {
        int256 cash = state.cash;
        uint256 shares = state.shares;
        if (cash < 0) {
            uint256 index = debtIndexNow(books);
            // A debt that has not changed keeps its shares: rounding them up at each touch would cost its owner.
            if (Interest.debtUp(shares, index) != uint256(-cash)) shares = Interest.sharesUp(uint256(-cash), index);
            books.accounts[account] = state.pack(-shares.toInt256());
        } else {
            shares = 0;
            books.accounts[account] = state.pack(cash);
        }
        flow.shares += int256(shares) - int256(state.shares);
        state.shares = shares;
    }

    /// @notice What a share of debt stands for now, WAD.
    function debtIndexNow(BooksStorage storage books) internal view returns (uint256 index) {
        index = books.debtIndex;
        uint256 shares = books.debts;
        uint256 elapsed = block.timestamp - books.debtTime;
        if (shares == 0 || elapsed == 0) return index;
        uint256 utilisation = Interest.utilisationDown(books.base, Interest.lentDown(shares, index));
        return Interest.accruedDown(index, Interest.rateDown(utilisation, books.table.money()), elapsed);
    }

    /// @notice What all accounts owe the pool now, as the pool counts it.
    function lentNow(BooksStorage storage books) internal view returns (uint256) {
        return Interest.lentDown(books.debts, debtIndexNow(books));
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
                size: position.units(),
                quote: position.quote(),
                collateral: 0,
                funding: NO_FUNDING,
                risk: risk,
                sizes: sizes,
                trade: trade
            });
            exposures[i] = e;
            if (open) {
                accrue(books, e);
                if (e.funding.hasIndex(e.size > 0)) Sides.read(books.markets[asset], e, position.epoch());
            }
            assets = withoutLowestBit(assets);
        }
        for (uint256 bits = state.collaterals; bits != 0; bits &= bits - 1) {
            uint256 token = lowestBit(bits);
            find(exposures, table.collateral(token).asset()).collateral += books.collateral[account][token];
        }
    }

    /// @notice Turns positions of sides that have been closed whole into cash, in memory; the exposures stay.
    /// @return folded Bitmap of their assets. @return value What they became, WAD.
    function fold(
        AccountState memory state,
        Flow memory flow,
        Exposure[] memory exposures
    ) internal pure returns (uint256 folded, int256 value) {
        for (uint256 i = 0; i < exposures.length; ++i) {
            Exposure memory e = exposures[i];
            if (e.size != 0 || (state.positions >> e.asset) & 1 == 0) continue;
            folded |= 1 << e.asset;
            value += e.quote;
            e.quote = 0;
        }
        if (folded == 0) return (0, 0);
        state.positions ^= folded;
        state.cash = moveCash(flow, state.cash, value);
        flow.base -= value;
    }

    /// @notice `fold`, and forgets the positions. The caller stores the account.
    function foldClosed(
        BooksStorage storage books,
        AccountId account,
        AccountState memory state,
        Flow memory flow,
        Exposure[] memory exposures
    ) internal {
        (uint256 folded, int256 value) = fold(state, flow, exposures);
        if (folded == 0) return;
        books.closedValue = (books.closedValue - value).toInt128();
        emit IClearingHouse.PositionsClosed(account, folded, value);
        for (; folded != 0; folded = withoutLowestBit(folded)) {
            books.positions[account][lowestBit(folded)] = NO_POSITION;
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

    /// @notice Cash after `delta`; what of it is lent comes out of the pool's base. The counterpart of `delta` itself is
    /// the caller's to book.
    function moveCash(Flow memory flow, int256 cash, int256 delta) internal pure returns (int256 moved) {
        moved = cash + delta;
        if (cash >= 0 && moved >= 0) return moved;
        flow.base -= (moved < 0 ? -moved : int256(0)) - (cash < 0 ? -cash : int256(0));
    }

    /// @notice Adds `delta` to the cash of an account in storage; its counterpart is the caller's to book.
    function pay(BooksStorage storage books, Flow memory flow, AccountId account, int256 delta) internal {
        if (delta == 0) return;
        uint256 word = books.accounts[account];
        int256 cash = int112(int256(word));
        int256 moved = cash + delta;
        if (cash >= 0 && moved >= 0) {
            books.accounts[account] = (word & ~uint256(type(uint112).max)) | uint112(moved.toInt112());
            return;
        }
        AccountState memory state = stateOf(books, account);
        state.cash = moveCash(flow, state.cash, delta);
        store(books, account, state, flow);
    }

    /// @notice Writes the balances that changed. Interest up to now first: it depends on the balances until now.
    function flush(BooksStorage storage books, Flow memory flow) internal {
        if (flow.base != 0 || flow.shares != 0) {
            if (books.debts != 0 || flow.shares != 0) accrueInterest(books);
            books.base = (books.base + flow.base).toInt128();
            books.debts = (uint256(books.debts).toInt256() + flow.shares).toUint256().toUint128();
        }
        if (flow.insurance != 0 || flow.protocolFees != 0) {
            books.insurance = (uint256(books.insurance).toInt256() + flow.insurance).toUint256().toUint112();
            books.protocolFees = (uint256(books.protocolFees).toInt256() + flow.protocolFees).toUint256().toUint104();
        }
    }

    function accrueInterest(BooksStorage storage books) internal {
        if (books.debtTime == block.timestamp) return;
        uint256 index = debtIndexNow(books);
        if (index != books.debtIndex) books.debtIndex = index.toUint88();
        books.debtTime = uint40(block.timestamp);
    }

    /// @notice Reverts where what `flow` lends is not there: whoever borrows by choice may not empty the pool.
    function requireLiquidity(BooksStorage storage books, Flow memory flow) internal view {
        int256 base = books.base;
        uint256 taken = flow.base < 0 ? uint256(-flow.base) : 0;
        require(base + flow.base >= 0, IClearingHouse.InsufficientLiquidity(base, taken));
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
