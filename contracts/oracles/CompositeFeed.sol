// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AggregatorV3Interface} from "@chainlink/contracts/src/v0.8/shared/interfaces/AggregatorV3Interface.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {Fixed, WAD} from "../libraries/Fixed.sol";
import {FeedLeg, LegSide, toFeedLeg} from "../types/FeedLeg.sol";
import {FeedRound} from "../types/FeedRound.sol";
import {DerivedFeed} from "./DerivedFeed.sol";
import {DerivedSources} from "./DerivedSources.sol";
import {ICompositeFeed, Leg} from "./ICompositeFeed.sol";

/// @title CompositeFeed
contract CompositeFeed is ICompositeFeed, DerivedFeed {
    using DerivedSources for FeedLeg;

    uint256 private constant MAX_LEGS = 4;
    uint256 private constant MIN_MAX_AGE = 1 minutes;
    uint256 private constant MAX_MAX_AGE = 3 days;

    /// @inheritdoc ICompositeFeed
    uint256 public immutable maxAge;

    uint256 private immutable count;
    FeedLeg private immutable leg0;
    FeedLeg private immutable leg1;
    FeedLeg private immutable leg2;
    FeedLeg private immutable leg3;

    constructor(string memory description_, Leg[] memory legs_) DerivedFeed(description_) {
        if (legs_.length == 0 || legs_.length > MAX_LEGS) revert LegCountOutOfRange(legs_.length, MAX_LEGS);
        FeedLeg[MAX_LEGS] memory words;
        uint256[3] memory ofSide;
        uint256 leastAge = MAX_MAX_AGE;
        uint256 gasBudget = DerivedSources.MAX_GAS;
        for (uint256 i = 0; i < legs_.length; ++i) {
            Leg memory leg = legs_[i];
            _requireContract(leg.feed);
            for (uint256 other = 0; other < i; ++other) {
                if (legs_[other].feed == leg.feed) revert LegRepeated(leg.feed);
            }
            _requireRange("maxAge", leg.maxAge, MIN_MAX_AGE, MAX_MAX_AGE);
            _requireRange("gasLimit", leg.gasLimit, DerivedSources.MIN_GAS, gasBudget);
            gasBudget -= leg.gasLimit;
            uint256 decimals_ = AggregatorV3Interface(leg.feed).decimals();
            _requireDecimals(leg.feed, decimals_, MAX_DECIMALS);
            ++ofSide[uint256(leg.side)];
            leastAge = Math.min(leastAge, leg.maxAge);
            words[i] = toFeedLeg({
                feed_: leg.feed,
                maxAge_: leg.maxAge,
                gasLimit_: leg.gasLimit,
                decimals_: decimals_,
                side_: leg.side
            });
        }
        (uint256 marketLegs, uint256 rateLegs) = (ofSide[uint256(LegSide.Market)], ofSide[uint256(LegSide.Rate)]);
        // The product of a side without a leg of its own would be a part of the price, and lower.
        if ((marketLegs == 0) != (rateLegs == 0)) revert SideMissing(marketLegs, rateLegs);

        maxAge = leastAge;
        count = legs_.length;
        (leg0, leg1, leg2, leg3) = (words[0], words[1], words[2], words[3]);
    }

    /// @inheritdoc ICompositeFeed
    function legs() external view returns (Leg[] memory legs_) {
        legs_ = new Leg[](count);
        for (uint256 i = 0; i < count; ++i) {
            FeedLeg leg = _leg(i);
            legs_[i] = Leg({
                feed: leg.feed(),
                side: leg.side(),
                maxAge: uint24(leg.maxAge()),
                gasLimit: uint24(leg.gasLimit())
            });
        }
    }

    function _latest() internal view override returns (DerivedRound memory latest) {
        // Below 2^96 each, so that four of them, each but the first divided by 1e18, stay below 2^205.
        uint256 market = WAD;
        uint256 rate = WAD;
        uint256 phases;
        uint256 rounds;
        uint256 validUntil = type(uint256).max;
        for (uint256 i = 0; i < count; ++i) {
            FeedLeg leg = _leg(i);
            FeedRound round = leg.latest();
            if (!round.exists()) return latest;
            LegSide side = leg.side();
            if (side != LegSide.Rate) market = Fixed.mulDivDown(market, round.answer(), WAD);
            if (side != LegSide.Market) rate = Fixed.mulDivDown(rate, round.answer(), WAD);
            unchecked {
                // Of at most 16, 64 and 33 bits each.
                phases += round.phase();
                rounds += uint64(round.id());
                validUntil = Math.min(validUntil, round.updatedAt() + leg.maxAge());
            }
        }
        return
            DerivedRound({
                phase: phases,
                round: rounds,
                answer: Math.min(market, rate),
                updatedAt: validUntil - maxAge
            });
    }

    function _leg(uint256 index) private view returns (FeedLeg) {
        if (index < 2) return index == 0 ? leg0 : leg1;
        return index == 2 ? leg2 : leg3;
    }
}
