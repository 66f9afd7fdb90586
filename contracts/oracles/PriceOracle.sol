// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IOracle, RoundHint, Verdict} from "../interfaces/IOracle.sol";
import {Conditions, toConditions} from "../types/Conditions.sol";
import {FeedBounds} from "../types/FeedBounds.sol";
import {FeedChange} from "../types/FeedChange.sol";
import {FeedProof, toFeedProof} from "../types/FeedProof.sol";
import {FeedRegistry, NO_ASSET} from "../types/FeedRegistry.sol";
import {FeedRound, NO_ROUND} from "../types/FeedRound.sol";
import {FeedKind, FeedSource} from "../types/FeedSource.sol";
import {FeedState} from "../types/FeedState.sol";
import {Price} from "../types/Price.sol";
import {ChainlinkPush} from "./ChainlinkPush.sol";
import {Feeds} from "./Feeds.sol";
import {PriceOracleExtension} from "./PriceOracleExtension.sol";
import {StreamSettlement} from "./StreamSettlement.sol";

/// @title PriceOracle
/// @notice The part of `IPriceOracle` that orders and readings pass through. Everything else is in the extension.
contract PriceOracle is IOracle, Feeds {
    using ChainlinkPush for FeedSource;
    using StreamSettlement for FeedSource;

    /// @dev Oldest stored price of the settlement token that the peg guard uses.
    uint256 private constant PEG_AGE = 15 minutes;
    /// @dev Oldest stored price of the native token, which keepers are paid by.
    uint256 private constant NATIVE_AGE = 1 hours;
    /// @dev No order's boundary is later after its submission: `Orders` takes no longer delay, s.
    uint256 private constant LONGEST_DELAY = 240;

    /// @notice Code of all verbs that are not here; works on the storage of this contract.
    address public immutable extension;

    constructor(address authority_) Feeds(authority_) {
        extension = address(new PriceOracleExtension(authority_));
    }

    /// @dev Everything that is not declared here belongs to the extension, whose code never changes either.
    // solhint-disable-next-line no-complex-fallback
    fallback() external {
        address code = extension;
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, 0, calldatasize())
            let done := delegatecall(gas(), code, free, calldatasize(), 0, 0)
            returndatacopy(free, 0, returndatasize())
            switch done
            case 0 {
                revert(free, returndatasize())
            }
            default {
                return(free, returndatasize())
            }
        }
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
                    (held, price) = (fresh.live(), fresh.low());
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
            (held, price) = (fresh.live(), fresh.low());
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

    /// @dev The stored price, if it was the feed's latest no longer than `age` ago.
    function _recent(uint256 asset, uint256 age) private view returns (bool recent, uint256 price) {
        uint256 word = _tload(T_PRICE + asset);
        // What this transaction has read first is what it sees.
        if (word != 0) return (Price.wrap(word & ~PRICE_READ).live(), Price.wrap(word & ~PRICE_READ).last());
        FeedState state = states[asset];
        return (!state.halted() && block.timestamp - state.checkedAt() <= age, state.answer());
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

    function _count(uint256 assets) private pure returns (uint256 total) {
        unchecked {
            for (; assets != 0; assets &= assets - 1) ++total;
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
        (FeedSource source, FeedBounds bounds) = _feed(registry_.table(), asset);
        if (!source.isOrdinary()) return _settleOther(registry_, asset, phase, boundary, hint);

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

    /// @dev `settle` for all but a push feed that has only ever been that.
    function _settleOther(
        FeedRegistry registry_,
        uint256 asset,
        uint256 phase,
        uint256 boundary,
        RoundHint calldata hint
    ) private returns (Verdict, uint256 price, uint256 settledAt) {
        address table = registry_.table();
        (FeedSource source, FeedBounds bounds) = _feed(table, asset);
        // The boundaries for which these words hold.
        (uint256 from, uint256 until) = (0, type(uint32).max);
        bool former = false;
        if (source.replaced()) {
            FeedChange change = changes[asset];
            former = boundary < change.changedAt();
            if (former) {
                (table, until) = (change.table(), change.changedAt());
                (source, bounds) = _feed(table, asset);
            } else {
                from = change.changedAt() + LONGEST_DELAY + 1;
                if (boundary < from) return (Verdict.Void, 0, 0);
            }
        }
        FeedSource settling = source.hasSettlement() ? _settlement(table, asset).asSource() : source;
        if (settling.kind() == FeedKind.Derived) return (Verdict.Void, 0, 0);

        FeedProof proof = FeedProof.wrap(_tload(T_PROOF + asset));
        if (!proof.covers(phase, boundary)) {
            (FeedRound round, FeedRound before, uint256 lower, uint256 upper) = (NO_ROUND, NO_ROUND, 0, 0);
            if (settling.kind() == FeedKind.Stream) {
                (round, lower, upper) = settling.proveReport(asset, boundary, hint);
            } else {
                (round, before, lower, upper) = settling.prove({
                    // What this transaction has read is of the source in use.
                    latest_: former ? settling.latest() : _readLatest(settling, asset),
                    asset: asset,
                    phase: phase,
                    boundary: boundary,
                    hint: hint
                });
            }
            if (!round.exists()) return (Verdict.Void, 0, 0);
            bool usable = _isUsable(round, before, source, bounds) && _wasOpen(table, asset, source, round);
            proof = toFeedProof({
                phase_: phase,
                lower_: Math.max(lower, from),
                upper_: Math.min(upper, until),
                price_: usable ? round.answer() : 0,
                updatedAt_: round.updatedAt()
            });
            _tstore(T_PROOF + asset, FeedProof.unwrap(proof));
        }
        (price, settledAt) = (proof.price(), proof.updatedAt());
        if (price == 0 || settledAt > boundary + settling.window()) return (Verdict.Void, 0, 0);
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
    function jumpLimit(uint256 asset) external view returns (uint256) {
        FeedRegistry registry_ = registry;
        _requireAsset(registry_, asset);
        (FeedSource source, ) = _feed(registry_.table(), asset);
        return source.jump();
    }

    /// @inheritdoc IOracle
    function accepts(uint256 asset, uint256 price) external returns (bool) {
        FeedRegistry registry_ = registry;
        _requireAsset(registry_, asset);
        (FeedSource source, ) = _feed(registry_.table(), asset);
        Price current = _readPrice(registry_, asset, _readSequencer(registry_).sequencerUp(), false);
        return _isNear(price, current.last(), source.jump());
    }
}
