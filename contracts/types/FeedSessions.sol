// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice The hours of a week at which an asset is traded, in one word of a code table: up to eight sessions of
/// open 14 | close 14, the first in the lowest bits, each in minutes since Monday 00:00 UTC, `close` not included.
/// They ascend and do not overlap; one over the end of the week is written as two that touch. Zero: always open.
type FeedSessions is uint256;

using {count, opensAt, closesAt, openedAt, isOpen, longestClosure} for FeedSessions global;

FeedSessions constant ALWAYS_OPEN = FeedSessions.wrap(0);
uint256 constant MAX_SESSIONS = 8;
uint256 constant SESSION_BITS = 28;
uint256 constant WEEK_MINUTES = 10_080;
/// @dev The epoch began on a Thursday.
uint256 constant SINCE_MONDAY = 3 days;
/// @dev In place of a time: the asset is closed.
uint256 constant NOT_OPEN = type(uint256).max;

/// @notice Number of sessions; more than `MAX_SESSIONS` if bits beyond them are set.
function count(FeedSessions sessions) pure returns (uint256 total) {
    while (FeedSessions.unwrap(sessions) >> (total * SESSION_BITS) != 0) ++total;
}

/// @notice When the session begins, minutes of the week.
function opensAt(FeedSessions sessions, uint256 index) pure returns (uint256) {
    return (FeedSessions.unwrap(sessions) >> (index * SESSION_BITS)) & 0x3fff;
}

/// @notice When the session ends, minutes of the week.
function closesAt(FeedSessions sessions, uint256 index) pure returns (uint256) {
    return (FeedSessions.unwrap(sessions) >> (index * SESSION_BITS + 14)) & 0x3fff;
}

/// @notice Since when the asset has been open at `timestamp`, Unix seconds; `NOT_OPEN` if it is closed then. Sessions
/// that touch are one, also over the end of the week.
function openedAt(FeedSessions sessions, uint256 timestamp) pure returns (uint256) {
    if (FeedSessions.unwrap(sessions) == 0) return 0;
    uint256 total = count(sessions);
    uint256 second = (timestamp + SINCE_MONDAY) % 1 weeks;
    for (uint256 i = 0; i < total; ++i) {
        uint256 begin = opensAt(sessions, i);
        if (second / 60 < begin || second / 60 >= closesAt(sessions, i)) continue;
        uint256 open = second - begin * 60;
        for (uint256 back = 1; back <= total; ++back) {
            uint256 previous = (i + total - back) % total;
            if (closesAt(sessions, previous) % WEEK_MINUTES != begin) break;
            begin = opensAt(sessions, previous);
            open += (closesAt(sessions, previous) - begin) * 60;
        }
        return timestamp - open;
    }
    return NOT_OPEN;
}

function isOpen(FeedSessions sessions, uint256 timestamp) pure returns (bool) {
    return openedAt(sessions, timestamp) != NOT_OPEN;
}

/// @notice The longest time of a week without a session, s.
function longestClosure(FeedSessions sessions) pure returns (uint256 longest) {
    uint256 total = count(sessions);
    for (uint256 i = 0; i < total; ++i) {
        uint256 next = i + 1 == total ? opensAt(sessions, 0) + WEEK_MINUTES : opensAt(sessions, i + 1);
        uint256 closure = (next - closesAt(sessions, i)) * 60;
        if (closure > longest) longest = closure;
    }
}
