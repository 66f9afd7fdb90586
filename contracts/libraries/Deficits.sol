// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IClearingHouse, UNATTRIBUTED} from "../interfaces/IClearingHouse.sol";
import {AccountId} from "../types/AccountId.sol";
import {AccountState} from "../types/AccountState.sol";
import {TradeParameters} from "../types/AssetParameters.sol";
import {BooksStorage, Bucket, Flow} from "./Books.sol";
import {Fixed} from "./Fixed.sol";
import {ParameterTable} from "./ParameterTable.sol";

/// @notice Who bears what an account could not pay.
library Deficits {
    using ParameterTable for address;
    using SafeCast for int256;
    using SafeCast for uint256;

    /// @dev A bucket that is full has leaked away after so long.
    uint256 internal constant PERIOD = 1 days;

    /// @notice Forgives the debt of an account that has nothing left: insurance pays what it has, up to the room in the
    /// bucket of the market that caused it; the rest is the pool's.
    /// @param state With negative cash; afterwards with none. @param market An asset, or UNATTRIBUTED.
    function book(
        BooksStorage storage books,
        Flow memory flow,
        AccountId account,
        AccountState memory state,
        uint256 market
    ) internal returns (uint256 deficit) {
        deficit = uint256(-state.cash);
        uint256 fromInsurance = take(books, flow, market, deficit);
        // The debt is gone with the account's shares: what insurance does not pay, the pool has lent for nothing.
        state.cash = 0;
        flow.base += int256(fromInsurance);
        if (fromInsurance < deficit) lose(books, deficit - fromInsurance);
        unflag(books, account);
        emit IClearingHouse.DeficitBooked(account, market, deficit, fromInsurance);
    }

    /// @notice Takes up to `wished` out of insurance, as far as it has it and the bucket of the market has room.
    /// @param market An asset, or UNATTRIBUTED.
    function take(
        BooksStorage storage books,
        Flow memory flow,
        uint256 market,
        uint256 wished
    ) internal returns (uint256 taken) {
        uint256 left = (uint256(books.insurance).toInt256() + flow.insurance).toUint256();
        taken = Math.min(Math.min(wished, left), roomDown(books, market));
        if (taken == 0) return 0;
        Bucket storage bucket = books.buckets[market];
        bucket.level = (_levelUp(books, market) + taken).toUint128();
        bucket.time = uint40(block.timestamp);
        flow.insurance -= int256(taken);
    }

    /// @notice Adds to what the pool has borne for others.
    function lose(BooksStorage storage books, uint256 amount) internal {
        books.uncoveredDeficits = (books.uncoveredDeficits + amount).toUint128();
    }

    /// @notice Records that an account was found insolvent. @param equity E, WAD.
    function flag(BooksStorage storage books, AccountId account, int256 equity) internal {
        books.insolventSince[account] = block.timestamp;
        ++books.pendingLosses;
        emit IClearingHouse.Insolvent(account, equity);
    }

    /// @notice Forgets that an account was found insolvent.
    function unflag(BooksStorage storage books, AccountId account) internal returns (bool flagged) {
        flagged = books.insolventSince[account] != 0;
        if (!flagged) return false;
        books.insolventSince[account] = 0;
        --books.pendingLosses;
        emit IClearingHouse.InsolvencyCleared(account);
    }

    /// @notice What insurance would still pay for a market now, WAD.
    function roomDown(BooksStorage storage books, uint256 market) internal view returns (uint256) {
        uint256 cap = capOf(books, market);
        uint256 level = _levelUp(books, market);
        return cap > level ? cap - level : 0;
    }

    /// @notice What insurance pays for a market within a day, WAD.
    function capOf(BooksStorage storage books, uint256 market) internal view returns (uint256) {
        if (market == UNATTRIBUTED) return books.table.money().unattributedCap();
        (, , TradeParameters trade) = books.table.asset(market);
        return trade.insuranceCap();
    }

    function _levelUp(BooksStorage storage books, uint256 market) private view returns (uint256) {
        Bucket storage bucket = books.buckets[market];
        uint256 leaked = Fixed.mulDivDown(capOf(books, market), block.timestamp - bucket.time, PERIOD);
        return bucket.level > leaked ? bucket.level - leaked : 0;
    }
}
