// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {FeedRound} from "./FeedRound.sol";

/// @notice A recorded jump that waits to be accepted, in one slot:
/// answer 96 (WAD) | id 80 | since 32 | haltedAt 32 | (8 unused) | vetoed 8.
/// `since` is the candidate's updatedAt, of a derived price when it was recorded: such a price changes without its time.
/// `haltedAt` stays when the candidate is replaced.
type FeedHalt is uint256;

using {answer, id, since, haltedAt, vetoed, replace, veto} for FeedHalt global;

FeedHalt constant NO_HALT = FeedHalt.wrap(0);

function toFeedHalt(FeedRound candidate, uint256 since_, uint256 haltedAt_) pure returns (FeedHalt) {
    return FeedHalt.wrap(candidate.answer() | (candidate.id() << 96) | (since_ << 176) | (haltedAt_ << 208));
}

function answer(FeedHalt halt) pure returns (uint256) {
    return uint96(FeedHalt.unwrap(halt));
}

function id(FeedHalt halt) pure returns (uint256) {
    return uint80(FeedHalt.unwrap(halt) >> 96);
}

function since(FeedHalt halt) pure returns (uint256) {
    return uint32(FeedHalt.unwrap(halt) >> 176);
}

function haltedAt(FeedHalt halt) pure returns (uint256) {
    return uint32(FeedHalt.unwrap(halt) >> 208);
}

function vetoed(FeedHalt halt) pure returns (bool) {
    return FeedHalt.unwrap(halt) >> 248 != 0;
}

/// @notice The same halt with another candidate: its clock restarts, a veto stays.
function replace(FeedHalt halt, FeedRound candidate, uint256 since_) pure returns (FeedHalt) {
    FeedHalt replaced = toFeedHalt(candidate, since_, haltedAt(halt));
    return vetoed(halt) ? veto(replaced) : replaced;
}

function veto(FeedHalt halt) pure returns (FeedHalt) {
    return FeedHalt.wrap(FeedHalt.unwrap(halt) | (1 << 248));
}
