// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AggregatorV3Interface} from "@chainlink/contracts/src/v0.8/shared/interfaces/AggregatorV3Interface.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {CodeTable} from "../libraries/CodeTable.sol";
import {FeedBounds, toFeedBounds} from "../types/FeedBounds.sol";
import {toFeedChange} from "../types/FeedChange.sol";
import {FeedEnvironment, toFeedEnvironment} from "../types/FeedEnvironment.sol";
import {FeedPegBand, toFeedPegBand} from "../types/FeedPegBand.sol";
import {FeedRegistry, NO_ASSET, toFeedRegistry} from "../types/FeedRegistry.sol";
import {FeedRound} from "../types/FeedRound.sol";
import {FeedSessions, MAX_SESSIONS, WEEK_MINUTES} from "../types/FeedSessions.sol";
import {FeedSettlement, NO_SETTLEMENT, toFeedSettlement} from "../types/FeedSettlement.sol";
import {FeedShadow, toFeedShadow} from "../types/FeedShadow.sol";
import {FeedKind, FeedSource, toFeedSource} from "../types/FeedSource.sol";
import {FeedState} from "../types/FeedState.sol";
import {Price, Refusal, SPREAD_UNIT} from "../types/Price.sol";
import {ChainlinkPush} from "./ChainlinkPush.sol";
import {Candidate, Feeds} from "./Feeds.sol";
import {Environment, FeedInput, FeedLimits, IPriceOracle} from "./IPriceOracle.sol";

