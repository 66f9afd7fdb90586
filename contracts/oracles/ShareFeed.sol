// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AggregatorV3Interface} from "@chainlink/contracts/src/v0.8/shared/interfaces/AggregatorV3Interface.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {Fixed, WAD} from "../libraries/Fixed.sol";
import {FeedLeg, LegSide, toFeedLeg} from "../types/FeedLeg.sol";
import {FeedRound} from "../types/FeedRound.sol";
import {RateAnchor, toRateAnchor} from "../types/RateAnchor.sol";
import {DerivedFeed} from "./DerivedFeed.sol";
import {DerivedSources} from "./DerivedSources.sol";
import {IShareFeed, ShareInput} from "./IShareFeed.sol";

/// @title ShareFeed
contract ShareFeed is IShareFeed, DerivedFeed {
    using DerivedSources for FeedLeg;

    uint256 private constant MAX_SHARE_DECIMALS = 36;
    uint256 private constant MIN_GROWTH = 10;
    uint256 private constant MAX_GROWTH = 10_000;
    uint256 private constant CHECKPOINT_INTERVAL = 1 days;

    /// @inheritdoc IShareFeed
    address public immutable vault;
    /// @inheritdoc IShareFeed
    uint256 public immutable maxGrowth;

    FeedLeg private immutable asset;
    uint256 private immutable vaultGas;
    uint256 private immutable oneShare;
    /// @dev WAD of one unit of the vault's asset.
    uint256 private immutable assetUnit;

    RateAnchor private anchor_;

    constructor(string memory description_, ShareInput memory input) DerivedFeed(description_) {
        _requireContract(input.vault);
        _requireContract(input.feed);
        _requireRange("maxGrowth", input.maxGrowth, MIN_GROWTH, MAX_GROWTH);
        _requireRange("vaultGas", input.vaultGas, DerivedSources.MIN_GAS, DerivedSources.MAX_GAS);
        uint256 gasBudget = DerivedSources.MAX_GAS - input.vaultGas;
        _requireRange("feedGas", input.feedGas, DerivedSources.MIN_GAS, gasBudget);

        uint256 feedDecimals = AggregatorV3Interface(input.feed).decimals();
        _requireDecimals(input.feed, feedDecimals, MAX_DECIMALS);
        uint256 shareDecimals = IERC20Metadata(input.vault).decimals();
        _requireDecimals(input.vault, shareDecimals, MAX_SHARE_DECIMALS);
        address token = IERC4626(input.vault).asset();
        uint256 assetDecimals = IERC20Metadata(token).decimals();
        _requireDecimals(token, assetDecimals, MAX_DECIMALS);

        vault = input.vault;
        maxGrowth = input.maxGrowth;
        vaultGas = input.vaultGas;
        oneShare = 10 ** shareDecimals;
        assetUnit = 10 ** (MAX_DECIMALS - assetDecimals);
        asset = toFeedLeg({
            feed_: input.feed,
            maxAge_: 0, // the reader's limit is the asset feed's
            gasLimit_: input.feedGas,
            decimals_: feedDecimals,
            side_: LegSide.Both
        });
        _moveAnchor(_requireRate());
    }

    // ---------------------------------------------------------------- checkpoint

    /// @inheritdoc IShareFeed
    function checkpoint() external {
        RateAnchor from = anchor_;
        uint256 earliest = from.time() + CHECKPOINT_INTERVAL;
        if (block.timestamp < earliest) revert CheckpointTooEarly(block.timestamp, earliest);
        _moveAnchor(Math.max(from.rate(), _countedDown(_requireRate())));
    }

    function _moveAnchor(uint256 rate) private {
        anchor_ = toRateAnchor(rate, block.timestamp);
        emit AnchorMoved(rate);
    }

    function _requireRate() private view returns (uint256 rate) {
        rate = _reportedRate();
        if (rate == 0) revert RateUnusable(vault);
    }

    // ---------------------------------------------------------------- price

    function _latest() internal view override returns (DerivedRound memory latest) {
        FeedRound round = asset.latest();
        if (!round.exists()) return latest;
        uint256 rate = _countedDown(_reportedRate());
        if (rate == 0) return latest;
        return
            DerivedRound({
                phase: round.phase(),
                round: uint64(round.id()) + block.timestamp,
                answer: Fixed.mulDivDown(rate, round.answer(), WAD),
                updatedAt: round.updatedAt()
            });
    }

    /// @dev Assets per share, WAD, rounded down by the vault; 0 if it cannot be used.
    function _reportedRate() private view returns (uint256) {
        (bool ok, uint256 assets) = DerivedSources.convertToAssets(vault, oneShare, vaultGas);
        if (!ok || assets > type(uint96).max) return 0;
        // Below 2^96 · 10^18.
        uint256 rate = assets * assetUnit;
        return rate > type(uint96).max ? 0 : rate;
    }

    function _countedDown(uint256 reported) private view returns (uint256) {
        return Math.min(reported, anchor_.capDown(maxGrowth, block.timestamp));
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IShareFeed
    function anchor() external view returns (uint256 rate, uint256 time) {
        return (anchor_.rate(), anchor_.time());
    }

    /// @inheritdoc IShareFeed
    function rates() external view returns (uint256 reported, uint256 counted) {
        reported = _reportedRate();
        counted = _countedDown(reported);
    }

    /// @inheritdoc IShareFeed
    function assetFeed() external view returns (address) {
        return asset.feed();
    }
}
