// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Conditions} from "../types/Conditions.sol";
import {Price} from "../types/Price.sol";

/// @notice What became of a request for a settlement price.
enum Verdict {
    Settled, // the one admissible round, proved
    Void // proved that there is none, or that it may not be used: the order is refunded
}

/// @notice The rounds that prove a settlement price, named by whoever executes.
/// @param round The admissible round; for a void order the first round after its window (0: none exists in the phase). Of
/// an asset that settles by reports the report whose window contains the boundary.
/// @param before The last round on the near side of the boundary, in the same phase (0: `round` is the phase's first). 0
/// for an asset that settles by reports.
struct RoundHint {
    uint80 round;
    uint80 before;
}

/// @title IOracle
/// @notice Prices of assets behind one guard policy. Prices are USD per whole unit, WAD. An asset is an index below 96.
/// Every price is read from its feed at most once per transaction; what was read first is what all see.
/// @dev Whatever calls a feed reverts with `InsufficientGas` (`ChainlinkPush`) where less than 126,000 gas is left:
/// every call gets the same, so that nobody makes a feed look dead.
interface IOracle {
    /// @notice The prices of the assets whose bits are set, in ascending order of their index, and the conditions.
    /// Stores each newer accepted price: the time of an asset's price never goes back.
    /// @dev Does not revert for a bad feed: such an asset comes back as an interval with the reason of the refusal.
    /// Reverts with `UnknownAssets` where one of them is not listed.
    /// @param assets Bitmap of asset indices.
    /// @param needPeg Whether `pegHeld` and `settlementPrice` are needed; without it they are false and 0.
    function read(uint256 assets, bool needPeg) external returns (Conditions conditions, Price[] memory prices);

    /// @notice As `read`, without storing anything. With the same errors.
    function peek(uint256 assets, bool needPeg) external view returns (Conditions conditions, Price[] memory prices);

    /// @notice The one price at which an order settles: in `phase`, the first round whose updatedAt and startedAt are
    /// both later than `boundary`, no later than `boundary` + the asset's window; among rounds with equal updatedAt
    /// the last. Of an asset that settles by reports: the one whose window contains `boundary` (see `IPriceOracle`).
    /// The result is a function of (asset, phase, boundary) alone, whoever asks and whenever.
    /// @dev Reverts with `UnknownAsset`, and when the hint proves neither a settlement nor its absence. By rounds
    /// (`ChainlinkPush`): `WrongPhase`, `RoundMissing`, `HintTooEarly`, `HintTooLate`, `HintDisordered`,
    /// `TooManyBetween`, `NotLastOfTies`, `RoundTooFresh`, `WindowOpen`, `RoundExists`. By reports
    /// (`StreamSettlement`): `HintNotAlone`, `RoundMissing`, `ReportOutsideWindow`, `RoundTooFresh`.
    /// @return verdict Settled, or Void: no such round, it jumped beyond the limit from its predecessor, it is of a time at
    /// which the asset is closed, or the asset does not settle orders (over a change of source, or ever).
    /// @return price Settlement price, WAD; 0 when void.
    /// @return settledAt updatedAt of the settlement round; 0 when void.
    function settle(
        uint256 asset,
        uint256 phase,
        uint256 boundary,
        RoundHint calldata hint
    ) external returns (Verdict verdict, uint256 price, uint256 settledAt);

    /// @notice Whether a settlement price is within the asset's jump limit of the price accepted last, so that a wrong price
    /// that is repeated fills nothing while it has not been accepted.
    /// @dev Reverts with `UnknownAsset`.
    /// @param price WAD.
    function accepts(uint256 asset, uint256 price) external returns (bool);

    /// @notice Largest step from one accepted price of an asset to the next, 1e-6.
    /// @dev Reverts with `UnknownAsset`.
    function jumpLimit(uint256 asset) external view returns (uint256);

    /// @notice The last accepted price of an asset and the feed phase it came from, and the native token's price.
    /// @dev The price of the native token is at most one hour old: an older one is read anew first.
    /// An asset that is not listed reads as one that has never been read.
    /// @return price WAD; 0 if the asset has never been read.
    /// @return phase Phase of the feed's proxy.
    /// @return nativePrice USD per whole native token, WAD.
    function stored(uint256 asset) external returns (uint256 price, uint256 phase, uint256 nativePrice);
}
