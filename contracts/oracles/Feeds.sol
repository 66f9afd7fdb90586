// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {CodeTable} from "../libraries/CodeTable.sol";
import {Conditions, toConditions} from "../types/Conditions.sol";
import {FeedBounds} from "../types/FeedBounds.sol";
import {FeedChange} from "../types/FeedChange.sol";
import {FeedEnvironment} from "../types/FeedEnvironment.sol";
import {FeedHalt} from "../types/FeedHalt.sol";
import {FeedPegBand} from "../types/FeedPegBand.sol";
import {FeedRegistry, NO_ASSET, toFeedRegistry} from "../types/FeedRegistry.sol";
import {FeedRound} from "../types/FeedRound.sol";
import {FeedSessions} from "../types/FeedSessions.sol";
import {FeedSettlement} from "../types/FeedSettlement.sol";
import {FeedShadow} from "../types/FeedShadow.sol";
import {FeedSource} from "../types/FeedSource.sol";
import {FeedState} from "../types/FeedState.sol";
import {Price, Refusal, SPREAD_UNIT, toPrice} from "../types/Price.sol";
import {ChainlinkPush} from "./ChainlinkPush.sol";
import {IPriceOracle} from "./IPriceOracle.sol";

/// @notice A source in shadow. It has no flags.
struct Candidate {
    FeedSource source;
    FeedBounds bounds;
    FeedShadow shadow;
}

