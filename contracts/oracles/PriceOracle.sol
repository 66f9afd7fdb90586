// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AggregatorV3Interface} from "@chainlink/contracts/src/v0.8/shared/interfaces/AggregatorV3Interface.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IOracle, RoundHint, Verdict} from "../interfaces/IOracle.sol";
import {CodeTable} from "../libraries/CodeTable.sol";
import {Conditions, toConditions} from "../types/Conditions.sol";
import {FeedBounds, toFeedBounds} from "../types/FeedBounds.sol";
import {FeedEnvironment, toFeedEnvironment} from "../types/FeedEnvironment.sol";
import {FeedHalt, NO_HALT, toFeedHalt} from "../types/FeedHalt.sol";
import {FeedPegBand, toFeedPegBand} from "../types/FeedPegBand.sol";
import {FeedProof, toFeedProof} from "../types/FeedProof.sol";
import {FeedRegistry, NO_ASSET, toFeedRegistry} from "../types/FeedRegistry.sol";
import {FeedRound} from "../types/FeedRound.sol";
import {FeedSource, toFeedSource} from "../types/FeedSource.sol";
import {FeedState} from "../types/FeedState.sol";
import {Price, Refusal, SPREAD_UNIT, toPrice} from "../types/Price.sol";
import {ChainlinkPush} from "./ChainlinkPush.sol";
import {Environment, FeedInput, FeedLimits, IPriceOracle} from "./IPriceOracle.sol";

