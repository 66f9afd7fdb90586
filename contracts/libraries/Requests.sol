// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {ILiquidityPool, MAX_WAITING_BATCHES} from "../interfaces/ILiquidityPool.sol";
import {Fixed} from "./Fixed.sol";

/// @notice What the requests of a batch put in, and what they have got for it. A deposit puts token units in and gets
/// shares; a redemption puts shares in and gets token units.
struct Tally {
    // slot 0
    uint128 requested; // put in
    uint128 settled; // of it
    // slot 1
    uint128 due; // got for what is settled
}

/// @notice The part of one controller in a batch.
struct Request {
    // slot 0
    uint128 requested;
    uint128 claimed; // of what is settled of it
    // slot 1
    uint128 received; // of what is due for it
}

/// @notice All requests in one direction.
struct RequestBook {
    mapping(uint256 batch => Tally) tallies;
    mapping(address controller => mapping(uint256 batch => Request)) requests;
    // Batches with something left to claim, the oldest in the lowest 32 bits: one an hour fits for 490,000 years.
    mapping(address controller => uint256 batches) waiting;
}

/// @notice Requests in batches, in either direction. The share of a request in what its batch has got is pro rata and
/// rounded down as a whole, over all settlements of the batch and all claims, so that the claims of a batch never exceed
/// what it has got:
///
///     put of a request = floor( requested·settled of the batch / requested of the batch ) − claimed
///     due to a request = floor( requested·due to the batch / requested of the batch ) − received
library Requests {
    using SafeCast for uint256;

    /// @dev Bits of a batch number in the list of a controller.
    uint256 private constant LANE = 32;

    /// @notice Adds `amount` to the request of `controller` in `batch`, which no batch of the book is newer than.
    function add(RequestBook storage book, address controller, uint256 batch, uint256 amount) internal {
        Request storage request = book.requests[controller][batch];
        if (request.requested == 0) {
            uint256 waiting = book.waiting[controller];
            uint256 count = waiting == 0 ? 0 : Math.log2(waiting) / LANE + 1;
            require(count < MAX_WAITING_BATCHES, ILiquidityPool.TooManyWaitingBatches(controller, MAX_WAITING_BATCHES));
            book.waiting[controller] = waiting | (batch << (count * LANE));
        }
        request.requested += amount.toUint128();
        book.tallies[batch].requested += amount.toUint128();
    }

    /// @notice Settles `put` of what is requested in `batch` for `due`.
    function settle(RequestBook storage book, uint256 batch, uint256 put, uint256 due) internal {
        Tally storage tally = book.tallies[batch];
        tally.settled += put.toUint128();
        tally.due += due.toUint128();
    }

    /// @notice What is not settled of `batch`.
    function unsettled(RequestBook storage book, uint256 batch) internal view returns (uint256) {
        Tally storage tally = book.tallies[batch];
        return tally.requested - tally.settled;
    }

    /// @notice What `controller` has put into `batch` that is not settled.
    function pendingOf(RequestBook storage book, uint256 batch, address controller) internal view returns (uint256) {
        Request storage request = book.requests[controller][batch];
        (uint256 put, ) = _claimable(book.tallies[batch], request);
        return request.requested - request.claimed - put;
    }

    /// @notice What `controller` can claim of `batch`: `due` for `put`.
    function claimableOf(
        RequestBook storage book,
        uint256 batch,
        address controller
    ) internal view returns (uint256 put, uint256 due) {
        return _claimable(book.tallies[batch], book.requests[controller][batch]);
    }

    /// @notice What `controller` can claim of all its batches together.
    /// @param limit Of `due`; `put` is rounded down where it binds.
    function claimable(
        RequestBook storage book,
        address controller,
        uint256 limit
    ) internal view returns (uint256 put, uint256 due) {
        for (uint256 waiting = book.waiting[controller]; waiting != 0; waiting >>= LANE) {
            (uint256 batchPut, uint256 batchDue) = claimableOf(book, uint32(waiting), controller);
            if (batchPut == 0) break;
            if (batchDue > limit - due) return (put + Fixed.mulDivDown(batchPut, limit - due, batchDue), limit);
            put += batchPut;
            due += batchDue;
        }
    }

    /// @notice Claims what is due for `put`, oldest batch first, rounded down in each.
    function claim(RequestBook storage book, address controller, uint256 put) internal returns (uint256 due) {
        uint256 left = put;
        uint256 waiting = book.waiting[controller];
        while (left != 0 && waiting != 0) {
            (uint256 batchPut, uint256 batchDue) = claimableOf(book, uint32(waiting), controller);
            // Batches are settled in order: after one that is not, none is.
            if (batchPut == 0) break;
            uint256 part = Math.min(left, batchPut);
            uint256 dueForPart = Fixed.mulDivDown(batchDue, part, batchPut);
            waiting = _take(book, controller, waiting, part, dueForPart);
            left -= part;
            due += dueForPart;
        }
        require(left == 0, ILiquidityPool.BeyondClaimable(controller, put, put - left));
    }

    /// @notice Claims exactly `due` for as little as it takes, oldest batch first, rounded up in each.
    function claimExactly(RequestBook storage book, address controller, uint256 due) internal returns (uint256 put) {
        uint256 left = due;
        uint256 waiting = book.waiting[controller];
        while (left != 0 && waiting != 0) {
            (uint256 batchPut, uint256 batchDue) = claimableOf(book, uint32(waiting), controller);
            if (batchPut == 0) break;
            uint256 part = Math.min(left, batchDue);
            // A batch that got nothing for dust is gone through.
            uint256 putForPart = part == batchDue ? batchPut : Fixed.mulDivUp(batchPut, part, batchDue);
            waiting = _take(book, controller, waiting, putForPart, part);
            left -= part;
            put += putForPart;
        }
        require(left == 0, ILiquidityPool.BeyondClaimable(controller, due, due - left));
    }

    /// @notice Books a claim in the oldest batch of a list.
    /// @return The list without the batch if nothing of it is left. Otherwise nothing more can be claimed now: either
    /// the claim has what it wants, or the batch is not settled to its end.
    function _take(
        RequestBook storage book,
        address controller,
        uint256 waiting,
        uint256 put,
        uint256 due
    ) private returns (uint256) {
        uint256 batch = uint32(waiting);
        Request storage request = book.requests[controller][batch];
        uint256 claimed = request.claimed + put;
        if (claimed != request.requested) {
            request.claimed = uint128(claimed);
            request.received += uint128(due);
            return waiting;
        }
        delete book.requests[controller][batch];
        waiting >>= LANE;
        book.waiting[controller] = waiting;
        return waiting;
    }

    function _claimable(Tally storage tally, Request storage request) private view returns (uint256 put, uint256 due) {
        uint256 requested = request.requested;
        if (requested == 0) return (0, 0);
        uint256 total = tally.requested;
        put = Fixed.mulDivDown(requested, tally.settled, total) - request.claimed;
        due = Fixed.mulDivDown(requested, tally.due, total) - request.received;
    }
}
