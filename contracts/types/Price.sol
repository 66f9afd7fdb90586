// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice Why a feed's answer is not live. `None` means live.
enum Refusal {
    None,
    Missing, // the feed has no complete round, or its call failed
    NonPositive,
    Future,
    Stale,
    OutOfBounds,
    Jump, // beyond the jump limit of the last accepted price
    Halted, // a recorded jump that has not been accepted yet
    SequencerDown,
    Closed // outside its trading hours, or not heard from since they began
}

/// @notice The price of an asset as an interval, in one word:
/// last 96 (WAD) | spread 24 (1e-6) | refusal 8 | settling 1 | dead 1 | updatedAt 32.
/// `last` is the last accepted price; a live price has spread 0.
type Price is uint256;

using {last, spread, refusal, settling, dead, updatedAt, live, low, high, liquidatable, withLast} for Price global;

uint256 constant SPREAD_UNIT = 1e6;

/// @param last_ Last accepted price, WAD.
/// @param spread_ Half width of the interval, 1e-6 of `last_`, at most 1e6.
/// @param settling_ Live again, but still in the grace period in which nothing of the asset is liquidated.
/// @param dead_ Without an answer for so long that collateral in it counts nothing.
function toPrice(
    uint256 last_,
    uint256 spread_,
    Refusal refusal_,
    bool settling_,
    bool dead_,
    uint256 updatedAt_
) pure returns (Price) {
    return
        Price.wrap(
            last_ |
                (spread_ << 96) |
                (uint256(refusal_) << 120) |
                (uint256(settling_ ? 1 : 0) << 128) |
                (uint256(dead_ ? 1 : 0) << 129) |
                (updatedAt_ << 130)
        );
}

function last(Price price) pure returns (uint256) {
    return uint96(Price.unwrap(price));
}

function spread(Price price) pure returns (uint256) {
    return uint24(Price.unwrap(price) >> 96);
}

function refusal(Price price) pure returns (Refusal) {
    return Refusal(uint8(Price.unwrap(price) >> 120));
}

function settling(Price price) pure returns (bool) {
    return (Price.unwrap(price) >> 128) & 1 != 0;
}

function dead(Price price) pure returns (bool) {
    return (Price.unwrap(price) >> 129) & 1 != 0;
}

function updatedAt(Price price) pure returns (uint256) {
    return uint32(Price.unwrap(price) >> 130);
}

function live(Price price) pure returns (bool) {
    return uint8(Price.unwrap(price) >> 120) == 0;
}

/// @notice Whether positions and collateral of the asset may be closed by a liquidation.
function liquidatable(Price price) pure returns (bool) {
    return live(price) && !settling(price);
}

/// @notice Lower end, WAD, rounded down.
function low(Price price) pure returns (uint256) {
    unchecked {
        return (last(price) * (SPREAD_UNIT - spread(price))) / SPREAD_UNIT;
    }
}

/// @notice Upper end, WAD, rounded up.
function high(Price price) pure returns (uint256) {
    unchecked {
        return (last(price) * (SPREAD_UNIT + spread(price)) + SPREAD_UNIT - 1) / SPREAD_UNIT;
    }
}

/// @notice The same reading, live, with another price.
/// @param last_ WAD, below 2^96.
function withLast(Price price, uint256 last_) pure returns (Price) {
    return toPrice(last_, 0, Refusal.None, settling(price), false, updatedAt(price));
}
