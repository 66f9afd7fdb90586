// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

import {IOracle} from "../interfaces/IOracle.sol";
import {FeedKind} from "../types/FeedSource.sol";
import {Refusal} from "../types/Price.sol";

/// @notice The numbers that guard a feed.
/// @param maxAge Heartbeat plus margin, s.
/// @param window How long after its boundary an order may settle, s; at least `maxAge`.
/// @param jump Largest step from one accepted price to the next, 1e-6.
/// @param spread Half width of the interval while the feed is refused, 1e-6.
/// @param deadAfter After so long without an answer collateral counts nothing, s; at least `maxAge`.
/// @param minAnswer Lowest plausible price, WAD.
/// @param maxAnswer Highest plausible price, WAD.
struct FeedLimits {
    uint24 maxAge;
    uint24 window;
    uint24 jump;
    uint24 spread;
    uint32 deadAfter;
    uint96 minAnswer;
    uint96 maxAnswer;
}

/// @param proxy An AggregatorV3Interface of an X/USD price: a Chainlink proxy, a derived feed, or a stream.
/// @param kind What its rounds prove.
struct FeedInput {
    address proxy;
    FeedKind kind;
    FeedLimits limits;
}

/// @notice A source in shadow.
/// @param tolerance How far its price may differ, 1e-6 of the one in use.
/// @param agreedSince Since when every watching has found them to agree; 0: the last one has not.
struct Proposal {
    address proxy;
    FeedKind kind;
    uint8 decimals;
    uint24 tolerance;
    uint32 agreedSince;
    uint32 watchedAt;
    FeedLimits limits;
}

/// @param sequencer The L2's sequencer uptime feed (answer 0 is up, 1 is down); 0 where there is none.
/// @param sequencerGrace After the sequencer has come up nothing is liquidated for so long, s.
/// @param haltGrace After a halt has ended nothing of its asset is liquidated for so long, s.
/// @param pegAsset The settlement token's asset; 255: none, then the peg never holds.
/// @param nativeAsset The native token's asset; 255: none, then its price is 0.
/// @param pegLow Lower end of the settlement token's band, WAD.
/// @param pegHigh Upper end, WAD.
struct Environment {
    address sequencer;
    uint24 sequencerGrace;
    uint24 haltGrace;
    uint8 pegAsset;
    uint8 nativeAsset;
    uint96 pegLow;
    uint96 pegHigh;
}

