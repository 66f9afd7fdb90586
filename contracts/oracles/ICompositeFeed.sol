// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {LegSide} from "../types/FeedLeg.sol";
import {IDerivedFeed} from "./IDerivedFeed.sol";

/// @param feed Chainlink proxy, or another feed with its interface.
/// @param side Which of the two products it is a factor of.
/// @param maxAge Its heartbeat plus a margin, s.
/// @param gasLimit Gas of a call of it. A proxy takes 17,000 cold.
struct Leg {
    address feed;
    LegSide side;
    uint24 maxAge;
    uint24 gasLimit;
}

/// @title ICompositeFeed
/// @notice A price through several feeds, as wstETH/ETH × ETH/USD, and the lower of two ways to it: the market's and that of
/// an exchange rate. What has lost its peg is worth what the market gives; a market that pays too much counts no more than
/// what the token can be redeemed for.
///
///     answer = min(Π market legs, Π rate legs)     legs of both sides are factors of both products
///
/// Each product is rounded down at every factor.
///
/// Age. Let u be a leg's time, A its maxAge, and m the least A. The composite's time is
///
///     updatedAt = min over legs (u + A) − m
///
///  1. A reader with the one limit now − updatedAt ≤ m has the limits of all legs, no more and no less: that says
///     now ≤ u + A for the leg with the least u + A, and so for each.
///  2. It is never in the future: the leg with A = m has u + A − m = u, and u is not.
///  3. It does not fall unless a leg's u does: a minimum of values that do not fall. It is never before the oldest u.
///
/// It is thus not the time of one leg. A leg within its heartbeat counts as current: that is what a feed with a deviation
/// threshold says by its silence.
///
/// Round id. Its phase is the sum of the legs' phases, its round the sum of their rounds. A leg's next phase raises the first,
/// whatever happens to the rounds; within the phases a leg's next round raises the second. So the id grows whenever a leg has
/// a newer round, and the same id means the same rounds.
///
/// Assumed of each leg what `IPriceOracle` assumes of a feed. Whoever lists it checks that the units of the legs cancel, and
/// that the reader's limit of age is `maxAge`.
///
/// @dev A deployment reverts besides with `LegCountOutOfRange`, `LegRepeated`, `SideMissing`, or the error of a leg's
/// `decimals`.
interface ICompositeFeed is IDerivedFeed {
    error LegCountOutOfRange(uint256 count, uint256 maximum);
    error LegRepeated(address feed);
    /// @notice A leg of one side only needs one of the other side.
    error SideMissing(uint256 marketLegs, uint256 rateLegs);

    /// @notice The least maxAge of a leg: the limit of age that a reader has to use, s.
    function maxAge() external view returns (uint256);

    function legs() external view returns (Leg[] memory);
}
