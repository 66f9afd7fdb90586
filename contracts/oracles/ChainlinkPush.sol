// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AggregatorV3Interface} from "@chainlink/contracts/src/v0.8/shared/interfaces/AggregatorV3Interface.sol";

import {RoundHint} from "../interfaces/IOracle.sol";
import {FeedRound, NO_ROUND, PHASE_OFFSET, toFeedRound} from "../types/FeedRound.sol";
import {FeedKind, FeedSource} from "../types/FeedSource.sol";

/// @title ChainlinkPush
/// @notice The adapter of whatever answers as Chainlink's push feeds do: the latest round, a round by id, and the proof of
/// a settlement round.
/// @dev A feed call gets a fixed amount of gas, which is there or the transaction reverts: a starved call is thus never
/// taken for a dead feed. A call that fails with that much gas means that there is no such round.
library ChainlinkPush {
    /// @notice Gas of a feed call. The proxy in front of an OCR2 aggregator takes 17,000 cold.
    uint256 internal constant CALL_GAS = 120_000;
    /// @notice Gas that leaves `CALL_GAS` after the cold access and the 64th that a caller keeps (EIP-150).
    uint256 internal constant NEEDED_GAS = 126_000;
    /// @notice Most rounds between the hinted ones: ties, and rounds observed before the boundary but written after it.
    uint256 internal constant MAX_BETWEEN = 8;
    /// @notice What has been observed is written within so long, where rounds bear the time of their observation.
    uint256 internal constant OBSERVED_LAG = 1 hours;

    error InsufficientGas(uint256 available, uint256 needed);
    error WrongPhase(uint256 asset, uint256 expected, uint256 got);
    error RoundMissing(uint256 asset, uint256 round);
    /// @notice `round` is on the near side of the boundary; the hint puts it on the far side, or skips it.
    error HintTooEarly(uint256 asset, uint256 round, uint256 updatedAt, uint256 boundary);
    /// @notice `round` is on the far side of the boundary; the hint puts it on the near side, or skips it.
    error HintTooLate(uint256 asset, uint256 round, uint256 updatedAt, uint256 boundary);
    /// @notice The hinted round must follow the one before it.
    error HintDisordered(uint256 asset, uint256 before, uint256 round);
    error TooManyBetween(uint256 asset, uint256 before, uint256 round, uint256 maximum);
    /// @notice A later round has the same time, so that this one is not the last of them.
    error NotLastOfTies(uint256 asset, uint256 round, uint256 updatedAt);
    /// @notice A round with the same time may still come in this block.
    error RoundTooFresh(uint256 asset, uint256 updatedAt, uint256 timestamp);
    /// @notice The window, with the lag of a source that has one, is not over: a round may still come.
    error WindowOpen(uint256 asset, uint256 windowEnd, uint256 timestamp);
    /// @notice The hint says that there is no later round, and there is one.
    error RoundExists(uint256 asset, uint256 round);

    // ---------------------------------------------------------------- rounds

    /// @notice The latest round of the current phase; `NO_ROUND` if there is none or the feed fails.
    function latest(FeedSource source) internal view returns (FeedRound) {
        (bool ok, uint256 id, int256 answer, uint256 startedAt, uint256 updatedAt) = _call(
            source.proxy(),
            AggregatorV3Interface.latestRoundData.selector,
            0,
            4
        );
        return ok ? _toRound(source, id, answer, startedAt, updatedAt) : NO_ROUND;
    }

    /// @notice The round `id`; `NO_ROUND` if there is none (OCR2 answers zeros, others revert).
    function roundAt(FeedSource source, uint256 id) internal view returns (FeedRound) {
        (bool ok, uint256 id_, int256 answer, uint256 startedAt, uint256 updatedAt) = _call(
            source.proxy(),
            AggregatorV3Interface.getRoundData.selector,
            id,
            36
        );
        return ok && id_ == id ? _toRound(source, id, answer, startedAt, updatedAt) : NO_ROUND;
    }

    /// @notice The answer and the start of an uptime feed's state; not `ok` if it cannot be read.
    function uptime(address feed) internal view returns (bool ok, int256 answer, uint256 startedAt) {
        (ok, , answer, startedAt, ) = _call(feed, AggregatorV3Interface.latestRoundData.selector, 0, 4);
    }

    function _toRound(
        FeedSource source,
        uint256 id,
        int256 answer,
        uint256 startedAt,
        uint256 updatedAt
    ) private pure returns (FeedRound) {
        // Aggregators count in 32 bits; the state keeps 40.
        if (updatedAt == 0 || id > type(uint80).max || uint64(id) > type(uint40).max) return NO_ROUND;
        return toFeedRound(id, answer, source.decimals(), startedAt, updatedAt);
    }

    /// @dev In assembly because the result goes to scratch space of fixed size: no feed makes the caller pay for memory.
    function _call(
        address feed,
        bytes4 selector,
        uint256 argument,
        uint256 inputLength
    ) private view returns (bool ok, uint256 id, int256 answer, uint256 startedAt, uint256 updatedAt) {
        uint256 available = gasleft();
        if (available < NEEDED_GAS) revert InsufficientGas(available, NEEDED_GAS);
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mstore(buffer, selector)
            mstore(add(buffer, 4), argument)
            ok := staticcall(CALL_GAS, feed, buffer, inputLength, buffer, 0xa0)
            ok := and(ok, gt(returndatasize(), 0x9f))
            if ok {
                id := mload(buffer)
                answer := mload(add(buffer, 0x20))
                startedAt := mload(add(buffer, 0x40))
                updatedAt := mload(add(buffer, 0x60))
            }
        }
    }

    // ---------------------------------------------------------------- settlement

    /// @notice Proves by `hint` the round at which an order settles, or that there is none.
    ///
    /// With b the boundary and w the window: let `before` be the last round of the phase with updatedAt ≤ b, `first` the
    /// first after it with updatedAt > b and startedAt > b, and `round` the last with first's updatedAt. The order
    /// settles at `round` if its updatedAt ≤ b + w and its startedAt > b; otherwise it is void.
    ///
    /// At most one of these can be proved, now or later, from updatedAt not falling within a phase:
    ///  1. `before` is unique: it is checked itself, and the walk starts at the very next id, which must be later than b.
    ///  2. `first` and `round` are unique: every id between is looked at, and the id after `round` must be later or
    ///     absent. block.timestamp > updatedAt of `round`: what is written from now on is later than it.
    ///  3. Absence needs block.timestamp > b + w: what is written from now on is too late anyway. Of rounds that bear the
    ///     time of their observation that is so only when the lag between the two has passed, too. Theirs rise strictly, so
    ///     that nothing can still come before a round that is there: 1 and 2 hold without a lag.
    /// Nothing is assumed of startedAt.
    /// @param latest_ The current latest round: stands for a call where it is the round asked for.
    /// @return round The settlement round; `NO_ROUND` when void.
    /// @return before The last round on the near side; `NO_ROUND` if the phase begins on the far side.
    /// @return lower The same rounds are those of any boundary from `lower` on
    /// @return upper and below `upper`.
    function prove(
        FeedSource source,
        FeedRound latest_,
        uint256 asset,
        uint256 phase,
        uint256 boundary,
        RoundHint calldata hint
    ) internal view returns (FeedRound round, FeedRound before, uint256 lower, uint256 upper) {
        // A phase that the proxy has not reached: its rounds are not settled history.
        if (latest_.exists() && phase > latest_.phase()) revert WrongPhase(asset, latest_.phase(), phase);

        uint256 cursor = phase << PHASE_OFFSET;
        if (hint.before != 0) {
            cursor = hint.before;
            if (cursor >> PHASE_OFFSET != phase) revert WrongPhase(asset, phase, cursor >> PHASE_OFFSET);
            before = _existing(source, latest_, asset, cursor);
            lower = before.updatedAt();
            if (lower > boundary) revert HintTooLate(asset, cursor, lower, boundary);
        }

        if (hint.round == 0) {
            _proveAbsence(source, latest_, asset, phase, boundary, cursor);
            return (NO_ROUND, before, 0, 0);
        }
        return _proveRound(source, latest_, asset, boundary, cursor, hint.round, before);
    }

    function _proveRound(
        FeedSource source,
        FeedRound latest_,
        uint256 asset,
        uint256 boundary,
        uint256 cursor,
        uint256 target,
        FeedRound before
    ) private view returns (FeedRound, FeedRound, uint256 lower, uint256 upper) {
        uint256 phase = cursor >> PHASE_OFFSET;
        if (target >> PHASE_OFFSET != phase) revert WrongPhase(asset, phase, target >> PHASE_OFFSET);
        if (target <= cursor) revert HintDisordered(asset, cursor, target);
        if (target - cursor > MAX_BETWEEN + 1) revert TooManyBetween(asset, cursor, target, MAX_BETWEEN);

        lower = before.updatedAt();
        upper = type(uint32).max;
        FeedRound first;
        FeedRound round;
        do {
            round = _existing(source, latest_, asset, ++cursor);
            if (first.exists()) {
                if (round.updatedAt() != first.updatedAt()) {
                    revert HintTooLate(asset, first.id(), first.updatedAt(), boundary);
                }
            } else {
                if (round.updatedAt() <= boundary) revert HintTooEarly(asset, cursor, round.updatedAt(), boundary);
                upper = _min(upper, round.updatedAt());
                if (round.isAfter(boundary)) first = round;
                else if (round.startedAt() > lower) lower = round.startedAt();
            }
        } while (cursor != target);
        if (!first.exists()) revert HintTooEarly(asset, target, round.updatedAt(), boundary);

        // Later than the window, so that none in it can exist.
        if (first.updatedAt() > boundary + source.window()) return (NO_ROUND, before, 0, 0);

        if (block.timestamp <= round.updatedAt()) revert RoundTooFresh(asset, round.updatedAt(), block.timestamp);
        if (target != latest_.id()) {
            FeedRound next = roundAt(source, target + 1);
            if (next.exists() && next.updatedAt() <= round.updatedAt()) {
                revert NotLastOfTies(asset, target, round.updatedAt());
            }
        }
        if (!round.isAfter(boundary)) return (NO_ROUND, before, 0, 0);
        return (round, before, lower, _min(upper, _min(first.startedAt(), round.startedAt())));
    }

    function _proveAbsence(
        FeedSource source,
        FeedRound latest_,
        uint256 asset,
        uint256 phase,
        uint256 boundary,
        uint256 cursor
    ) private view {
        uint256 windowEnd = boundary + source.window();
        if (source.kind() == FeedKind.Observed) windowEnd += OBSERVED_LAG;
        if (block.timestamp <= windowEnd) revert WindowOpen(asset, windowEnd, block.timestamp);

        bool isCurrent = latest_.exists() && latest_.phase() == phase;
        for (uint256 between = 0; between <= MAX_BETWEEN; ++between) {
            FeedRound round;
            ++cursor;
            if (isCurrent) {
                if (cursor > latest_.id()) return;
                round = _existing(source, latest_, asset, cursor);
            } else {
                round = roundAt(source, cursor);
                if (!round.exists()) return;
            }
            if (round.updatedAt() <= boundary || round.isAfter(boundary)) revert RoundExists(asset, cursor);
        }
        revert TooManyBetween(asset, cursor - MAX_BETWEEN - 1, 0, MAX_BETWEEN);
    }

    function _existing(
        FeedSource source,
        FeedRound latest_,
        uint256 asset,
        uint256 id
    ) private view returns (FeedRound round) {
        round = id == latest_.id() ? latest_ : roundAt(source, id);
        if (!round.exists()) revert RoundMissing(asset, id);
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