/// @title IPriceOracle
/// @notice The guard policy over all sources of prices: push feeds, caches of observations, derived feeds and streams.
///
/// Accepted price. `read` accepts the source's latest round when it is complete, positive, not in the future, not older
/// than `maxAge`, inside its bounds, heard since the present trading session began, within `jump` of the last accepted
/// price, and later than that (by time and by round id; an aggregator that starts with older rounds changes nothing until
/// it has a later one: meanwhile the last accepted price counts, as long as it passes the same guards).
///
/// Halt. A latest round beyond `jump` of the last accepted price is refused (Jump), and `update` records it (Halted).
/// `update` ends the halt when
///  (a) the latest round is within `jump` of the last accepted price again, or
///  (b) 10 minutes have passed since the recorded round and the two rounds that follow it in its phase, and the latest
///      one, are within `jump` of it; after a veto only 24 hours after the halt began. Of a derived feed, which has no
///      history, only the latest round is looked at, whose id must have grown by two.
/// A recorded round that (b) can no longer confirm is replaced by the latest: the clock restarts.
/// A price that moved far in small steps while nobody read it is no jump: `advance` shows the steps.
///
/// Settlement. An order settles
///  - by the source's rounds (Rounds, Observed): the first after its boundary, as `IOracle.settle` says;
///  - by reports (a source of kind Stream, or the asset's settlement stream): at the one whose window [startedAt,
///    updatedAt] contains the boundary. `RoundHint.round` is its id, `before` is 0. One that ends later than
///    boundary + window makes the order void, whatever it says;
///  - not at all (Derived without a settlement stream): every order is void. Such an asset is collateral, no market.
/// A round or report of a time at which the asset is closed makes the order void.
/// What an order settles by is a function of the order alone, also over a change of source or settlement at time c:
/// with boundary < c as before it; with c ≤ boundary ≤ c + 240 s (an order's longest delay) void; later as after it.
/// Changes are eight days apart, so that no order lives through two. (A wind-down announced before a new source was
/// adopted and ending after it may name a phase that the new one does not have: its final price is the stored one then,
/// seven days later.)
///
/// Assumed of a source: a complete round never changes; within a phase ids have no gaps and updatedAt never falls.
///  - Rounds: a round written in a block has an updatedAt no earlier than the block before. OCR aggregators do this. A
///    FluxAggregator revises its latest round: do not list one.
///  - Observed: within a phase updatedAt rises strictly, and a round is written within an hour of it: the absence of a
///    round is proved only an hour after the window. Chainlink's DataFeedsCache refuses what is not later.
///  - Stream: reports do not overlap. `updatedAt` is the observation's time, `startedAt` the first it holds for.
///  - Derived: the id grows whenever one of its feeds has a newer round.
/// A new aggregator has the decimals of the old one, as Chainlink's have (one that has not is a jump). Proxies, and the
/// role that sets limits and sessions, are trusted: these take part in the price of pending orders, so a change of them
/// must wait longer than the longest window.
///
/// @dev Errors that many share. Governance's functions, and `vetoJump`, revert with `AccessManagedUnauthorized` for a
/// caller without the role; for a call that must be scheduled with `AccessManagerNotScheduled`, `AccessManagerNotReady`
/// or `AccessManagerExpired`. `InsufficientGas` is as in `IOracle`.
interface IPriceOracle is IOracle, IAccessManaged {
    event FeedListed(uint256 indexed asset, address indexed proxy, FeedKind kind, FeedLimits limits);
    event FeedConfigured(uint256 indexed asset, FeedLimits limits);
    /// @notice From now on orders settle by the reports of `stream`; 0: by the source.
    event SettlementSet(uint256 indexed asset, address indexed stream, uint256 window);
    event SessionsSet(uint256 indexed asset, uint256 sessions);
    event SourceProposed(
        uint256 indexed asset,
        address indexed proxy,
        FeedKind kind,
        uint256 tolerance,
        FeedLimits limits
    );
    /// @param agreedSince 0: the prices are further apart than the tolerance.
    event SourceWatched(uint256 indexed asset, uint256 price, uint256 proposedPrice, uint256 agreedSince);
    event SourceAdopted(uint256 indexed asset, address indexed proxy, uint256 price, uint80 round);
    event SourceCancelled(uint256 indexed asset);
    event EnvironmentSet(Environment environment);
    /// @notice A jump has been recorded, or its recorded round replaced by a later one.
    event JumpHalted(uint256 indexed asset, uint256 lastPrice, uint256 candidate, uint80 round);
    event JumpVetoed(uint256 indexed asset, uint256 until);
    /// @param accepted The jump was accepted; else the price came back.
    event JumpResolved(uint256 indexed asset, uint256 price, bool accepted);
    /// @notice The stored price has walked to `price`.
    event PriceAdvanced(uint256 indexed asset, uint256 price, uint80 round);

    /// @notice The bitmap names an asset that is not listed.
    error UnknownAssets(uint256 assets, uint256 count);
    error UnknownAsset(uint256 asset, uint256 count);
    error TooManyAssets(uint256 count, uint256 maximum);
    error ProxyNotContract(address proxy);
    error ProxyListed(address proxy, uint256 asset);
    error DecimalsTooMany(address proxy, uint256 decimals, uint256 maximum);
    error FeedNotLive(address proxy, Refusal refusal);
    error SequencerUnreadable(address sequencer);
    /// @notice A number is outside its bounds; `field` is its name.
    error LimitOutOfRange(bytes32 field, uint256 value, uint256 minimum, uint256 maximum);
    /// @notice A price that is refused may get no limits by which it would count at once. `answer` is the round's.
    error RefusedNow(uint256 asset, Refusal refusal, uint256 answer);
    /// @notice The session ends before it begins, begins before the one before it ends, or passes the end of the week.
    error SessionInvalid(uint256 index, uint256 opensAt, uint256 closesAt);
    error TooManySessions(uint256 count, uint256 maximum);
    /// @notice An asset that is closed may get no sessions by which it would be open.
    error ClosedNow(uint256 asset);
    error AlreadyProposed(uint256 asset, address proxy);
    error NotProposed(uint256 asset);
    /// @notice A source is judged beside one that is live: for a dead one there is only wind-down.
    error SourceNotLive(uint256 asset, Refusal refusal);
    error SourcesDisagree(uint256 asset, uint256 price, uint256 proposedPrice, uint256 tolerance);
    /// @notice The shadow has not lasted long enough. `agreedSince` 0: they disagreed when last watched.
    error ShadowTooShort(uint256 asset, uint256 agreedSince, uint256 required);
    /// @notice Nobody has compared the sources for too long.
    error NotWatched(uint256 asset, uint256 watchedAt, uint256 maximum);
    /// @notice The proposed source's latest round is older than the price that is stored.
    error PriceGoesBack(uint256 asset, uint256 updatedAt, uint256 storedAt);
    /// @notice Orders from before the last change may still be pending.
    error ChangedRecently(uint256 asset, uint256 until);
    error NotHalted(uint256 asset);
    error AlreadyVetoed(uint256 asset);
    /// @notice The guardian has stopped the halted asset until then.
    error VetoInForce(uint256 asset, uint256 until);
    /// @notice A step of `advance`, or the latest round after all of them, that may not follow the one before it.
    error StepRefused(uint256 asset, uint80 round, Refusal refusal);
    /// @notice A step of `advance` that is not later than the one before it.
    error StepNotLater(uint256 asset, uint80 round, uint256 previousRound);
    /// @notice A derived feed has no rounds to walk along.
    error NoHistory(uint256 asset);

