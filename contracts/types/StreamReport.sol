// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice A verified report of a stream as it is stored, in one slot:
/// answer 128 (WAD) | validFrom 32 (s) | observed 32 (s) | number 64.
/// The window [validFrom, observed] contains both ends; observed is never 0 in a stored report. The number counts reports
/// that came in order, from 1; a late one has 0.
type StreamReport is uint256;

using {answer, validFrom, observed, number, exists, withNumber, equals} for StreamReport global;

StreamReport constant NO_REPORT = StreamReport.wrap(0);

/// @notice A report without a number. Its answer is 0, which every guard refuses, unless 0 < bid ≤ price ≤ ask and the
/// price fits its field.
/// @param price WAD, as are `bid` and `ask`.
/// @param validFrom_ Below 2^32, as is `observed_`.
function toStreamReport(
    int256 price,
    int256 bid,
    int256 ask,
    uint256 validFrom_,
    uint256 observed_
) pure returns (StreamReport) {
    bool plausible = bid > 0 && bid <= price && price <= ask && price <= int256(uint256(type(uint128).max));
    return StreamReport.wrap((plausible ? uint256(price) : 0) | (validFrom_ << 128) | (observed_ << 160));
}

function answer(StreamReport report) pure returns (uint256) {
    return uint128(StreamReport.unwrap(report));
}

/// @notice First second that the price is of.
function validFrom(StreamReport report) pure returns (uint256) {
    return uint32(StreamReport.unwrap(report) >> 128);
}

/// @notice Last second that the price is of: when it was observed.
function observed(StreamReport report) pure returns (uint256) {
    return uint32(StreamReport.unwrap(report) >> 160);
}

function number(StreamReport report) pure returns (uint256) {
    return StreamReport.unwrap(report) >> 192;
}

function exists(StreamReport report) pure returns (bool) {
    return observed(report) != 0;
}

function withNumber(StreamReport report, uint256 number_) pure returns (StreamReport) {
    return StreamReport.wrap(uint192(StreamReport.unwrap(report)) | (number_ << 192));
}

/// @notice Whether both are the same report, whatever their numbers.
function equals(StreamReport a, StreamReport b) pure returns (bool) {
    return uint192(StreamReport.unwrap(a)) == uint192(StreamReport.unwrap(b));
}
