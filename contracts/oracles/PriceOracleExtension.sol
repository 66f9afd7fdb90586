// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {FeedBounds} from "../types/FeedBounds.sol";
import {FeedEnvironment} from "../types/FeedEnvironment.sol";
import {FeedHalt, NO_HALT, toFeedHalt} from "../types/FeedHalt.sol";
import {FeedPegBand} from "../types/FeedPegBand.sol";
import {FeedRegistry} from "../types/FeedRegistry.sol";
import {FeedRound} from "../types/FeedRound.sol";
import {FeedSessions} from "../types/FeedSessions.sol";
import {FeedSettlement} from "../types/FeedSettlement.sol";
import {FeedKind, FeedSource} from "../types/FeedSource.sol";
import {FeedState} from "../types/FeedState.sol";
import {Refusal} from "../types/Price.sol";
import {ChainlinkPush} from "./ChainlinkPush.sol";
import {FeedGovernance} from "./FeedGovernance.sol";
import {Candidate, Feeds} from "./Feeds.sol";
import {Environment, FeedLimits, IPriceOracle, Proposal} from "./IPriceOracle.sol";

/// @title PriceOracleExtension
/// @notice The verbs of the price oracle that no order passes through. Documented in `IPriceOracle`.
/// @dev Runs on the storage of the oracle, which calls it by delegatecall; called at its own address it finds no feeds.
contract PriceOracleExtension is FeedGovernance {
    using ChainlinkPush for FeedSource;

    /// @dev How long a jump must last, and how many rounds must follow it, before it is accepted.
    uint256 private constant HALT_TIME = 10 minutes;
    uint256 private constant HALT_ROUNDS = 2;
    uint256 private constant VETO_TIME = 24 hours;

    constructor(address authority_) Feeds(authority_) {}

    // ---------------------------------------------------------------- update, advance, veto

    function update(uint256 assets) external {
        FeedRegistry registry_ = registry;
        _requireListed(registry_, assets);
        if (!_readSequencer(registry_).sequencerUp()) return;
        for (; assets != 0; assets &= assets - 1) _update(registry_, _lowest(assets));
    }

    function _update(FeedRegistry registry_, uint256 asset) private {
        FeedState state = states[asset];
        (FeedSource source, FeedBounds bounds) = _feed(registry_.table(), asset);
        FeedRound round = _readLatest(source, asset);
        if (_refusalNow(registry_, asset, round, source, bounds) != Refusal.None) return;

        bool isNewer = _isNewer(round, state);
        bool isNear = _isNear(round.answer(), state.answer(), source.jump());
        if (!state.halted()) {
            if (!isNewer) return;
            if (isNear) {
                states[asset] = state.accept(round, block.timestamp);
            } else {
                states[asset] = state.halt(block.timestamp);
                halts[asset] = toFeedHalt(round, _since(source, round), block.timestamp);
                emit IPriceOracle.JumpHalted(asset, state.answer(), round.answer(), uint80(round.id()));
            }
            return;
        }

        // `advance` may have walked up to the latest round itself.
        bool isBack = isNear && (isNewer || round.id() == state.roundId());
        if (isBack || (isNewer && _isConfirmed(source, halts[asset], round))) {
            uint256 graceUntil = block.timestamp + _environment(registry_).haltGrace();
            states[asset] = state.accept(round, block.timestamp).resolve(graceUntil);
            halts[asset] = NO_HALT;
            emit IPriceOracle.JumpResolved(asset, round.answer(), !isBack);
            return;
        }
        if (isNewer && _isDisproved(source, halts[asset], round)) {
            halts[asset] = halts[asset].replace(round, _since(source, round));
            emit IPriceOracle.JumpHalted(asset, state.answer(), round.answer(), uint80(round.id()));
        }
        states[asset] = state.checked(block.timestamp);
    }

    /// @dev Since when a candidate has stood. A derived price changes without its time: when it was recorded.
    function _since(FeedSource source, FeedRound candidate) private view returns (uint256) {
        return source.kind() == FeedKind.Derived ? block.timestamp : candidate.updatedAt();
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
        // Nothing is known of the rounds between.
        if (source.kind() == FeedKind.Derived) return false;
        for (uint256 id = halt.id() + 1; id < round.id() && id <= halt.id() + HALT_ROUNDS; ++id) {
            if (!_isNear(source.roundAt(id).answer(), halt.answer(), source.jump())) return true;
        }
        return false;
    }

    function advance(uint256 asset, uint80[] calldata rounds) external {
        FeedRegistry registry_ = registry;
        _requireAsset(registry_, asset);
        (FeedSource source, FeedBounds bounds) = _feed(registry_.table(), asset);
        if (source.kind() == FeedKind.Derived) revert IPriceOracle.NoHistory(asset);
        FeedState state = states[asset];
        FeedHalt halt = halts[asset];
        // Otherwise small steps towards the jump would get round the veto.
        if (halt.vetoed() && block.timestamp < halt.haltedAt() + VETO_TIME) {
            revert IPriceOracle.VetoInForce(asset, halt.haltedAt() + VETO_TIME);
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
            if (refusal == Refusal.None && !_wasOpen(registry_.table(), asset, source, round)) refusal = Refusal.Closed;
            if (refusal == Refusal.None && !_isNear(round.answer(), state.answer(), source.jump())) {
                refusal = Refusal.Jump;
            }
            if (refusal != Refusal.None) revert IPriceOracle.StepRefused(asset, id, refusal);
            if (!_isNewer(round, state)) revert IPriceOracle.StepNotLater(asset, id, state.roundId());
            state = state.accept(round, checkedAt);
        }
        // A walk that stops short of the latest round could end where that one looks like a jump.
        FeedRound latest = _readLatest(source, asset);
        Refusal refused = _refusalNow(registry_, asset, latest, source, bounds);
        if (refused == Refusal.None && !_isNear(latest.answer(), state.answer(), source.jump())) refused = Refusal.Jump;
        if (refused != Refusal.None) revert IPriceOracle.StepRefused(asset, uint80(latest.id()), refused);
        states[asset] = state;
        emit IPriceOracle.PriceAdvanced(asset, state.answer(), uint80(state.roundId()));
    }

    function vetoJump(uint256 asset) external restricted {
        _requireAsset(registry, asset);
        if (!states[asset].halted()) revert IPriceOracle.NotHalted(asset);
        FeedHalt halt = halts[asset];
        if (halt.vetoed()) revert IPriceOracle.AlreadyVetoed(asset);
        halts[asset] = halt.veto();
        emit IPriceOracle.JumpVetoed(asset, halt.haltedAt() + VETO_TIME);
    }

    // ---------------------------------------------------------------- views

    function assetCount() external view returns (uint256) {
        return registry.count();
    }

    function environment() external view returns (Environment memory) {
        FeedRegistry registry_ = registry;
        FeedEnvironment word = _environment(registry_);
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

    function feedOf(uint256 asset) external view returns (address proxy, uint256 decimals, FeedLimits memory limits) {
        FeedRegistry registry_ = registry;
        _requireAsset(registry_, asset);
        (FeedSource source, FeedBounds bounds) = _feed(registry_.table(), asset);
        return (source.proxy(), source.decimals(), _limitsOf(source, bounds));
    }

    function _limitsOf(FeedSource source, FeedBounds bounds) private pure returns (FeedLimits memory) {
        return
            FeedLimits({
                maxAge: uint24(source.maxAge()),
                window: uint24(source.window()),
                jump: uint24(source.jump()),
                spread: uint24(bounds.spread()),
                deadAfter: uint32(bounds.deadAfter()),
                minAnswer: uint96(bounds.minAnswer()),
                maxAnswer: uint96(bounds.maxAnswer())
            });
    }

    function sourceOf(
        uint256 asset
    ) external view returns (FeedKind kind, address stream, uint256 window, uint256 sessions, uint256 changedAt) {
        FeedRegistry registry_ = registry;
        _requireAsset(registry_, asset);
        address table = registry_.table();
        (FeedSource source, ) = _feed(table, asset);
        FeedSettlement settlement = _settlement(table, asset);
        return (
            source.kind(),
            settlement.stream(),
            settlement.window(),
            FeedSessions.unwrap(_sessions(table, asset)),
            changes[asset].changedAt()
        );
    }

    function proposalOf(uint256 asset) external view returns (Proposal memory) {
        Candidate memory candidate = candidates[asset];
        FeedSource source = candidate.source;
        return
            Proposal({
                proxy: source.proxy(),
                kind: source.kind(),
                decimals: uint8(source.decimals()),
                tolerance: uint24(candidate.shadow.tolerance()),
                agreedSince: uint32(candidate.shadow.agreedSince()),
                watchedAt: uint32(candidate.shadow.watchedAt()),
                limits: _limitsOf(source, candidate.bounds)
            });
    }

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

    function haltOf(
        uint256 asset
    ) external view returns (uint256 candidate, uint80 round, uint256 since, uint256 haltedAt, uint256 vetoedUntil) {
        FeedHalt halt = halts[asset];
        vetoedUntil = halt.vetoed() ? halt.haltedAt() + VETO_TIME : 0;
        return (halt.answer(), uint80(halt.id()), halt.since(), halt.haltedAt(), vetoedUntil);
    }
}