    /// @notice Appends feeds; their assets are the next indices. Refuses a feed that is not live.
    /// @dev Reverts with `TooManyAssets` for more than 96; `ProxyNotContract`; `DecimalsTooMany` for more than 18;
    /// `ProxyListed`; `LimitOutOfRange`; `FeedNotLive`; or the error of the proxy's `decimals`.
    function list(FeedInput[] calldata feeds) external;

    /// @notice Replaces the limits of a feed. Of one that is not live the interval may not shrink, nor become dead sooner; a live
    /// one may not become dead. What is refused stays so in this block: limits by which its round would count are refused
    /// themselves (RefusedNow), and a halt starts its ten minutes anew, with the latest round as the recorded one. A price
    /// that has left its bounds thus comes back through a halt: with a jump limit that it is beyond. While the sequencer is
    /// down all this is left to its grace.
    /// @dev Reverts with `UnknownAsset`, `LimitOutOfRange` (also of `spread` and `deadAfter` that may not fall so low
    /// now), and `RefusedNow`.
    function configure(uint256 asset, FeedLimits calldata limits) external;

    /// @notice Has the orders of an asset settle by the reports of `stream`, from boundaries beyond the next 240 s on;
    /// with stream 0 by its source again. The source goes on valuing accounts. Refuses a stream that is not live by the
    /// asset's limits, or beyond `jump` of its accepted price.
    /// @dev Reverts with `UnknownAsset`; `LimitOutOfRange`; `ProxyNotContract`; `DecimalsTooMany` for more than 18;
    /// `FeedNotLive`; `ChangedRecently`; or the error of the stream's `decimals`.
    /// @param window How long after an order's boundary its report may end, 1 s to 1 hour; 0 with stream 0.
    function setSettlement(uint256 asset, address stream, uint24 window) external;

    /// @notice Sets the hours at which an asset is traded: `types/FeedSessions.sol`; 0: always. Nobody becomes liquidatable
    /// by it: an asset that is closed stays closed, a halted one too. `deadAfter` must be longer than the longest closure by `maxAge`.
    /// @dev Reverts with `UnknownAsset`, `TooManySessions`, `SessionInvalid`, `LimitOutOfRange` (of `deadAfter`), and
    /// `ClosedNow`.
    function setSessions(uint256 asset, uint256 sessions) external;

    /// @notice Puts a source in shadow beside the one in use, with limits of its own. Both must be live and agree within
    /// `tolerance`. The proxy may be the asset's own with another kind.
    /// @dev Reverts with `UnknownAsset`; `AlreadyProposed`; `LimitOutOfRange`; `ProxyNotContract`; `DecimalsTooMany`
    /// for more than 18; `ProxyListed` with another asset; `SourceNotLive`; `FeedNotLive` of the proposed one;
    /// `SourcesDisagree`; or the error of the proxy's `decimals`.
    /// @param tolerance The sum of both feeds' deviation thresholds, 1e-6, at most 2 %.
    function proposeSource(uint256 asset, FeedInput calldata input, uint24 tolerance) external;

