// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {FeedLimits, IPriceOracle, Proposal} from "../oracles/IPriceOracle.sol";
import {FeedKind} from "../types/FeedSource.sol";
import {Refusal} from "../types/Price.sol";

/// @notice The latest round of a feed as it shows it now, without any guard.
/// @param readable The feed answered with a round; else all is 0.
/// @param answer In the feed's decimals.
/// @param price `answer` in WAD, rounded down; 0 for an answer that is not positive, or too large for that.
/// @param startedAt Unix seconds; of a report the first time that it holds for.
/// @param updatedAt Unix seconds; of a report the last time that it holds for.
struct RoundReading {
    bool readable;
    uint80 round;
    int256 answer;
    uint256 price;
    uint256 startedAt;
    uint256 updatedAt;
}

/// @notice A source: its address, what is behind it, and what it shows.
/// @param aggregator Behind the proxy; 0 where it is no proxy.
/// @param kind What its rounds prove.
/// @param decimals Of its answers, as they were when it was listed, proposed or set.
/// @param currentDecimals As it says now; 255 if it says none. Another number than before is a wrong price.
struct SourceReading {
    address source;
    address aggregator;
    FeedKind kind;
    uint256 decimals;
    uint256 currentDecimals;
    RoundReading latest;
}

/// @notice A recorded jump; zeros without one.
/// @param candidate Its price, WAD.
/// @param since updatedAt of its round.
/// @param vetoedUntil 0 without a veto.
struct HaltReading {
    bool halted;
    uint256 candidate;
    uint80 round;
    uint256 since;
    uint256 haltedAt;
    uint256 vetoedUntil;
}

/// @notice An asset's prices. Prices are USD per whole unit, WAD; times Unix seconds.
/// @param refusal What the guards refuse the source's latest round for; None: the price is live.
/// @param settling Live, and in the grace after a halt or a new source: nothing of it is liquidated.
/// @param dead Without an answer for so long that collateral counts nothing.
/// @param low Lower end of the price as accounts are valued by it now, rounded down.
/// @param high Upper end, rounded up.
/// @param price Accepted last.
/// @param round Of it.
/// @param updatedAt Of it.
/// @param checkedAt When it was last seen to be the source's latest.
/// @param sessions `types/FeedSessions.sol`; 0: always open.
/// @param open Now.
/// @param stream What orders settle by; no source where they settle by the asset's own.
/// @param window Of the stream, s.
/// @param changedAt When source or stream have changed last; 0: never.
/// @param proposal A source in shadow; zeros without one.
/// @param proposed What it shows.
struct FeedReading {
    SourceReading source;
    FeedLimits limits;
    Refusal refusal;
    bool settling;
    bool dead;
    uint256 low;
    uint256 high;
    uint256 price;
    uint80 round;
    uint256 updatedAt;
    uint256 checkedAt;
    uint256 graceUntil;
    HaltReading halt;
    uint256 sessions;
    bool open;
    SourceReading stream;
    uint256 window;
    uint256 changedAt;
    Proposal proposal;
    SourceReading proposed;
}

/// @notice What holds for all assets.
/// @param sequencer Its uptime feed; 0: none is watched.
/// @param up The sequencer is up.
/// @param settled It is up and past its grace period.
/// @param upSince When it came up last; 0 while it is down, and without an uptime feed.
/// @param pegHeld The settlement token's price is not refused and inside its band.
/// @param settlementPrice Its price, WAD.
struct EnvironmentReading {
    address sequencer;
    bool up;
    bool settled;
    uint256 upSince;
    uint256 sequencerGrace;
    bool pegHeld;
    uint256 settlementPrice;
    uint256 pegLow;
    uint256 pegHigh;
}

/// @title IOracleHealth
/// @notice What the prices of a deployment are worth now, for people and programs that watch it. Writes nothing, and
/// nothing depends on it. Reads every feed past the guards, and beside that what the guards make of it.
/// @dev `health` and `feed` pass on the oracle's `InsufficientGas`. No feed makes them revert by what it answers.
interface IOracleHealth {
    /// @notice Whose prices.
    function oracle() external view returns (IPriceOracle);

    /// @notice Everything, assets in the order of their indices. For calls off the chain: reads each feed several times.
    function health() external view returns (EnvironmentReading memory environment, FeedReading[] memory feeds);

    /// @notice One asset. Reverts with the oracle's `UnknownAsset` for one that is not listed.
    function feed(uint256 asset) external view returns (FeedReading memory);
}
