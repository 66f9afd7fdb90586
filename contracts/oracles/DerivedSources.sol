// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AggregatorV3Interface} from "@chainlink/contracts/src/v0.8/shared/interfaces/AggregatorV3Interface.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";

import {FeedLeg} from "../types/FeedLeg.sol";
import {FeedRound, NO_ROUND, toFeedRound} from "../types/FeedRound.sol";

/// @title DerivedSources
/// @notice How a derived feed reads what it is computed from: by calls of fixed gas.
library DerivedSources {
    /// @notice Least gas of a call. A proxy in front of an OCR2 aggregator takes 17,000 cold.
    uint256 internal constant MIN_GAS = 20_000;
    /// @notice Most gas of all calls of one read: of the 120,000 that a read gets (`ChainlinkPush.CALL_GAS`) the rest is for
    /// four cold accesses, the 64th that a caller keeps, and computing.
    uint256 internal constant MAX_GAS = 100_000;
    /// @notice Cold access of the callee, and the instructions from the check to the call.
    uint256 private constant ACCESS_GAS = 3_000;

    uint256 private constant ROUND_BYTES = 0xa0;

    error InsufficientGas(uint256 available, uint256 needed);

    /// @notice The latest round of a feed, its answer in WAD; `NO_ROUND` unless it is usable as `IDerivedFeed` says.
    function latest(FeedLeg leg) internal view returns (FeedRound round) {
        (bool ok, uint256 id, int256 answer, uint256 startedAt, uint256 updatedAt) = _latestRoundData(
            leg.feed(),
            leg.gasLimit()
        );
        if (!ok || id > type(uint80).max) return NO_ROUND;
        round = toFeedRound(id, answer, leg.decimals(), startedAt, updatedAt);
        // The widest value is what an answer too wide to be kept reads as: times a small factor it would look plausible.
        if (!round.complete() || round.answer() == 0 || round.answer() == type(uint96).max) return NO_ROUND;
        if (round.updatedAt() > block.timestamp || round.startedAt() > block.timestamp) return NO_ROUND;
    }

    /// @notice What `shares` of a vault are worth in its asset; not `ok` if the call fails.
    function convertToAssets(
        address vault,
        uint256 shares,
        uint256 gasLimit
    ) internal view returns (bool ok, uint256 assets) {
        _requireGas(gasLimit);
        bytes4 selector = IERC4626.convertToAssets.selector;
        assembly ("memory-safe") {
            mstore(0, selector)
            mstore(4, shares)
            ok := staticcall(gasLimit, vault, 0, 0x24, 0, 0x20)
            ok := and(ok, gt(returndatasize(), 0x1f))
            if ok {
                assets := mload(0)
            }
        }
    }

    /// @dev In assembly because the result goes to scratch space of fixed size: no feed makes the caller pay for memory.
    function _latestRoundData(
        address feed,
        uint256 gasLimit
    ) private view returns (bool ok, uint256 id, int256 answer, uint256 startedAt, uint256 updatedAt) {
        _requireGas(gasLimit);
        bytes4 selector = AggregatorV3Interface.latestRoundData.selector;
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mstore(buffer, selector)
            ok := staticcall(gasLimit, feed, buffer, 4, buffer, ROUND_BYTES)
            ok := and(ok, iszero(lt(returndatasize(), ROUND_BYTES)))
            if ok {
                id := mload(buffer)
                answer := mload(add(buffer, 0x20))
                startedAt := mload(add(buffer, 0x40))
                updatedAt := mload(add(buffer, 0x60))
            }
        }
    }

    /// @dev With less a call would silently get less than its limit (EIP-150), and its failure would prove nothing.
    function _requireGas(uint256 gasLimit) private view {
        uint256 available = gasleft();
        uint256 needed = gasLimit + gasLimit / 63 + ACCESS_GAS;
        if (available < needed) revert InsufficientGas(available, needed);
    }
}
