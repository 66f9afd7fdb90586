// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IOracle, RoundHint, Verdict} from "../interfaces/IOracle.sol";
import {ChainlinkPush} from "../oracles/ChainlinkPush.sol";

/// @notice For tests: tries many hints for one settlement in one call.
contract HintProbe {
    struct Settlement {
        Verdict verdict;
        uint256 price;
        uint256 settledAt;
    }

    /// @notice Not a failure: the way in which an attempt that was accepted hands back its result, so that nothing which
    /// the oracle has proved stays proved for the next one.
    error Accepted(Settlement settlement);

    /// @notice Tries `hint` and its neighbours: for i = 1 to `reach`, upwards and downwards, another round with the same
    /// one before, the same round with another one before, and both moved by i; at last the hint without its round,
    /// without its predecessor, and without both. Where the hint names no round, other rounds are counted from the one
    /// before, and where it names none before, from the beginning of the phase. A neighbour that is the hint itself is
    /// left out.
    /// @param reach At most 42, so that 6·reach + 4 hints have a bit each.
    /// @return accepted Bitmap of the accepted hints; bit 0 is `hint`.
    /// @return refused Bitmap of those refused by an error of the proof, not by any other failure, and of those left out.
    /// @return settlements Of the accepted ones, in the order of their bits.
    function probe(
        IOracle oracle,
        uint256 asset,
        uint256 phase,
        uint256 boundary,
        RoundHint calldata hint,
        uint256 reach
    ) external returns (uint256 accepted, uint256 refused, Settlement[] memory settlements) {
        RoundHint[] memory hints = _neighbourhood(phase, hint, reach);
        settlements = new Settlement[](hints.length);
        uint256 count;
        // The latest round is then read once for all of them, as in a batch of orders.
        oracle.read(1 << asset, false);

        try this.attempt(oracle, asset, phase, boundary, hint) {
            assert(false);
        } catch (bytes memory reason) {
            if (bytes4(reason) == Accepted.selector) {
                accepted = 1;
                settlements[count++] = _settlementIn(reason);
            } else if (_isRefusal(bytes4(reason))) {
                refused = 1;
            }
        }
        // Not by attempts: what is refused leaves nothing behind, and what is accepted is remembered by its bit.
        for (uint256 i = 1; i < hints.length; ++i) {
            if (hints[i].round == hint.round && hints[i].before == hint.before) {
                refused |= 1 << i;
                continue;
            }
            try oracle.settle(asset, phase, boundary, hints[i]) returns (Verdict verdict, uint256 price, uint256 time) {
                accepted |= 1 << i;
                settlements[count++] = Settlement(verdict, price, time);
            } catch (bytes memory reason) {
                if (_isRefusal(bytes4(reason))) refused |= 1 << i;
            }
        }
        assembly ("memory-safe") {
            mstore(settlements, count)
        }
    }

    /// @notice Settles at each boundary by its own hint, one after another, as in a batch of orders. Reverts as the oracle does.
    function settleEach(
        IOracle oracle,
        uint256 asset,
        uint256 phase,
        uint256[] calldata boundaries,
        RoundHint[] calldata hints
    ) external returns (Settlement[] memory settlements) {
        settlements = new Settlement[](hints.length);
        for (uint256 i = 0; i < hints.length; ++i) {
            (Verdict verdict, uint256 price, uint256 time) = oracle.settle(asset, phase, boundaries[i], hints[i]);
            settlements[i] = Settlement(verdict, price, time);
        }
    }

    /// @notice Always reverts: with `Accepted`, or as the oracle does.
    function attempt(IOracle oracle, uint256 asset, uint256 phase, uint256 boundary, RoundHint calldata hint) external {
        (Verdict verdict, uint256 price, uint256 settledAt) = oracle.settle(asset, phase, boundary, hint);
        revert Accepted(Settlement(verdict, price, settledAt));
    }

    function _neighbourhood(
        uint256 phase,
        RoundHint calldata hint,
        uint256 reach
    ) private pure returns (RoundHint[] memory hints) {
        hints = new RoundHint[](6 * reach + 4);
        uint256 before = hint.before == 0 ? phase << 64 : hint.before;
        uint256 round = hint.round == 0 ? before : hint.round;
        hints[0] = hint;
        for (uint256 i = 1; i <= reach; ++i) {
            uint256 first = 6 * i - 5;
            hints[first] = RoundHint(uint80(round + i), hint.before);
            hints[first + 1] = RoundHint(uint80(round - i), hint.before);
            hints[first + 2] = RoundHint(hint.round, uint80(before + i));
            hints[first + 3] = RoundHint(hint.round, uint80(before - i));
            hints[first + 4] = RoundHint(uint80(round + i), uint80(before + i));
            hints[first + 5] = RoundHint(uint80(round - i), uint80(before - i));
        }
        hints[6 * reach + 1] = RoundHint(0, hint.before);
        hints[6 * reach + 2] = RoundHint(hint.round, 0);
        hints[6 * reach + 3] = RoundHint(0, 0);
    }

    function _settlementIn(bytes memory reason) private pure returns (Settlement memory settlement) {
        assembly ("memory-safe") {
            // After the length and the selector.
            let data := add(reason, 0x24)
            mcopy(settlement, data, 0x60)
        }
    }

    function _isRefusal(bytes4 selector) private pure returns (bool) {
        return
            selector == ChainlinkPush.WrongPhase.selector ||
            selector == ChainlinkPush.RoundMissing.selector ||
            selector == ChainlinkPush.HintTooEarly.selector ||
            selector == ChainlinkPush.HintTooLate.selector ||
            selector == ChainlinkPush.HintDisordered.selector ||
            selector == ChainlinkPush.TooManyBetween.selector ||
            selector == ChainlinkPush.NotLastOfTies.selector ||
            selector == ChainlinkPush.RoundTooFresh.selector ||
            selector == ChainlinkPush.WindowOpen.selector ||
            selector == ChainlinkPush.RoundExists.selector;
    }
}
