// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @notice What a token of the vault is, one word: token 160 | decimals 8 | outflowLimit 88 (token units).
/// The zero word is a token that is not listed.
type TokenListing is uint256;

using {token, decimals, outflowLimit, unit, exists, withOutflowLimit} for TokenListing global;

/// @param decimals_ At most 18.
/// @param outflowLimit_ Largest net outflow within a window, token units; 0: no limit.
function toTokenListing(address token_, uint256 decimals_, uint256 outflowLimit_) pure returns (TokenListing) {
    return TokenListing.wrap(uint160(token_) | (decimals_ << 160) | (uint256(SafeCast.toUint88(outflowLimit_)) << 168));
}

function token(TokenListing listing) pure returns (address) {
    return address(uint160(TokenListing.unwrap(listing)));
}

function decimals(TokenListing listing) pure returns (uint256) {
    return uint8(TokenListing.unwrap(listing) >> 160);
}

/// @notice Largest net outflow within a window, token units; 0: no limit.
function outflowLimit(TokenListing listing) pure returns (uint256) {
    return TokenListing.unwrap(listing) >> 168;
}

/// @notice WAD per token unit: 10^(18 − decimals), so that the conversion is exact.
function unit(TokenListing listing) pure returns (uint256) {
    return 10 ** (18 - decimals(listing));
}

function exists(TokenListing listing) pure returns (bool) {
    return TokenListing.unwrap(listing) != 0;
}

function withOutflowLimit(TokenListing listing, uint256 outflowLimit_) pure returns (TokenListing) {
    return toTokenListing(token(listing), decimals(listing), outflowLimit_);
}