/// @title Feeds
/// @notice What the price oracle and its extension share: storage, the table of feeds, the guards, and what this
/// transaction has read.
abstract contract Feeds is AccessManaged {
    using ChainlinkPush for FeedSource;

    uint256 internal constant WAD = 1e18;

    // Table: environment 32 | peg band 32 | per asset: source 32, bounds 32, settlement 32, sessions 32.
    uint256 internal constant HEADER_BYTES = 64;
    uint256 internal constant ASSET_BYTES = 128;
    uint256 internal constant PEG_OFFSET = 32;
    uint256 internal constant BOUNDS = 32;
    uint256 internal constant SETTLEMENT = 64;
    uint256 internal constant SESSIONS = 96;

    // Transient slots: one per asset and region, and one for the conditions.
    uint256 internal constant T_PRICE = 0x000;
    uint256 internal constant T_ROUND = 0x100;
    uint256 internal constant T_PROOF = 0x200;
    uint256 internal constant T_CONDITIONS = 0x300;

    /// @dev Marks in the transient conditions: what this transaction has established.
    uint256 internal constant SEQUENCER_READ = 1 << 255;
    uint256 internal constant PEG_READ = 1 << 254;
    /// @dev Marks a transient price, so that no price is mistaken for an unread one.
    uint256 internal constant PRICE_READ = 1 << 255;

    FeedRegistry internal registry;
    mapping(uint256 asset => FeedState) internal states;
    mapping(uint256 asset => FeedHalt) internal halts;
    mapping(uint256 asset => FeedChange) internal changes;
    mapping(uint256 asset => Candidate) internal candidates;

    constructor(address authority_) AccessManaged(authority_) {
        registry = toFeedRegistry(address(0), 0, NO_ASSET, NO_ASSET, false);
    }

    // ---------------------------------------------------------------- guards

    /// @dev Everything a reading finds out, without effect: `read` stores it, `peek` does not.
    /// @return price What the guards make of the asset.
    /// @return latest The feed's latest round; marked cached if it has been read, now or before.
    /// @return state As stored.
    /// @return next As it is to be stored.
    function _quote(
        FeedRegistry registry_,
        uint256 asset,
        bool up,
        bool recheck
    ) internal view returns (Price price, FeedRound latest, FeedState state, FeedState next) {
        state = states[asset];
        next = state;
        (FeedSource source, FeedBounds bounds) = _feed(registry_.table(), asset);

        Refusal refusal;
        // The last time at which the feed had an answer worth the name: it tells a dead feed from one nobody has read.
        uint256 heardAt = state.updatedAt();
        if (!up) {
            refusal = Refusal.SequencerDown;
        } else if (state.halted()) {
            refusal = Refusal.Halted;
            heardAt = state.checkedAt();
        } else {
            latest = _latest(source, asset);
            if (!source.hasSessions() && _isAcceptable(latest, state, source, bounds)) {
                return (_livePrice(latest, state), latest, state, state.accept(latest, block.timestamp));
            }
            FeedRound round = latest;
            bool isNewer = _isNewer(round, state);
            // Time never goes back: an older round than the accepted one, from a new aggregator, leaves it in place.
            if (!isNewer && round.complete()) round = state.asRound();

            refusal = _refusalNow(registry_, asset, round, source, bounds);
            if (refusal == Refusal.None && isNewer && !_isNear(round.answer(), state.answer(), source.jump())) {
                refusal = Refusal.Jump;
            }
            if (refusal == Refusal.None) {
                if (isNewer) next = state.accept(round, block.timestamp);
                else if (recheck) next = state.checked(block.timestamp);
                return (_livePrice(round, state), latest, state, next);
            }
            if (refusal == Refusal.Stale || refusal == Refusal.Jump || refusal == Refusal.Closed) {
                heardAt = Math.max(heardAt, round.updatedAt());
            }
        }
        price = toPrice({
            last_: state.answer(),
            spread_: bounds.spread(),
            refusal_: refusal,
            settling_: block.timestamp < state.graceUntil(),
            dead_: block.timestamp > heardAt + bounds.deadAfter(),
            updatedAt_: state.updatedAt()
        });
    }

    /// @dev The ordinary case, decided at once: a newer round that no guard refuses.
    function _isAcceptable(
        FeedRound round,
        FeedState state,
        FeedSource source,
        FeedBounds bounds
    ) internal view returns (bool) {
        return
            _isNewer(round, state) &&
            _isSound(round, source, bounds) &&
            _isNear(round.answer(), state.answer(), source.jump());
    }

    /// @dev The guards of a single round. A lower bound above 0 and a bounded age imply an answer and a time.
    function _isSound(FeedRound round, FeedSource source, FeedBounds bounds) internal view returns (bool) {
        uint256 startedAt = round.startedAt();
        if (startedAt == 0 || startedAt > block.timestamp) return false;
        unchecked {
            // A time in the future wraps around to a great age.
            if (block.timestamp - round.updatedAt() > source.maxAge()) return false;
        }
        return bounds.contain(round.answer());
    }

    /// @dev What `round`, which passes all guards, makes of the asset.
    function _livePrice(FeedRound round, FeedState state) internal view returns (Price) {
        return
            toPrice({
                last_: round.answer(),
                spread_: 0,
                refusal_: Refusal.None,
                settling_: block.timestamp < state.graceUntil(),
                dead_: false,
                updatedAt_: round.updatedAt()
            });
    }

    /// @dev What keeps a single round from counting now; the jump needs the price before it.
    function _refusalNow(
        FeedRegistry registry_,
        uint256 asset,
        FeedRound round,
        FeedSource source,
        FeedBounds bounds
    ) internal view returns (Refusal refusal) {
        refusal = _refusalOf(round, source, bounds);
        // What is closed falls silent: that it is closed says more.
        if (source.hasSessions() && (refusal == Refusal.None || refusal == Refusal.Stale)) {
            if (round.updatedAt() < _sessions(registry_.table(), asset).openedAt(block.timestamp)) {
                return Refusal.Closed;
            }
        }
    }

    /// @dev Names what `_isSound` finds.
    function _refusalOf(FeedRound round, FeedSource source, FeedBounds bounds) internal view returns (Refusal) {
        if (_isSound(round, source, bounds)) return Refusal.None;
        if (!round.complete()) return Refusal.Missing;
        if (round.answer() == 0) return Refusal.NonPositive;
        if (round.updatedAt() > block.timestamp || round.startedAt() > block.timestamp) return Refusal.Future;
        return block.timestamp - round.updatedAt() > source.maxAge() ? Refusal.Stale : Refusal.OutOfBounds;
    }

    /// @dev Later by time and by id: clocks of two aggregators may disagree, ids never fall.
    function _isNewer(FeedRound round, FeedState state) internal pure returns (bool) {
        return round.id() > state.roundId() && round.updatedAt() >= state.updatedAt();
    }

    /// @dev |price − base| ≤ base · jump.
    function _isNear(uint256 price, uint256 base, uint256 jump) internal pure returns (bool) {
        unchecked {
            // Both prices are below 2^96, the factors below 2^20.
            uint256 distance = price > base ? price - base : base - price;
            return distance * SPREAD_UNIT <= base * jump;
        }
    }

    function _wasOpen(address table, uint256 asset, FeedSource source, FeedRound round) internal view returns (bool) {
        return !source.hasSessions() || _sessions(table, asset).isOpen(round.updatedAt());
    }

    // ---------------------------------------------------------------- what this transaction has read

    function _readPrice(FeedRegistry registry_, uint256 asset, bool up, bool recheck) internal returns (Price) {
        uint256 word = _tload(T_PRICE + asset);
        if (word == 0) {
            (Price price, FeedRound latest, FeedState state, FeedState next) = _quote(registry_, asset, up, recheck);
            if (next != state) states[asset] = next;
            if (latest.isCached()) _tstore(T_ROUND + asset, FeedRound.unwrap(latest));
            word = Price.unwrap(price) | PRICE_READ;
            _tstore(T_PRICE + asset, word);
        }
        return Price.wrap(word & ~PRICE_READ);
    }

    function _readSequencer(FeedRegistry registry_) internal returns (Conditions) {
        uint256 word = _tload(T_CONDITIONS);
        if (word == 0) {
            word = Conditions.unwrap(_sequencer(registry_)) | SEQUENCER_READ;
            _tstore(T_CONDITIONS, word);
        }
        return _sequencerPart(word);
    }

    /// @dev The latest round, read from the feed at most once per transaction.
    function _readLatest(FeedSource source, uint256 asset) internal returns (FeedRound round) {
        round = FeedRound.wrap(_tload(T_ROUND + asset));
        if (!round.isCached()) {
            round = source.latest().asCached();
            _tstore(T_ROUND + asset, FeedRound.unwrap(round));
        }
    }

    function _latest(FeedSource source, uint256 asset) internal view returns (FeedRound round) {
        round = FeedRound.wrap(_tload(T_ROUND + asset));
        if (!round.isCached()) round = source.latest().asCached();
    }

    function _sequencer(FeedRegistry registry_) internal view returns (Conditions) {
        if (!registry_.watched()) return toConditions(true, true, false, 0, 0);
        FeedEnvironment environment_ = _environment(registry_);
        (bool ok, int256 answer, uint256 startedAt) = ChainlinkPush.uptime(environment_.sequencer());
        // A start of 0: the uptime feed has not been initialised.
        bool up = ok && answer == 0 && startedAt != 0 && startedAt <= block.timestamp;
        if (!up) return toConditions(false, false, false, 0, 0);
        bool settled = block.timestamp - startedAt > environment_.sequencerGrace();
        return toConditions(true, settled, false, startedAt, 0);
    }

    function _sequencerPart(uint256 word) internal pure returns (Conditions) {
        Conditions all = Conditions.wrap(word);
        return toConditions(all.sequencerUp(), all.sequencerSettled(), false, all.upSince(), 0);
    }

    function _tload(uint256 slot) internal view returns (uint256 word) {
        assembly ("memory-safe") {
            word := tload(slot)
        }
    }

    function _tstore(uint256 slot, uint256 word) internal {
        assembly ("memory-safe") {
            tstore(slot, word)
        }
    }

    // ---------------------------------------------------------------- table

    function _environment(FeedRegistry registry_) internal view returns (FeedEnvironment) {
        return FeedEnvironment.wrap(CodeTable.word(registry_.table(), 0));
    }

    function _feed(address table, uint256 asset) internal view returns (FeedSource, FeedBounds) {
        (uint256 source, uint256 bounds) = CodeTable.words2(table, _offset(asset));
        return (FeedSource.wrap(source), FeedBounds.wrap(bounds));
    }

    function _settlement(address table, uint256 asset) internal view returns (FeedSettlement) {
        return FeedSettlement.wrap(CodeTable.word(table, _offset(asset) + SETTLEMENT));
    }

    function _sessions(address table, uint256 asset) internal view returns (FeedSessions) {
        return FeedSessions.wrap(CodeTable.word(table, _offset(asset) + SESSIONS));
    }

    function _offset(uint256 asset) internal pure returns (uint256) {
        unchecked {
            return HEADER_BYTES + asset * ASSET_BYTES;
        }
    }

    function _requireAsset(FeedRegistry registry_, uint256 asset) internal pure {
        if (asset >= registry_.count()) revert IPriceOracle.UnknownAsset(asset, registry_.count());
    }

    function _pegBand(FeedRegistry registry_) internal view returns (FeedPegBand) {
        return FeedPegBand.wrap(CodeTable.word(registry_.table(), PEG_OFFSET));
    }

    function _requireListed(FeedRegistry registry_, uint256 assets) internal pure {
        if (assets >> registry_.count() != 0) revert IPriceOracle.UnknownAssets(assets, registry_.count());
    }

    /// @dev The lowest index of a bitmap that is not empty.
    function _lowest(uint256 assets) internal pure returns (uint256 index) {
        assembly ("memory-safe") {
            index := sub(255, clz(and(assets, sub(0, assets))))
        }
    }
}
