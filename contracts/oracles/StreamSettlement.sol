// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {RoundHint} from "../interfaces/IOracle.sol";
import {FeedRound} from "../types/FeedRound.sol";
import {FeedSource} from "../types/FeedSource.sol";
import {ChainlinkPush} from "./ChainlinkPush.sol";

/// @title StreamSettlement
/// @notice The proof of a settlement report. A report is a round of a stream: its price holds for the whole seconds
/// [startedAt, updatedAt]; the stream keeps them from overlapping.
library StreamSettlement {
    using ChainlinkPush for FeedSource;

    /// @notice The boundary is not in the hinted report's window.
    error ReportOutsideWindow(uint256 asset, uint256 boundary, uint256 validFrom, uint256 observed);
    /// @notice A report is a proof by itself: the hint's `before` must be 0.
    error HintNotAlone(uint256 asset, uint256 before);

    /// @notice Proves by `hint` the report at which an order settles: the one whose window contains the boundary. There is
    /// at most one, now or later, and which it is depends on the boundary alone. That none will come cannot be proved.
    /// @return report It may end too late for the order: the caller compares.
    /// @return lower The same report is that of any boundary from `lower` on
    /// @return upper and below `upper`.
    function proveReport(
        FeedSource stream,
        uint256 asset,
        uint256 boundary,
        RoundHint calldata hint
    ) internal view returns (FeedRound report, uint256 lower, uint256 upper) {
        if (hint.before != 0) revert HintNotAlone(asset, hint.before);
        report = stream.roundAt(hint.round);
        if (!report.complete()) revert ChainlinkPush.RoundMissing(asset, hint.round);
        (lower, upper) = (report.startedAt(), report.updatedAt());
        if (boundary < lower || boundary > upper) revert ReportOutsideWindow(asset, boundary, lower, upper);
        // By the guards of every source: nothing of the future.
        if (upper > block.timestamp) revert ChainlinkPush.RoundTooFresh(asset, upper, block.timestamp);
        ++upper;
    }
}
