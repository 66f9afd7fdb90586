// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IOracle, RoundHint, Verdict} from "../../contracts/interfaces/IOracle.sol";
import {FeedLimits} from "../../contracts/oracles/IPriceOracle.sol";
import {PhasedFeed} from "./PhasedFeed.sol";
import {Scene} from "./Scene.sol";

/// @notice Invariant 8: the settlement price is a function of the order alone. The price is worked out anew from the
/// feed's rounds, by search and without hints, and held against what the oracle makes of right and wrong hints, at
/// once and later.
abstract contract Settlement is Scene {
    /// @dev What is known of (asset, phase, boundary).
    struct Settled {
        bool provable;
        bool isVoid;
        uint256 price;
        RoundHint hint;
    }

    struct Proof {
        uint256 asset;
        uint256 phase;
        uint256 boundary;
        bool isVoid;
        uint256 price;
    }

    uint256 private constant REMEMBERED = 8;

    Proof[REMEMBERED] private _proofs;
    uint256 private _proofCount;

    /// @notice In `phase`, the first round with updatedAt and startedAt both later than the boundary; of those with its
    /// updatedAt the last; void if later than the window, or not usable.
    function _settled(uint256 asset, uint256 phase, uint256 boundary) internal view returns (Settled memory result) {
        PhasedFeed feed = p.feeds[asset];
        (, , FeedLimits memory limits) = p.oracle.feedOf(asset);
        uint256 count = feed.count(phase);
        uint256 before = count;
        while (before != 0 && _updatedAt(feed, phase, before) > boundary) --before;
        if (before != 0) result.hint.before = feed.idOf(phase, before);

        uint256 first = before + 1;
        while (first <= count && !_isAfter(feed, phase, first, boundary)) ++first;
        if (first > count) {
            result.isVoid = true;
            result.provable = clock > boundary + limits.window && first - before <= 9;
            return result;
        }
        uint256 settledAt = _updatedAt(feed, phase, first);
        if (settledAt > boundary + limits.window) {
            result.hint.round = feed.idOf(phase, first);
            (result.isVoid, result.provable) = (true, first - before <= 9);
            return result;
        }
        uint256 round = first;
        while (round < count && _updatedAt(feed, phase, round + 1) == settledAt) ++round;
        result.hint.round = feed.idOf(phase, round);
        result.provable = clock > settledAt && round - before <= 9;
        result.price = _usable(feed, phase, before, round, limits);
        result.isVoid = result.price == 0 || !_isAfter(feed, phase, round, boundary);
        if (result.isVoid) result.price = 0;
    }

    function _usable(
        PhasedFeed feed,
        uint256 phase,
        uint256 before,
        uint256 round,
        FeedLimits memory limits
    ) private view returns (uint256) {
        int256 answer = _answer(feed, phase, round);
        if (answer <= 0) return 0;
        uint256 price = uint256(answer) * FEED_UNIT;
        if (price < limits.minAnswer || price > limits.maxAnswer) return 0;
        if (before == 0) return price;
        answer = _answer(feed, phase, before);
        uint256 base = answer > 0 ? uint256(answer) * FEED_UNIT : 0;
        uint256 step = price > base ? price - base : base - price;
        return step * 1e6 <= base * limits.jump ? price : 0;
    }

    /// @notice Tries the hints around the right one. Whatever is accepted must say the same.
    function _probeHints(uint256 seed, uint256 asset, uint256 phase, uint256 boundary, Settled memory right) internal {
        for (uint256 i = 0; i < 3; ++i) {
            RoundHint memory hint = RoundHint({
                round: _near(_random(seed, 100 + i), right.hint.round, phase),
                before: _near(_random(seed, 200 + i), right.hint.before, phase)
            });
            _tryHint(asset, phase, boundary, hint, right);
        }
        if (right.provable) _remember(asset, phase, boundary, right);
    }

    /// @dev The right hint.
    function _tryHint(uint256 asset, uint256 phase, uint256 boundary, Settled memory right) internal {
        _tryHint(asset, phase, boundary, right.hint, right);
    }

    function _tryHint(
        uint256 asset,
        uint256 phase,
        uint256 boundary,
        RoundHint memory hint,
        Settled memory right
    ) private {
        (bool ok, bytes memory result) = _send(
            address(0x57a6e2),
            address(p.oracle),
            abi.encodeCall(IOracle.settle, (asset, phase, boundary, hint))
        );
        if (!ok) {
            bool isRight = hint.round == right.hint.round && hint.before == right.hint.before;
            _check(8, !(right.provable && isRight), "right hint refused", int256(boundary), int256(clock));
            return;
        }
        (Verdict verdict, uint256 price, ) = abi.decode(result, (Verdict, uint256, uint256));
        _check(8, right.provable, "proved too early", int256(boundary), int256(clock));
        _check(8, (verdict == Verdict.Void) == right.isVoid, "another verdict", int256(boundary), int256(clock));
        _check(8, price == right.price, "another price", int256(right.price), int256(price));
    }

    /// @notice What has been proved once is what is proved later.
    function _reprove(uint256 seed) internal returns (bool) {
        if (_proofCount == 0) return false;
        uint256 known = _proofCount < REMEMBERED ? _proofCount : REMEMBERED;
        Proof memory proof = _proofs[_draw(seed, 1, 0, known - 1)];
        Settled memory right = _settled(proof.asset, proof.phase, proof.boundary);
        _check(8, right.provable && right.isVoid == proof.isVoid, "verdict changed", 0, int256(proof.boundary));
        _check(8, right.price == proof.price, "price changed", int256(proof.price), int256(right.price));
        _tryHint(proof.asset, proof.phase, proof.boundary, right);
        return true;
    }

    function _remember(uint256 asset, uint256 phase, uint256 boundary, Settled memory right) private {
        _proofs[_proofCount++ % REMEMBERED] = Proof(asset, phase, boundary, right.isVoid, right.price);
    }

    function _near(uint256 seed, uint256 id, uint256 phase) private pure returns (uint80) {
        if (seed % 8 == 0) return 0;
        if (id == 0) id = (phase << 64) | 1;
        return uint80(id + ((seed >> 8) % 5) - 2);
    }

    function _isAfter(PhasedFeed feed, uint256 phase, uint256 round, uint256 boundary) private view returns (bool) {
        (, , uint256 startedAt, uint256 updatedAt, ) = feed.getRoundData(feed.idOf(phase, round));
        return updatedAt > boundary && startedAt > boundary;
    }

    function _updatedAt(PhasedFeed feed, uint256 phase, uint256 round) private view returns (uint256 updatedAt) {
        (, , , updatedAt, ) = feed.getRoundData(feed.idOf(phase, round));
    }

    function _answer(PhasedFeed feed, uint256 phase, uint256 round) private view returns (int256 answer) {
        (, answer, , , ) = feed.getRoundData(feed.idOf(phase, round));
    }
}
