// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IDerivedFeed} from "./IDerivedFeed.sol";

/// @param vault ERC-4626 vault whose share is priced.
/// @param feed Chainlink proxy of the vault's asset / USD, or another feed with its interface.
/// @param vaultGas Gas of a call of `convertToAssets`.
/// @param feedGas Gas of a call of the feed. A proxy takes 17,000 cold.
/// @param maxGrowth Most that the rate may grow, 1e-6 per day: somewhat more than the vault ever earns.
struct ShareInput {
    address vault;
    address feed;
    uint24 vaultGas;
    uint24 feedGas;
    uint24 maxGrowth;
}

/// @title IShareFeed
/// @notice The price of an ERC-4626 share: what it redeems for × the price of that.
///
///     answer = min(rate, line) · asset price     rate = convertToAssets(1 share), line = anchor · (1 + maxGrowth · days)
///
/// Growth. A donation to a vault, or an error in it, raises the rate at once; the price follows no faster than the line. The
/// line begins at the anchor, which `checkpoint` moves up to what has been earned. While nobody calls that, the line runs on
/// ahead of the rate, by maxGrowth a day: keepers call it daily. A fall of the rate passes at once; what has fallen may come
/// back to the anchor at once.
///
/// Time and round id. The time is that of the asset feed's round, so that its age is the asset feed's. The rate may change at any
/// block, and a reader takes a new price only with a new id, so the id counts both: its phase is that of the asset feed, its round
/// the asset feed's round plus the time of the block. It grows with every second and with every round, over phases too, and
/// within a block only the asset feed's next round, if there is one, tells more than the block's first read. For who waits
/// for the id to grow before a jump counts (`IPriceOracle`, halt) this means that time alone is enough.
///
/// Assumed of the vault: outsiders cannot lower the rate, for a block neither (deposits and withdrawals round in its favour); its
/// rate at deployment is an honest one; its asset and decimals never change. Of the asset feed: what `IPriceOracle` assumes
/// of a feed. That shares can be redeemed is not looked at: where they may trade below their rate, a `CompositeFeed` takes the
/// lower of a market feed and this one.
///
/// @dev A deployment reverts besides with `RateUnusable`, or the error of what it asks of vault, token and feed.
interface IShareFeed is IDerivedFeed {
    /// @notice The anchor has moved to `rate` (WAD), now.
    event AnchorMoved(uint256 rate);

    /// @notice The vault's rate cannot be read, is 0, or is too wide.
    error RateUnusable(address vault);
    error CheckpointTooEarly(uint256 timestamp, uint256 earliest);

    /// @notice Moves the anchor to now and up to the lower of rate and line, never down. Anyone, a day after the last time.
    /// @dev Reverts with `CheckpointTooEarly`, `RateUnusable`, and `InsufficientGas` (`DerivedSources`).
    function checkpoint() external;

    /// @notice Where the line begins: assets per share, WAD, rounded down, and since when.
    function anchor() external view returns (uint256 rate, uint256 time);

    /// @notice Assets per share, WAD, rounded down: what the vault says, and what of it counts now.
    /// @dev Both 0 where the rate cannot be used. Reverts with `InsufficientGas` (`DerivedSources`).
    function rates() external view returns (uint256 reported, uint256 counted);

    function vault() external view returns (address);

    function assetFeed() external view returns (address);

    /// @notice 1e-6 per day.
    function maxGrowth() external view returns (uint256);
}