    /// @notice Compares the proposed source with the one in use. Anyone. A disagreement, or two hours without a watching,
    /// starts the shadow anew. Both must be live.
    /// @dev Reverts with `NotProposed`, `SourceNotLive`, and `FeedNotLive` of the proposed one.
    /// @return agreedSince Since when they agree; 0 if they do not.
    function watchSource(uint256 asset) external returns (uint256 agreedSince);

    /// @notice Replaces the source by the proposed one, which must have agreed for 24 hours, watched within the last two,
    /// and agree now. The step between the two prices gets the grace period of a halt: nothing of the asset is liquidated
    /// in it.
    /// @dev Reverts with `NotProposed`; `ShadowTooShort`; `NotWatched`; `SourceNotLive`; `FeedNotLive` of the proposed
    /// one; `SourcesDisagree`; `PriceGoesBack`; `LimitOutOfRange` of a `deadAfter` that the sessions have become too
    /// long for; `ProxyListed` where another asset has been listed with the proxy; and `ChangedRecently`.
    function adoptSource(uint256 asset) external;

    /// @notice Drops the proposed source.
    /// @dev Reverts with `NotProposed`.
    function cancelSource(uint256 asset) external;

    /// @notice Replaces what holds for all assets. A grace of the sequencer that runs, or is still to come, becomes no shorter,
    /// unless the uptime feed is replaced.
    /// @dev Reverts with `LimitOutOfRange` (also of a grace that may not become shorter), `UnknownAsset`, and
    /// `SequencerUnreadable`.
    function setEnvironment(Environment calldata environment_) external;

    /// @notice The guardian keeps a halted asset from accepting the jump until 24 hours after the halt began. Once per
    /// halt. A price that comes back ends the halt all the same.
    /// @dev Reverts with `UnknownAsset`, `NotHalted`, and `AlreadyVetoed`.
    function vetoJump(uint256 asset) external;

    /// @notice For each asset of the bitmap: stores a newer accepted price, records a halt, or resolves one. Anyone.
    /// @dev Does nothing while the sequencer is down, nor for an asset that is closed or whose latest round is refused for
    /// another reason.
    /// Reverts with `UnknownAssets` where one of them is not listed.
    function update(uint256 assets) external;

    /// @notice Walks the stored price of an asset along rounds of its phase, each later than the one before and within
    /// `jump` of it, the last within `jump` of the latest round. Anyone. A halt that this makes groundless is ended by the next `update`.
    /// @dev The price it leaves may be old; `read` still takes none but the latest round.
    /// Reverts with `UnknownAsset`; `NoHistory`; `VetoInForce`; `WrongPhase` (`ChainlinkPush`) for a round of another
    /// phase than the stored price's; `StepRefused`; and `StepNotLater`.
    /// @param rounds Proxy round ids, ascending; need not be consecutive.
    function advance(uint256 asset, uint80[] calldata rounds) external;

    function assetCount() external view returns (uint256);

    function environment() external view returns (Environment memory);

    /// @dev Reverts with `UnknownAsset`.
    function feedOf(uint256 asset) external view returns (address proxy, uint256 decimals, FeedLimits memory limits);

    /// @notice What is not in `feedOf`: the kind of the source, what orders settle by, when the asset is traded.
    /// @dev Reverts with `UnknownAsset`.
    /// @param stream 0: orders settle by the source.
    /// @param window Of the stream, s.
    /// @param sessions 0: always open.
    /// @param changedAt When source or settlement has changed last; 0: never.
    function sourceOf(
        uint256 asset
    ) external view returns (FeedKind kind, address stream, uint256 window, uint256 sessions, uint256 changedAt);

    /// @notice The source in shadow; zeros without one.
    function proposalOf(uint256 asset) external view returns (Proposal memory);

    /// @notice The last accepted price (WAD) and where it is from; zeros without one. `round` is a proxy round id.
    function stateOf(
        uint256 asset
    )
        external
        view
        returns (uint256 price, uint80 round, uint256 updatedAt, uint256 checkedAt, uint256 graceUntil, bool halted);

    /// @notice The recorded jump of a halted asset; zeros without one.
    /// @param vetoedUntil When a veto ends; 0 without one.
    function haltOf(
        uint256 asset
    ) external view returns (uint256 candidate, uint80 round, uint256 since, uint256 haltedAt, uint256 vetoedUntil);
}
