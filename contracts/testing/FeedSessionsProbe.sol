// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {FeedSessions} from "../types/FeedSessions.sol";

/// @notice For tests: the functions of `FeedSessions`.
contract FeedSessionsProbe {
    function openedAt(
        FeedSessions sessions,
        uint256[] calldata timestamps
    ) external pure returns (uint256[] memory times) {
        times = new uint256[](timestamps.length);
        for (uint256 i = 0; i < timestamps.length; ++i) times[i] = sessions.openedAt(timestamps[i]);
    }

    function longestClosure(FeedSessions sessions) external pure returns (uint256) {
        return sessions.longestClosure();
    }
}