/// @title PriceOracle
contract PriceOracle is IPriceOracle, AccessManaged {
    using ChainlinkPush for FeedSource;

    uint256 private constant MAX_ASSETS = 96;
    uint256 private constant WAD = 1e18;

    /// @dev Oldest stored price of the settlement token that the peg guard uses.
    uint256 private constant PEG_AGE = 15 minutes;
    /// @dev Oldest stored price of the native token, which keepers are paid by.
    uint256 private constant NATIVE_AGE = 1 hours;
    /// @dev How long a jump must last, and how many rounds must follow it, before it is accepted.
    uint256 private constant HALT_TIME = 10 minutes;
    uint256 private constant HALT_ROUNDS = 2;
    uint256 private constant VETO_TIME = 24 hours;

    uint256 private constant MIN_MAX_AGE = 1 minutes;
    uint256 private constant MAX_MAX_AGE = 3 days;
    uint256 private constant MAX_WINDOW = 7 days;
    uint256 private constant MIN_JUMP = 5_000;
    uint256 private constant MAX_JUMP = 500_000;
    uint256 private constant MIN_SPREAD = 1_000;
    uint256 private constant MAX_DEAD_AFTER = 30 days;
    uint256 private constant MIN_GRACE = 5 minutes;
    uint256 private constant MAX_GRACE = 1 days;
    uint256 private constant MIN_PEG = 0.9e18;
    uint256 private constant MAX_PEG = 1.1e18;
    uint256 private constant MAX_DECIMALS = 18;

    // Table: environment 32 | peg band 32 | per asset: source 32, bounds 32.
    uint256 private constant HEADER_BYTES = 64;
    uint256 private constant ASSET_BYTES = 64;
    uint256 private constant PEG_OFFSET = 32;

    // Transient slots: one per asset and region, and one for the conditions.
    uint256 private constant T_PRICE = 0x000;
    uint256 private constant T_ROUND = 0x100;
    uint256 private constant T_PROOF = 0x200;
    uint256 private constant T_CONDITIONS = 0x300;

    /// @dev Marks in the transient conditions: what this transaction has established.
    uint256 private constant SEQUENCER_READ = 1 << 255;
    uint256 private constant PEG_READ = 1 << 254;
    /// @dev Marks a transient price, so that no price is mistaken for an unread one.
    uint256 private constant PRICE_READ = 1 << 255;

    FeedRegistry private registry;
    mapping(uint256 asset => FeedState) private states;
    mapping(uint256 asset => FeedHalt) private halts;

    constructor(address authority_) AccessManaged(authority_) {
        registry = toFeedRegistry(address(0), 0, NO_ASSET, NO_ASSET, false);
    }

    // ---------------------------------------------------------------- read

    /// @inheritdoc IOracle
    function read(uint256 assets, bool needPeg) external returns (Conditions conditions, Price[] memory prices) {
        FeedRegistry registry_ = registry;
        _requireListed(registry_, assets);
        conditions = _readSequencer(registry_);
        bool up = conditions.sequencerUp();

        prices = new Price[](_count(assets));
        unchecked {
            for (uint256 i = 0; assets != 0; ++i) {
                prices[i] = _readPrice(registry_, _lowest(assets), up, false);
                assets &= assets - 1;
            }
        }
        if (needPeg) conditions = _readPeg(registry_, conditions);
    }

    function _readPrice(FeedRegistry registry_, uint256 asset, bool up, bool recheck) private returns (Price) {
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

    function _readSequencer(FeedRegistry registry_) private returns (Conditions) {
        uint256 word = _tload(T_CONDITIONS);
        if (word == 0) {
            word = Conditions.unwrap(_sequencer(registry_)) | SEQUENCER_READ;
            _tstore(T_CONDITIONS, word);
        }
        return _sequencerPart(word);
    }

    function _readPeg(FeedRegistry registry_, Conditions conditions) private returns (Conditions) {
        uint256 word = _tload(T_CONDITIONS);
        if (word & PEG_READ == 0) {
            uint256 asset = registry_.pegAsset();
            bool held;
            uint256 price;
            if (asset != NO_ASSET) {
                (held, price) = _recent(asset, PEG_AGE);
                if (!held) {
                    Price fresh = _readPrice(registry_, asset, conditions.sequencerUp(), true);
                    (held, price) = (fresh.live(), fresh.last());
                }
                held = held && _pegBand(registry_).contains(price);
            }
            word = Conditions.unwrap(_withPeg(conditions, held, price)) | SEQUENCER_READ | PEG_READ;
            _tstore(T_CONDITIONS, word);
        }
        return Conditions.wrap(word & ~(SEQUENCER_READ | PEG_READ));
    }

    /// @inheritdoc IOracle
    function peek(uint256 assets, bool needPeg) external view returns (Conditions conditions, Price[] memory prices) {
        FeedRegistry registry_ = registry;
        _requireListed(registry_, assets);
        uint256 word = _tload(T_CONDITIONS);
        conditions = word == 0 ? _sequencer(registry_) : _sequencerPart(word);
        bool up = conditions.sequencerUp();

        prices = new Price[](_count(assets));
        unchecked {
            for (uint256 i = 0; assets != 0; ++i) {
                prices[i] = _peekPrice(registry_, _lowest(assets), up);
                assets &= assets - 1;
            }
        }
        if (!needPeg) return (conditions, prices);
        if (word & PEG_READ != 0) return (Conditions.wrap(word & ~(SEQUENCER_READ | PEG_READ)), prices);

        uint256 asset = registry_.pegAsset();
        if (asset == NO_ASSET) return (conditions, prices);
        (bool held, uint256 price) = _recent(asset, PEG_AGE);
        if (!held) {
            Price fresh = _peekPrice(registry_, asset, up);
            (held, price) = (fresh.live(), fresh.last());
        }
        conditions = _withPeg(conditions, held && _pegBand(registry_).contains(price), price);
    }

    function _peekPrice(FeedRegistry registry_, uint256 asset, bool up) private view returns (Price price) {
        uint256 word = _tload(T_PRICE + asset);
        if (word != 0) return Price.wrap(word & ~PRICE_READ);
        (price, , , ) = _quote(registry_, asset, up, false);
    }

    /// @inheritdoc IOracle
    function stored(uint256 asset) external returns (uint256 price, uint256 phase, uint256 nativePrice) {
        FeedRegistry registry_ = registry;
        FeedState state = states[asset];
        (price, phase) = (state.answer(), state.phase());

        uint256 native = registry_.nativeAsset();
        if (native == NO_ASSET) return (price, phase, 0);
        bool recent;
        (recent, nativePrice) = _recent(native, NATIVE_AGE);
        if (!recent) {
            nativePrice = _readPrice(registry_, native, _readSequencer(registry_).sequencerUp(), true).last();
            // The reading may have moved what has just been loaded.
            if (native == asset) (price, phase) = (states[asset].answer(), states[asset].phase());
        }
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
    ) private view returns (Price price, FeedRound latest, FeedState state, FeedState next) {
        state = states[asset];
        next = state;
        (FeedSource source, FeedBounds bounds) = _feed(registry_, asset);

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
            if (_isAcceptable(latest, state, source, bounds)) {
                return (_livePrice(latest, state), latest, state, state.accept(latest, block.timestamp));
            }
            FeedRound round = latest;
            bool isNewer = _isNewer(round, state);
            // Time never goes back: an older round than the accepted one, from a new aggregator, leaves it in place.
            if (!isNewer && round.complete()) round = state.asRound();

            refusal = _refusalOf(round, source, bounds);
            if (refusal == Refusal.None && isNewer && !_isNear(round.answer(), state.answer(), source.jump())) {
                refusal = Refusal.Jump;
            }
            if (refusal == Refusal.None) {
                if (isNewer) next = state.accept(round, block.timestamp);
                else if (recheck) next = state.checked(block.timestamp);
                return (_livePrice(round, state), latest, state, next);
            }
            if (refusal == Refusal.Stale || refusal == Refusal.Jump) heardAt = Math.max(heardAt, round.updatedAt());
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

    /// @dev The ordinary case, a newer round that no guard refuses, decided at once: `_isNewer`, `_refusalOf` and
    /// `_isNear` in one. A lower bound above 0 and a bounded age imply an answer and a time.
    function _isAcceptable(
        FeedRound round,
        FeedState state,
        FeedSource source,
        FeedBounds bounds
    ) private view returns (bool) {
        if (!_isNewer(round, state)) return false;
        uint256 startedAt = round.startedAt();
        if (startedAt == 0 || startedAt > block.timestamp) return false;
        unchecked {
            // A time in the future wraps around to a great age.
            if (block.timestamp - round.updatedAt() > source.maxAge()) return false;
        }
        return bounds.contain(round.answer()) && _isNear(round.answer(), state.answer(), source.jump());
    }

    /// @dev What `round`, which passes all guards, makes of the asset.
    function _livePrice(FeedRound round, FeedState state) private view returns (Price) {
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

    /// @dev The guards of a single round; the jump needs the price before it.
    function _refusalOf(FeedRound round, FeedSource source, FeedBounds bounds) private view returns (Refusal) {
        if (!round.complete()) return Refusal.Missing;
        if (round.answer() == 0) return Refusal.NonPositive;
        uint256 updatedAt = round.updatedAt();
        if (updatedAt > block.timestamp || round.startedAt() > block.timestamp) return Refusal.Future;
        unchecked {
            if (block.timestamp - updatedAt > source.maxAge()) return Refusal.Stale;
        }
        if (!bounds.contain(round.answer())) return Refusal.OutOfBounds;
        return Refusal.None;
    }

    /// @dev Later by time and by id: clocks of two aggregators may disagree, ids never fall.
    function _isNewer(FeedRound round, FeedState state) private pure returns (bool) {
        return round.id() > state.roundId() && round.updatedAt() >= state.updatedAt();
    }

    /// @dev |price − base| ≤ base · jump.
    function _isNear(uint256 price, uint256 base, uint256 jump) private pure returns (bool) {
        unchecked {
            // Both prices are below 2^96, the factors below 2^20.
            uint256 distance = price > base ? price - base : base - price;
            return distance * SPREAD_UNIT <= base * jump;
        }
    }

    // ---------------------------------------------------------------- settle

    /// @inheritdoc IOracle
    function settle(
        uint256 asset,
        uint256 phase,
        uint256 boundary,
        RoundHint calldata hint
    ) external returns (Verdict verdict, uint256 price, uint256 settledAt) {
        FeedRegistry registry_ = registry;
        _requireAsset(registry_, asset);
        (FeedSource source, FeedBounds bounds) = _feed(registry_, asset);

        FeedProof proof = FeedProof.wrap(_tload(T_PROOF + asset));
        if (!proof.covers(phase, boundary)) {
            (FeedRound round, FeedRound before, uint256 lower, uint256 upper) = source.prove({
                latest_: _readLatest(source, asset),
                asset: asset,
                phase: phase,
                boundary: boundary,
                hint: hint
            });
            if (!round.exists()) return (Verdict.Void, 0, 0);
            proof = toFeedProof({
                phase_: phase,
                lower_: lower,
                upper_: upper,
                price_: _isUsable(round, before, source, bounds) ? round.answer() : 0,
                updatedAt_: round.updatedAt()
            });
            _tstore(T_PROOF + asset, FeedProof.unwrap(proof));
        }
        (price, settledAt) = (proof.price(), proof.updatedAt());
        if (price == 0 || settledAt > boundary + source.window()) return (Verdict.Void, 0, 0);
        return (Verdict.Settled, price, settledAt);
    }

    /// @dev A function of the two rounds alone, so that nobody can wait for a better answer.
    function _isUsable(
        FeedRound round,
        FeedRound before,
        FeedSource source,
        FeedBounds bounds
    ) private pure returns (bool) {
        if (round.answer() == 0 || !bounds.contain(round.answer())) return false;
        return !before.exists() || _isNear(round.answer(), before.answer(), source.jump());
    }

    /// @inheritdoc IOracle
    function accepts(uint256 asset, uint256 price) external returns (bool) {
        FeedRegistry registry_ = registry;
        _requireAsset(registry_, asset);
        (FeedSource source, ) = _feed(registry_, asset);
        Price current = _readPrice(registry_, asset, _readSequencer(registry_).sequencerUp(), false);
        return _isNear(price, current.last(), source.jump());
    }

    // ---------------------------------------------------------------- update, advance, veto

    /// @inheritdoc IPriceOracle
    function update(uint256 assets) external {
        FeedRegistry registry_ = registry;
        _requireListed(registry_, assets);
        if (!_readSequencer(registry_).sequencerUp()) return;
        for (; assets != 0; assets &= assets - 1) _update(registry_, _lowest(assets));
    }

    function _update(FeedRegistry registry_, uint256 asset) private {
        FeedState state = states[asset];
        (FeedSource source, FeedBounds bounds) = _feed(registry_, asset);
        FeedRound round = _readLatest(source, asset);
        if (_refusalOf(round, source, bounds) != Refusal.None) return;

        bool isNewer = _isNewer(round, state);
        bool isNear = _isNear(round.answer(), state.answer(), source.jump());
        if (!state.halted()) {
            if (!isNewer) return;
            if (isNear) {
                states[asset] = state.accept(round, block.timestamp);
            } else {
                states[asset] = state.halt(block.timestamp);
                halts[asset] = toFeedHalt(round, block.timestamp);
                emit JumpHalted(asset, state.answer(), round.answer(), uint80(round.id()));
            }
            return;
        }

        // `advance` may have walked up to the latest round itself.
        bool isBack = isNear && (isNewer || round.id() == state.roundId());
        if (isBack || (isNewer && _isConfirmed(source, halts[asset], round))) {
            FeedEnvironment environment_ = FeedEnvironment.wrap(CodeTable.word(registry_.table(), 0));
            states[asset] = state.accept(round, block.timestamp).resolve(block.timestamp + environment_.haltGrace());
            halts[asset] = NO_HALT;
            emit JumpResolved(asset, round.answer(), !isBack);
            return;
        }
        if (isNewer && _isDisproved(source, halts[asset], round)) {
            halts[asset] = halts[asset].replace(round);
            emit JumpHalted(asset, state.answer(), round.answer(), uint80(round.id()));
        }
        states[asset] = state.checked(block.timestamp);
    }

    /// @dev Time, no veto, and enough rounds, all near the candidate.
    function _isConfirmed(FeedSource source, FeedHalt halt, FeedRound round) private view returns (bool) {
        if (block.timestamp < halt.since() + HALT_TIME) return false;
        if (halt.vetoed() && block.timestamp < halt.haltedAt() + VETO_TIME) return false;
        if (round.id() < halt.id() + HALT_ROUNDS) return false;
        return !_isDisproved(source, halt, round);
    }

    /// @dev The candidate cannot be confirmed any more: one of the rounds that count is not near it, or will never exist,
    /// because the proxy has another phase now.
    function _isDisproved(FeedSource source, FeedHalt halt, FeedRound round) private view returns (bool) {
        if (!_isNear(round.answer(), halt.answer(), source.jump())) return true;
        for (uint256 id = halt.id() + 1; id < round.id() && id <= halt.id() + HALT_ROUNDS; ++id) {
            if (!_isNear(source.roundAt(id).answer(), halt.answer(), source.jump())) return true;
        }
        return false;
    }

    /// @inheritdoc IPriceOracle
    function advance(uint256 asset, uint80[] calldata rounds) external {
        FeedRegistry registry_ = registry;
        _requireAsset(registry_, asset);
        (FeedSource source, FeedBounds bounds) = _feed(registry_, asset);
        FeedState state = states[asset];
        FeedHalt halt = halts[asset];
        // Otherwise small steps towards the jump would get round the veto.
        if (halt.vetoed() && block.timestamp < halt.haltedAt() + VETO_TIME) {
            revert VetoInForce(asset, halt.haltedAt() + VETO_TIME);
        }

        // The price was not checked now to be the latest.
        uint256 checkedAt = state.checkedAt();
        for (uint256 i = 0; i < rounds.length; ++i) {
            uint80 id = rounds[i];
            FeedRound round = source.roundAt(id);
            if (id >> 64 != state.phase()) revert ChainlinkPush.WrongPhase(asset, state.phase(), id >> 64);
            Refusal refusal = _refusalOf(round, source, bounds);
            // An intermediate round is old.
            if (refusal == Refusal.Stale) refusal = bounds.contain(round.answer()) ? Refusal.None : Refusal.OutOfBounds;
            if (refusal == Refusal.None && !_isNear(round.answer(), state.answer(), source.jump())) {
                refusal = Refusal.Jump;
            }
            if (refusal != Refusal.None) revert StepRefused(asset, id, refusal);
            if (!_isNewer(round, state)) revert StepNotLater(asset, id, state.roundId());
            state = state.accept(round, checkedAt);
        }
        // A walk that stops short of the latest round could end where that one looks like a jump.
        FeedRound latest = _readLatest(source, asset);
        Refusal refused = _refusalOf(latest, source, bounds);
        if (refused == Refusal.None && !_isNear(latest.answer(), state.answer(), source.jump())) refused = Refusal.Jump;
        if (refused != Refusal.None) revert StepRefused(asset, uint80(latest.id()), refused);
        states[asset] = state;
        emit PriceAdvanced(asset, state.answer(), uint80(state.roundId()));
    }

    /// @inheritdoc IPriceOracle
    function vetoJump(uint256 asset) external restricted {
        _requireAsset(registry, asset);
        if (!states[asset].halted()) revert NotHalted(asset);
        FeedHalt halt = halts[asset];
        if (halt.vetoed()) revert AlreadyVetoed(asset);
        halts[asset] = halt.veto();
        emit JumpVetoed(asset, halt.haltedAt() + VETO_TIME);
    }

    // ---------------------------------------------------------------- configuration

    /// @inheritdoc IPriceOracle
    function list(FeedInput[] calldata feeds) external restricted {
        FeedRegistry registry_ = registry;
        uint256 first = registry_.count();
        uint256 total = first + feeds.length;
        if (total > MAX_ASSETS) revert TooManyAssets(total, MAX_ASSETS);

        bytes memory data = new bytes(HEADER_BYTES + total * ASSET_BYTES);
        _copy(CodeTable.read(registry_.table()), data);
        for (uint256 i = 0; i < feeds.length; ++i) _list(data, first + i, feeds[i]);
        _writeTable(registry_, data, total);
    }

    function _list(bytes memory data, uint256 asset, FeedInput calldata input) private {
        address proxy = input.proxy;
        if (proxy.code.length == 0) revert ProxyNotContract(proxy);
        for (uint256 other = 0; other < asset; ++other) {
            FeedSource listed = FeedSource.wrap(_word(data, _offset(other)));
            if (listed.proxy() == proxy) revert ProxyListed(proxy, other);
        }
        uint256 decimals = AggregatorV3Interface(proxy).decimals();
        if (decimals > MAX_DECIMALS) revert DecimalsTooMany(proxy, decimals, MAX_DECIMALS);

        (FeedSource source, FeedBounds bounds) = _checkLimits(proxy, decimals, input.limits);
        FeedRound round = source.latest();
        Refusal refusal = _refusalOf(round, source, bounds);
        if (refusal != Refusal.None) revert FeedNotLive(proxy, refusal);

        _setFeed(data, asset, source, bounds);
        states[asset] = FeedState.wrap(0).accept(round, block.timestamp);
        emit FeedListed(asset, proxy, input.limits);
    }

    /// @inheritdoc IPriceOracle
    function configure(uint256 asset, FeedLimits calldata limits) external restricted {
        FeedRegistry registry_ = registry;
        _requireAsset(registry_, asset);
        (FeedSource source, FeedBounds bounds) = _feed(registry_, asset);
        _requireHarmless(registry_, asset, bounds, limits);
        (source, bounds) = _checkLimits(source.proxy(), source.decimals(), limits);

        bytes memory data = CodeTable.read(registry_.table());
        _setFeed(data, asset, source, bounds);
        _writeTable(registry_, data, registry_.count());
        emit FeedConfigured(asset, limits);
    }

    /// @dev Nobody is liquidated for new limits: a live price may lose its standing, but is not dead by them; an interval does
    /// not shrink, and is not dead sooner.
    function _requireHarmless(
        FeedRegistry registry_,
        uint256 asset,
        FeedBounds bounds,
        FeedLimits calldata limits
    ) private {
        Price price = _readPrice(registry_, asset, _readSequencer(registry_).sequencerUp(), false);
        uint256 deadAfter = bounds.deadAfter();
        if (price.live()) deadAfter = block.timestamp - price.updatedAt();
        else _requireRange("spread", limits.spread, bounds.spread(), SPREAD_UNIT);
        _requireRange("deadAfter", limits.deadAfter, deadAfter, MAX_DEAD_AFTER);
    }

    /// @inheritdoc IPriceOracle
    function setEnvironment(Environment calldata environment_) external restricted {
        FeedRegistry registry_ = registry;
        _requireRange("sequencerGrace", environment_.sequencerGrace, MIN_GRACE, MAX_GRACE);
        _requireRange("haltGrace", environment_.haltGrace, MIN_GRACE, MAX_GRACE);
        _requireRange("pegLow", environment_.pegLow, MIN_PEG, WAD);
        _requireRange("pegHigh", environment_.pegHigh, WAD, MAX_PEG);
        if (environment_.pegAsset != NO_ASSET) _requireAsset(registry_, environment_.pegAsset);
        if (environment_.nativeAsset != NO_ASSET) _requireAsset(registry_, environment_.nativeAsset);
        if (environment_.sequencer != address(0)) {
            (bool ok, , uint256 startedAt) = ChainlinkPush.uptime(environment_.sequencer);
            if (!ok || startedAt == 0) revert SequencerUnreadable(environment_.sequencer);
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
        emit EnvironmentSet(environment_);
    }

    function _checkLimits(
        address proxy,
        uint256 decimals,
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
                decimals_: decimals
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
        if (value < minimum || value > maximum) revert LimitOutOfRange(field, value, minimum, maximum);
    }

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
        _setWord(data, _offset(asset) + 32, FeedBounds.unwrap(bounds));
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

    // ---------------------------------------------------------------- views

    /// @inheritdoc IPriceOracle
    function assetCount() external view returns (uint256) {
        return registry.count();
    }

    /// @inheritdoc IPriceOracle
    function environment() external view returns (Environment memory) {
        FeedRegistry registry_ = registry;
        FeedEnvironment word = FeedEnvironment.wrap(CodeTable.word(registry_.table(), 0));
        FeedPegBand band = _pegBand(registry_);
        return
            Environment({
                sequencer: word.sequencer(),
                sequencerGrace: uint24(word.sequencerGrace()),
                haltGrace: uint24(word.haltGrace()),
                pegAsset: uint8(registry_.pegAsset()),
                nativeAsset: uint8(registry_.nativeAsset()),
                pegLow: uint96(band.low()),
                pegHigh: uint96(band.high())
            });
    }

    /// @inheritdoc IPriceOracle
    function feedOf(uint256 asset) external view returns (address proxy, uint256 decimals, FeedLimits memory limits) {
        FeedRegistry registry_ = registry;
        _requireAsset(registry_, asset);
        (FeedSource source, FeedBounds bounds) = _feed(registry_, asset);
        limits = FeedLimits({
            maxAge: uint24(source.maxAge()),
            window: uint24(source.window()),
            jump: uint24(source.jump()),
            spread: uint24(bounds.spread()),
            deadAfter: uint32(bounds.deadAfter()),
            minAnswer: uint96(bounds.minAnswer()),
            maxAnswer: uint96(bounds.maxAnswer())
        });
        return (source.proxy(), source.decimals(), limits);
    }

    /// @inheritdoc IPriceOracle
    function stateOf(
        uint256 asset
    )
        external
        view
        returns (uint256 price, uint80 round, uint256 updatedAt, uint256 checkedAt, uint256 graceUntil, bool halted)
    {
        FeedState state = states[asset];
        return (
            state.answer(),
            uint80(state.roundId()),
            state.updatedAt(),
            state.checkedAt(),
            state.graceUntil(),
            state.halted()
        );
    }

    /// @inheritdoc IPriceOracle
    function haltOf(
        uint256 asset
    ) external view returns (uint256 candidate, uint80 round, uint256 since, uint256 haltedAt, uint256 vetoedUntil) {
        FeedHalt halt = halts[asset];
        vetoedUntil = halt.vetoed() ? halt.haltedAt() + VETO_TIME : 0;
        return (halt.answer(), uint80(halt.id()), halt.since(), halt.haltedAt(), vetoedUntil);
    }

    // ---------------------------------------------------------------- shared

    /// @dev The stored price, if it was the feed's latest no longer than `age` ago.
    function _recent(uint256 asset, uint256 age) private view returns (bool recent, uint256 price) {
        uint256 word = _tload(T_PRICE + asset);
        // What this transaction has read first is what it sees.
        if (word != 0) return (Price.wrap(word & ~PRICE_READ).live(), Price.wrap(word & ~PRICE_READ).last());
        FeedState state = states[asset];
        return (!state.halted() && block.timestamp - state.checkedAt() <= age, state.answer());
    }

    /// @dev The latest round, read from the feed at most once per transaction.
    function _readLatest(FeedSource source, uint256 asset) private returns (FeedRound round) {
        round = FeedRound.wrap(_tload(T_ROUND + asset));
        if (!round.isCached()) {
            round = source.latest().asCached();
            _tstore(T_ROUND + asset, FeedRound.unwrap(round));
        }
    }

    function _latest(FeedSource source, uint256 asset) private view returns (FeedRound round) {
        round = FeedRound.wrap(_tload(T_ROUND + asset));
        if (!round.isCached()) round = source.latest().asCached();
    }

    function _sequencer(FeedRegistry registry_) private view returns (Conditions) {
        if (!registry_.watched()) return toConditions(true, true, false, 0, 0);
        FeedEnvironment environment_ = FeedEnvironment.wrap(CodeTable.word(registry_.table(), 0));
        (bool ok, int256 answer, uint256 startedAt) = ChainlinkPush.uptime(environment_.sequencer());
        // A start of 0: the uptime feed has not been initialised.
        bool up = ok && answer == 0 && startedAt != 0 && startedAt <= block.timestamp;
        if (!up) return toConditions(false, false, false, 0, 0);
        bool settled = block.timestamp - startedAt > environment_.sequencerGrace();
        return toConditions(true, settled, false, startedAt, 0);
    }

    function _sequencerPart(uint256 word) private pure returns (Conditions) {
        Conditions all = Conditions.wrap(word);
        return toConditions(all.sequencerUp(), all.sequencerSettled(), false, all.upSince(), 0);
    }

    function _withPeg(Conditions conditions, bool held, uint256 price) private pure returns (Conditions) {
        return
            toConditions({
                sequencerUp_: conditions.sequencerUp(),
                sequencerSettled_: conditions.sequencerSettled(),
                pegHeld_: held,
                upSince_: conditions.upSince(),
                settlementPrice_: price
            });
    }

    function _pegBand(FeedRegistry registry_) private view returns (FeedPegBand) {
        return FeedPegBand.wrap(CodeTable.word(registry_.table(), PEG_OFFSET));
    }

    function _feed(FeedRegistry registry_, uint256 asset) private view returns (FeedSource, FeedBounds) {
        (uint256 source, uint256 bounds) = CodeTable.words2(registry_.table(), _offset(asset));
        return (FeedSource.wrap(source), FeedBounds.wrap(bounds));
    }

    function _offset(uint256 asset) private pure returns (uint256) {
        unchecked {
            return HEADER_BYTES + asset * ASSET_BYTES;
        }
    }

    function _requireListed(FeedRegistry registry_, uint256 assets) private pure {
        if (assets >> registry_.count() != 0) revert UnknownAssets(assets, registry_.count());
    }

    function _requireAsset(FeedRegistry registry_, uint256 asset) private pure {
        if (asset >= registry_.count()) revert UnknownAsset(asset, registry_.count());
    }

    function _count(uint256 assets) private pure returns (uint256 total) {
        unchecked {
            for (; assets != 0; assets &= assets - 1) ++total;
        }
    }

    /// @dev The lowest index of a bitmap that is not empty.
    function _lowest(uint256 assets) private pure returns (uint256 index) {
        assembly ("memory-safe") {
            index := sub(255, clz(and(assets, sub(0, assets))))
        }
    }

    function _tload(uint256 slot) private view returns (uint256 word) {
        assembly ("memory-safe") {
            word := tload(slot)
        }
    }

    function _tstore(uint256 slot, uint256 word) private {
        assembly ("memory-safe") {
            tstore(slot, word)
        }
    }
}
