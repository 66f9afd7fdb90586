// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IOracle} from "../interfaces/IOracle.sol";
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

/// @param proxy Chainlink proxy of an X/USD feed.
struct FeedInput {
    address proxy;
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
/// @notice The guard policy over Chainlink push feeds.
///
/// Accepted price. `read` accepts the feed's latest round when it is complete, positive, not in the future, not older
/// than `maxAge`, inside its bounds, within `jump` of the last accepted price, and later than that (by time and by
/// round id; an aggregator that starts with older rounds changes nothing until it has a later one: meanwhile the last
/// accepted price counts, as long as it passes the same guards).
///
/// Halt. A latest round beyond `jump` of the last accepted price is refused (Jump), and `update` records it (Halted).
/// `update` ends the halt when
///  (a) the latest round is within `jump` of the last accepted price again, or
///  (b) 10 minutes have passed since the recorded round and the two rounds that follow it in its phase, and the latest
///      one, are within `jump` of it; after a veto only 24 hours after the halt began.
/// A recorded round that (b) can no longer confirm is replaced by the latest: the clock restarts.
/// A price that moved far in small steps while nobody read it is no jump: `advance` shows the steps.
///
/// Assumed of a feed: a complete round never changes; within a phase ids have no gaps and updatedAt never falls; a
/// round written in a block has an updatedAt no earlier than the block before. OCR aggregators do this. A FluxAggregator
/// revises its latest round: do not list one. A new aggregator has the decimals of the old one, as Chainlink's have (one
/// that has not is a jump). Proxies, and the role that sets limits, are trusted: limits take part in the price of
/// pending orders, so a change of them must wait longer than the longest window.
interface IPriceOracle is IOracle {
    event FeedListed(uint256 indexed asset, address indexed proxy, FeedLimits limits);
    event FeedConfigured(uint256 indexed asset, FeedLimits limits);
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
    error NotHalted(uint256 asset);
    error AlreadyVetoed(uint256 asset);
    /// @notice The guardian has stopped the halted asset until then.
    error VetoInForce(uint256 asset, uint256 until);
    /// @notice A step of `advance`, or the latest round after all of them, that may not follow the one before it.
    error StepRefused(uint256 asset, uint80 round, Refusal refusal);
    /// @notice A step of `advance` that is not later than the one before it.
    error StepNotLater(uint256 asset, uint80 round, uint256 previousRound);

    /// @notice Appends feeds; their assets are the next indices. Refuses a feed that is not live.
    function list(FeedInput[] calldata feeds) external;

    /// @notice Replaces the limits of a feed. Of one that is not live the interval may not shrink, nor become dead sooner; a live
    /// one may not become dead.
    function configure(uint256 asset, FeedLimits calldata limits) external;

    /// @notice Replaces what holds for all assets.
    function setEnvironment(Environment calldata environment_) external;

    /// @notice The guardian keeps a halted asset from accepting the jump until 24 hours after the halt began. Once per
    /// halt. A price that comes back ends the halt all the same.
    function vetoJump(uint256 asset) external;

    /// @notice For each asset of the bitmap: stores a newer accepted price, records a halt, or resolves one. Anyone.
    /// @dev Does nothing while the sequencer is down, nor for an asset whose latest round is refused for another reason.
    function update(uint256 assets) external;

    /// @notice Walks the stored price of an asset along rounds of its phase, each later than the one before and within
    /// `jump` of it, the last within `jump` of the latest round. Anyone. A halt that this makes groundless is ended by the next `update`.
    /// @dev The price it leaves may be old; `read` still takes none but the latest round.
    /// @param rounds Proxy round ids, ascending; need not be consecutive.
    function advance(uint256 asset, uint80[] calldata rounds) external;

    function assetCount() external view returns (uint256);

    function environment() external view returns (Environment memory);

    function feedOf(uint256 asset) external view returns (address proxy, uint256 decimals, FeedLimits memory limits);

    /// @notice The last accepted price (WAD) and where it is from. `round` is a proxy round id.
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