/// @title FeedGovernance
/// @notice The verbs of the price oracle that change where prices come from and how they are guarded. Documented in
/// `IPriceOracle`.
abstract contract FeedGovernance is Feeds {
    using ChainlinkPush for FeedSource;

    uint256 private constant MAX_ASSETS = 96;
    uint256 private constant MIN_MAX_AGE = 1 minutes;
    uint256 private constant MAX_MAX_AGE = 3 days;
    /// @dev With the lag of observed rounds still less than the time after which an order can be abandoned.
    uint256 private constant MAX_WINDOW = 7 days;
    uint256 private constant MAX_STREAM_WINDOW = 1 hours;
    uint256 private constant MIN_JUMP = 5_000;
    uint256 private constant MAX_JUMP = 500_000;
    uint256 private constant MIN_SPREAD = 1_000;
    uint256 private constant MAX_DEAD_AFTER = 30 days;
    uint256 private constant MIN_GRACE = 5 minutes;
    uint256 private constant MAX_GRACE = 1 days;
    uint256 private constant MIN_PEG = 0.9e18;
    uint256 private constant MAX_PEG = 1.1e18;
    uint256 private constant MAX_DECIMALS = 18;

    /// @dev How long a proposed source must have agreed, watched at least so often, within at most so much.
    uint256 private constant SHADOW_TIME = 24 hours;
    uint256 private constant MAX_WATCH_GAP = 2 hours;
    uint256 private constant MAX_TOLERANCE = 20_000;
    /// @dev By then every order has been executed or can be abandoned.
    uint256 private constant CHANGE_GAP = 8 days;

    // ---------------------------------------------------------------- configuration

    function list(FeedInput[] calldata feeds) external restricted {
        FeedRegistry registry_ = registry;
        uint256 first = registry_.count();
        uint256 total = first + feeds.length;
        if (total > MAX_ASSETS) revert IPriceOracle.TooManyAssets(total, MAX_ASSETS);

        bytes memory data = new bytes(HEADER_BYTES + total * ASSET_BYTES);
        _copy(CodeTable.read(registry_.table()), data);
        for (uint256 i = 0; i < feeds.length; ++i) _list(data, first + i, feeds[i]);
        _writeTable(registry_, data, total);
    }

    function _list(bytes memory data, uint256 asset, FeedInput calldata input) private {
        (FeedSource source, FeedBounds bounds) = _checkInput(data, asset, asset, input);
        FeedRound round = source.latest();
        _requireSound(round, source, bounds);

        _setFeed(data, asset, source, bounds);
        states[asset] = FeedState.wrap(0).accept(round, block.timestamp);
        emit IPriceOracle.FeedListed(asset, input.proxy, input.kind, input.limits);
    }

    /// @dev A proxy that none of the first `total` assets has but `asset`, with limits that are possible.
    function _checkInput(
        bytes memory data,
        uint256 total,
        uint256 asset,
        FeedInput calldata input
    ) private view returns (FeedSource, FeedBounds) {
        uint256 decimals = _decimalsOf(input.proxy);
        _requireUnlisted(data, total, asset, input.proxy);
        return _checkLimits(input.proxy, decimals, input.kind, input.limits);
    }

    function _requireUnlisted(bytes memory data, uint256 total, uint256 asset, address proxy) private pure {
        for (uint256 other = 0; other < total; ++other) {
            FeedSource listed = FeedSource.wrap(_word(data, _offset(other)));
            if (listed.proxy() == proxy && other != asset) revert IPriceOracle.ProxyListed(proxy, other);
        }
    }

    function _decimalsOf(address proxy) private view returns (uint256 decimals) {
        if (proxy.code.length == 0) revert IPriceOracle.ProxyNotContract(proxy);
        decimals = AggregatorV3Interface(proxy).decimals();
        if (decimals > MAX_DECIMALS) revert IPriceOracle.DecimalsTooMany(proxy, decimals, MAX_DECIMALS);
    }

    function _requireSound(FeedRound round, FeedSource source, FeedBounds bounds) private view {
        Refusal refusal = _refusalOf(round, source, bounds);
        if (refusal != Refusal.None) revert IPriceOracle.FeedNotLive(source.proxy(), refusal);
    }

    function configure(uint256 asset, FeedLimits calldata limits) external restricted {
        FeedRegistry registry_ = registry;
        _requireAsset(registry_, asset);
        address table = registry_.table();
        (FeedSource old, FeedBounds bounds) = _feed(table, asset);
        Refusal refusal = _requireHarmless(registry_, asset, bounds, limits);
        FeedSource source;
        (source, bounds) = _checkLimits(old.proxy(), old.decimals(), old.kind(), limits);
        source = source.withFlagsOf(old);
        _requireOutlasting(_sessions(table, asset), source, bounds);
        // After an outage nobody is liquidated for a while, whatever the prices.
        if (refusal != Refusal.None && refusal != Refusal.SequencerDown) {
            _keepRefused(registry_, asset, source, bounds, refusal);
        }

        bytes memory data = CodeTable.read(table);
        _setFeed(data, asset, source, bounds);
        _writeTable(registry_, data, registry_.count());
        emit IPriceOracle.FeedConfigured(asset, limits);
    }

    /// @dev Nobody is liquidated for new limits: a live price may lose its standing, but is not dead by them; an interval does
    /// not shrink, and is not dead sooner.
    function _requireHarmless(
        FeedRegistry registry_,
        uint256 asset,
        FeedBounds bounds,
        FeedLimits calldata limits
    ) private returns (Refusal) {
        Price price = _readPrice(registry_, asset, _readSequencer(registry_).sequencerUp(), false);
        uint256 deadAfter = bounds.deadAfter();
        if (price.live()) deadAfter = block.timestamp - price.updatedAt();
        else _requireRange("spread", limits.spread, bounds.spread(), SPREAD_UNIT);
        _requireRange("deadAfter", limits.deadAfter, deadAfter, MAX_DEAD_AFTER);
        return price.refusal();
    }

    /// @dev What is refused counts at its better end. Live again by governance's own act, it would take that from accounts
    /// whose other legs can be liquidated. Nor may the next `update` end a halt by the new limits: its clock restarts.
    function _keepRefused(
        FeedRegistry registry_,
        uint256 asset,
        FeedSource source,
        FeedBounds bounds,
        Refusal refusal
    ) private {
        FeedState state = states[asset];
        FeedRound latest = _readLatest(source, asset);
        FeedRound round = latest;
        // As in a reading, which then judges the accepted round.
        if (!_isNewer(round, state) && round.complete()) round = state.asRound();
        bool sound = _refusalNow(registry_, asset, round, source, bounds) == Refusal.None;
        if (sound && _isNear(round.answer(), state.answer(), source.jump())) {
            revert IPriceOracle.RefusedNow(asset, refusal, round.answer());
        }
        if (!state.halted()) return;
        halts[asset] = halts[asset].replace(latest, block.timestamp);
        emit IPriceOracle.JumpHalted(asset, state.answer(), latest.answer(), uint80(latest.id()));
    }

    /// @dev No asset is dead because it is closed.
    function _requireOutlasting(FeedSessions sessions, FeedSource source, FeedBounds bounds) private pure {
        uint256 silence = sessions.longestClosure() + source.maxAge();
        _requireRange("deadAfter", bounds.deadAfter(), silence, MAX_DEAD_AFTER);
    }

    function setSessions(uint256 asset, uint256 sessions) external restricted {
        FeedRegistry registry_ = registry;
        _requireAsset(registry_, asset);
        address table = registry_.table();
        (FeedSource source, FeedBounds bounds) = _feed(table, asset);
        FeedSessions next = FeedSessions.wrap(sessions);
        _checkSessions(next);
        _requireOutlasting(next, source, bounds);
        // What is live is accepted before it may close.
        _readPrice(registry_, asset, _readSequencer(registry_).sequencerUp(), false);
        if (source.hasSessions()) {
            // Also where another refusal hides it.
            uint256 heardAt = Math.max(_readLatest(source, asset).updatedAt(), states[asset].updatedAt());
            bool closed = heardAt < _sessions(table, asset).openedAt(block.timestamp);
            if (closed && heardAt >= next.openedAt(block.timestamp)) revert IPriceOracle.ClosedNow(asset);
        }

        bytes memory data = CodeTable.read(table);
        _setFeed(data, asset, source.withSessions(sessions != 0), bounds);
        _setWord(data, _offset(asset) + SESSIONS, sessions);
        _writeTable(registry_, data, registry_.count());
        emit IPriceOracle.SessionsSet(asset, sessions);
    }

    function _checkSessions(FeedSessions sessions) private pure {
        uint256 total = sessions.count();
        if (total > MAX_SESSIONS) revert IPriceOracle.TooManySessions(total, MAX_SESSIONS);
        uint256 end = 0;
        for (uint256 i = 0; i < total; ++i) {
            (uint256 opens, uint256 closes) = (sessions.opensAt(i), sessions.closesAt(i));
            if (opens < end || closes <= opens || closes > WEEK_MINUTES) {
                revert IPriceOracle.SessionInvalid(i, opens, closes);
            }
            end = closes;
        }
    }

    function setEnvironment(Environment calldata environment_) external restricted {
        FeedRegistry registry_ = registry;
        _requireRange("sequencerGrace", environment_.sequencerGrace, MIN_GRACE, MAX_GRACE);
        _requireRange("haltGrace", environment_.haltGrace, MIN_GRACE, MAX_GRACE);
        _requireRange("pegLow", environment_.pegLow, MIN_PEG, WAD);
        _requireRange("pegHigh", environment_.pegHigh, WAD, MAX_PEG);
        if (environment_.pegAsset != NO_ASSET) _requireAsset(registry_, environment_.pegAsset);
        if (environment_.nativeAsset != NO_ASSET) _requireAsset(registry_, environment_.nativeAsset);
        // Those whom a grace protects keep it. Only an uptime feed that is replaced ends it.
        if (!_sequencer(registry_).sequencerSettled()) {
            FeedEnvironment old = _environment(registry_);
            if (environment_.sequencer == old.sequencer()) {
                _requireRange("sequencerGrace", environment_.sequencerGrace, old.sequencerGrace(), MAX_GRACE);
            }
        }
        if (environment_.sequencer != address(0)) {
            (bool ok, , uint256 startedAt) = ChainlinkPush.uptime(environment_.sequencer);
            if (!ok || startedAt == 0) revert IPriceOracle.SequencerUnreadable(environment_.sequencer);
        }

        uint256 total = registry_.count();
        bytes memory data = new bytes(HEADER_BYTES + total * ASSET_BYTES);
        _copy(CodeTable.read(registry_.table()), data);
        FeedEnvironment word = toFeedEnvironment({
            sequencer_: environment_.sequencer,
            sequencerGrace_: environment_.sequencerGrace,
            haltGrace_: environment_.haltGrace
        });
        _setWord(data, 0, FeedEnvironment.unwrap(word));
        _setWord(data, PEG_OFFSET, FeedPegBand.unwrap(toFeedPegBand(environment_.pegLow, environment_.pegHigh)));
        registry = toFeedRegistry({
            table_: CodeTable.write(data),
            count_: total,
            pegAsset_: environment_.pegAsset,
            nativeAsset_: environment_.nativeAsset,
            watched_: environment_.sequencer != address(0)
        });
        emit IPriceOracle.EnvironmentSet(environment_);
    }

    function _checkLimits(
        address proxy,
        uint256 decimals,
        FeedKind kind,
        FeedLimits calldata limits
    ) private pure returns (FeedSource, FeedBounds) {
        _requireRange("maxAge", limits.maxAge, MIN_MAX_AGE, MAX_MAX_AGE);
        // A window shorter than the heartbeat would void orders of a feed that works as it should.
        _requireRange("window", limits.window, limits.maxAge, MAX_WINDOW);
        _requireRange("jump", limits.jump, MIN_JUMP, MAX_JUMP);
        _requireRange("spread", limits.spread, MIN_SPREAD, SPREAD_UNIT);
        _requireRange("deadAfter", limits.deadAfter, limits.maxAge, MAX_DEAD_AFTER);
        _requireRange("minAnswer", limits.minAnswer, 1, type(uint96).max - 2);
        // The widest value is what an answer too wide to be kept reads as.
        _requireRange("maxAnswer", limits.maxAnswer, uint256(limits.minAnswer) + 1, type(uint96).max - 1);
        return (
            toFeedSource({
                proxy_: proxy,
                maxAge_: limits.maxAge,
                window_: limits.window,
                jump_: limits.jump,
                decimals_: decimals,
                kind_: kind
            }),
            toFeedBounds({
                minAnswer_: limits.minAnswer,
                maxAnswer_: limits.maxAnswer,
                spread_: limits.spread,
                deadAfter_: limits.deadAfter
            })
        );
    }

    function _requireRange(bytes32 field, uint256 value, uint256 minimum, uint256 maximum) private pure {
        if (value < minimum || value > maximum) revert IPriceOracle.LimitOutOfRange(field, value, minimum, maximum);
    }

    // ---------------------------------------------------------------- change of what orders settle by

    function setSettlement(uint256 asset, address stream, uint24 window) external restricted {
        FeedRegistry registry_ = registry;
        _requireAsset(registry_, asset);
        address table = registry_.table();
        (FeedSource source, FeedBounds bounds) = _feed(table, asset);
        FeedSettlement settlement = NO_SETTLEMENT;
        if (stream == address(0)) {
            _requireRange("window", window, 0, 0);
        } else {
            _requireRange("window", window, 1, MAX_STREAM_WINDOW);
            settlement = toFeedSettlement(stream, window, _decimalsOf(stream));
            FeedRound report = settlement.asSource().latest();
            Refusal refusal = _refusalOf(report, source, bounds);
            Price price = _readPrice(registry_, asset, _readSequencer(registry_).sequencerUp(), false);
            if (refusal == Refusal.None && !_isNear(report.answer(), price.last(), source.jump())) {
                refusal = Refusal.Jump;
            }
            if (refusal != Refusal.None) revert IPriceOracle.FeedNotLive(stream, refusal);
        }

        bytes memory data = CodeTable.read(table);
        _setWord(data, _offset(asset) + SETTLEMENT, FeedSettlement.unwrap(settlement));
        _change(registry_, data, asset, source.withSettlement(stream != address(0)), bounds);
        emit IPriceOracle.SettlementSet(asset, stream, window);
    }

    /// @dev Puts the words in place and keeps those of before for the orders of before.
    function _change(
        FeedRegistry registry_,
        bytes memory data,
        uint256 asset,
        FeedSource source,
        FeedBounds bounds
    ) private {
        uint256 changedAt = changes[asset].changedAt();
        if (changedAt != 0 && block.timestamp < changedAt + CHANGE_GAP) {
            revert IPriceOracle.ChangedRecently(asset, changedAt + CHANGE_GAP);
        }
        changes[asset] = toFeedChange(registry_.table(), block.timestamp);
        _setFeed(data, asset, source.asReplaced(), bounds);
        _writeTable(registry_, data, registry_.count());
    }

    function proposeSource(uint256 asset, FeedInput calldata input, uint24 tolerance) external restricted {
        FeedRegistry registry_ = registry;
        _requireAsset(registry_, asset);
        address proposed = candidates[asset].source.proxy();
        if (proposed != address(0)) revert IPriceOracle.AlreadyProposed(asset, proposed);
        _requireRange("tolerance", tolerance, 1, MAX_TOLERANCE);
        address table = registry_.table();
        Candidate memory candidate;
        (candidate.source, candidate.bounds) = _checkInput(CodeTable.read(table), registry_.count(), asset, input);
        _requireOutlasting(_sessions(table, asset), candidate.source, candidate.bounds);
        candidate.shadow = toFeedShadow(tolerance, block.timestamp, block.timestamp);
        candidates[asset] = candidate;
        _requireAgreement(registry_, asset, candidate);
        emit IPriceOracle.SourceProposed(asset, input.proxy, input.kind, tolerance, input.limits);
    }

    function watchSource(uint256 asset) external returns (uint256 agreedSince) {
        Candidate memory candidate = _proposed(asset);
        (bool agreed, uint256 price, FeedRound round) = _compare(registry, asset, candidate);
        FeedShadow shadow = candidate.shadow;
        if (agreed) {
            agreedSince = shadow.agreedSince();
            bool watched = block.timestamp - shadow.watchedAt() <= MAX_WATCH_GAP;
            if (agreedSince == 0 || !watched) agreedSince = block.timestamp;
        }
        candidates[asset].shadow = toFeedShadow(shadow.tolerance(), agreedSince, block.timestamp);
        emit IPriceOracle.SourceWatched(asset, price, round.answer(), agreedSince);
    }

    function adoptSource(uint256 asset) external restricted {
        FeedRegistry registry_ = registry;
        Candidate memory candidate = _proposed(asset);
        (uint256 agreedSince, uint256 watchedAt) = (candidate.shadow.agreedSince(), candidate.shadow.watchedAt());
        if (agreedSince == 0 || block.timestamp < agreedSince + SHADOW_TIME) {
            revert IPriceOracle.ShadowTooShort(asset, agreedSince, SHADOW_TIME);
        }
        if (block.timestamp > watchedAt + MAX_WATCH_GAP) {
            revert IPriceOracle.NotWatched(asset, watchedAt, MAX_WATCH_GAP);
        }
        FeedRound round = _requireAgreement(registry_, asset, candidate);
        FeedState state = states[asset];
        if (round.updatedAt() < state.updatedAt()) {
            revert IPriceOracle.PriceGoesBack(asset, round.updatedAt(), state.updatedAt());
        }
        address table = registry_.table();
        _requireOutlasting(_sessions(table, asset), candidate.source, candidate.bounds);

        bytes memory data = CodeTable.read(table);
        // The listing of another asset may have taken the proxy meanwhile.
        _requireUnlisted(data, registry_.count(), asset, candidate.source.proxy());
        (FeedSource old, ) = _feed(table, asset);
        _change(registry_, data, asset, candidate.source.withFlagsOf(old), candidate.bounds);
        // The step from one source's price to the other's liquidates nobody.
        uint256 graceUntil = block.timestamp + _environment(registry_).haltGrace();
        states[asset] = state.accept(round, block.timestamp).resolve(Math.max(state.graceUntil(), graceUntil));
        // Rounds of the old source are not to be taken for the new one's.
        _tstore(T_ROUND + asset, FeedRound.unwrap(round.asCached()));
        delete candidates[asset];
        emit IPriceOracle.SourceAdopted(asset, candidate.source.proxy(), round.answer(), uint80(round.id()));
    }

    function cancelSource(uint256 asset) external restricted {
        _proposed(asset);
        delete candidates[asset];
        emit IPriceOracle.SourceCancelled(asset);
    }

    function _proposed(uint256 asset) private view returns (Candidate memory candidate) {
        candidate = candidates[asset];
        if (candidate.source.proxy() == address(0)) revert IPriceOracle.NotProposed(asset);
    }

    function _requireAgreement(
        FeedRegistry registry_,
        uint256 asset,
        Candidate memory candidate
    ) private returns (FeedRound round) {
        bool agreed;
        uint256 price;
        (agreed, price, round) = _compare(registry_, asset, candidate);
        if (!agreed) revert IPriceOracle.SourcesDisagree(asset, price, round.answer(), candidate.shadow.tolerance());
    }

    /// @dev The prices of the source in use and of the proposed one, both live.
    function _compare(
        FeedRegistry registry_,
        uint256 asset,
        Candidate memory candidate
    ) private returns (bool agreed, uint256 last, FeedRound round) {
        Price price = _readPrice(registry_, asset, _readSequencer(registry_).sequencerUp(), false);
        if (!price.live()) revert IPriceOracle.SourceNotLive(asset, price.refusal());
        last = price.last();
        // The asset's own hours count for both.
        (FeedSource listed, ) = _feed(registry_.table(), asset);
        FeedSource source = candidate.source.withFlagsOf(listed);
        round = source.latest();
        Refusal refusal = _refusalNow(registry_, asset, round, source, candidate.bounds);
        if (refusal != Refusal.None) revert IPriceOracle.FeedNotLive(source.proxy(), refusal);
        agreed = _isNear(round.answer(), last, candidate.shadow.tolerance());
    }

    // ---------------------------------------------------------------- writing the table

    function _writeTable(FeedRegistry registry_, bytes memory data, uint256 total) private {
        registry = toFeedRegistry({
            table_: CodeTable.write(data),
            count_: total,
            pegAsset_: registry_.pegAsset(),
            nativeAsset_: registry_.nativeAsset(),
            watched_: registry_.watched()
        });
    }

    function _setFeed(bytes memory data, uint256 asset, FeedSource source, FeedBounds bounds) private pure {
        _setWord(data, _offset(asset), FeedSource.unwrap(source));
        _setWord(data, _offset(asset) + BOUNDS, FeedBounds.unwrap(bounds));
    }

    function _setWord(bytes memory data, uint256 offset, uint256 value) private pure {
        assembly ("memory-safe") {
            mstore(add(add(data, 0x20), offset), value)
        }
    }

    function _word(bytes memory data, uint256 offset) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(add(data, 0x20), offset))
        }
    }

    /// @dev `target` is at least as long as `from`.
    function _copy(bytes memory from, bytes memory target) private pure {
        assembly ("memory-safe") {
            mcopy(add(target, 0x20), add(from, 0x20), mload(from))
        }
    }
}
