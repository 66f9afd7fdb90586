// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {RoundHint} from "../interfaces/IOracle.sol";
import {ChainlinkPush} from "../oracles/ChainlinkPush.sol";
import {FeedLimits, IPriceOracle} from "../oracles/IPriceOracle.sol";
import {FeedRound, PHASE_OFFSET} from "../types/FeedRound.sol";
import {FeedKind, FeedSource, toFeedSource} from "../types/FeedSource.sol";

/// @notice What is known of the round at which something settles.
enum Finding {
    Waiting, // nothing can be proved yet, or not from here
    Settled,
    Void // it can be proved that there is none
}

/// @title SettlementRounds
/// @notice Finds the hint that proves a settlement round, from the chain alone: backwards from the latest round. The rule is that
/// of `IOracle.settle`; what is found here is proved there.
library SettlementRounds {
    using ChainlinkPush for FeedSource;

    /// @dev As the oracle has it: over so long after a change of source orders are void, s.
    uint256 private constant LONGEST_DELAY = 240;
    /// @dev Reports looked at, from the latest backwards.
    uint256 private constant MAX_REPORTS = 16;

    /// @notice The hint for what settles in `phase` after `boundary`.
    /// @dev Not found: what settles by a source that has been replaced (the oracle does not show it), and a report that was
    /// brought late or long ago.
    function find(
        IPriceOracle oracle,
        uint256 asset,
        uint256 phase,
        uint256 boundary
    ) internal view returns (Finding, RoundHint memory hint) {
        (FeedKind kind, address stream, , , uint256 changedAt) = oracle.sourceOf(asset);
        if (changedAt != 0 && boundary <= changedAt + LONGEST_DELAY) {
            return (boundary < changedAt ? Finding.Waiting : Finding.Void, hint);
        }
        if (stream != address(0)) return _report(sourceAt(stream, 18, 0, FeedKind.Stream), boundary);
        (address proxy, uint256 decimals, FeedLimits memory limits) = oracle.feedOf(asset);
        FeedSource source = sourceAt(proxy, decimals, limits.window, kind);
        if (kind == FeedKind.Stream) return _report(source, boundary);
        return kind == FeedKind.Derived ? (Finding.Void, hint) : _round(source, phase, boundary);
    }

    /// @notice A source as far as reading its rounds needs it. @param window s.
    function sourceAt(
        address proxy,
        uint256 decimals,
        uint256 window,
        FeedKind kind
    ) internal pure returns (FeedSource) {
        return toFeedSource({proxy_: proxy, maxAge_: 0, window_: window, jump_: 0, decimals_: decimals, kind_: kind});
    }

    // ---------------------------------------------------------------- reports

    function _report(FeedSource stream, uint256 boundary) private view returns (Finding, RoundHint memory hint) {
        FeedRound report = stream.latest();
        uint256 id = report.id();
        for (uint256 i = 0; i < MAX_REPORTS && report.exists() && report.updatedAt() >= boundary; ++i) {
            if (report.startedAt() <= boundary) {
                hint.round = uint80(id);
                return (Finding.Settled, hint);
            }
            report = stream.roundAt(--id);
        }
        return (Finding.Waiting, hint);
    }

    // ---------------------------------------------------------------- rounds

    function _round(
        FeedSource source,
        uint256 phase,
        uint256 boundary
    ) private view returns (Finding, RoundHint memory hint) {
        uint256 base = phase << PHASE_OFFSET;
        FeedRound latest = source.latest();
        if (!latest.exists() || latest.phase() < phase) return (Finding.Waiting, hint);
        uint256 last = latest.phase() == phase ? latest.id() : _lastOf(source, base);
        uint256 before = _lastUpTo(source, base, last, boundary);
        if (before != base) hint.before = uint80(before);

        uint256 end = before + 1 + ChainlinkPush.MAX_BETWEEN;
        uint256 id = before + 1;
        FeedRound first;
        for (; id <= last && id <= end; ++id) {
            first = source.roundAt(id);
            if (first.isAfter(boundary)) break;
        }
        if (id > last) return (_isOver(source, boundary) ? Finding.Void : Finding.Waiting, hint);
        if (id > end) return (Finding.Waiting, hint); // more between than a proof may skip

        hint.round = uint80(id);
        if (first.updatedAt() > boundary + source.window()) return (Finding.Void, hint);
        FeedRound round = first;
        while (id < last) {
            FeedRound next = source.roundAt(++id);
            if (next.updatedAt() != first.updatedAt()) break;
            if (id > end) return (Finding.Waiting, hint);
            round = next;
        }
        hint.round = uint80(round.id());
        // Another round with the same time may still come in the block.
        if (block.timestamp <= round.updatedAt()) return (Finding.Waiting, hint);
        return (round.isAfter(boundary) ? Finding.Settled : Finding.Void, hint);
    }

    /// @dev Whether a round that is not there yet would be too late.
    function _isOver(FeedSource source, uint256 boundary) private view returns (bool) {
        uint256 end = boundary + source.window();
        if (source.kind() == FeedKind.Observed) end += ChainlinkPush.OBSERVED_LAG;
        return block.timestamp > end;
    }

    /// @dev Id of the last round of a phase that is over; `base` if it has none.
    function _lastOf(FeedSource source, uint256 base) private view returns (uint256) {
        uint256 above = 1;
        while (source.roundAt(base + above).exists()) above *= 2;
        uint256 below = above / 2;
        while (above - below > 1) {
            uint256 middle = (below + above) / 2;
            if (source.roundAt(base + middle).exists()) below = middle;
            else above = middle;
        }
        return base + below;
    }

    /// @dev Id of the last round with updatedAt ≤ `boundary`; `base` if there is none. Steps that double, then halving: what is
    /// looked for is young.
    function _lastUpTo(
        FeedSource source,
        uint256 base,
        uint256 last,
        uint256 boundary
    ) private view returns (uint256 below) {
        uint256 above = last + 1;
        below = base;
        uint256 id = last;
        for (uint256 step = 1; id > base; step *= 2) {
            if (source.roundAt(id).updatedAt() <= boundary) {
                below = id;
                break;
            }
            above = id;
            id = last > base + step ? last - step : base;
        }
        while (above - below > 1) {
            uint256 middle = (below + above) / 2;
            if (source.roundAt(middle).updatedAt() <= boundary) below = middle;
            else above = middle;
        }
    }
}
