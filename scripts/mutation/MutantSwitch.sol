// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @dev The coinbase of a block is this plus the number of the mutant that is on; 0 is none.
uint256 constant SWITCH_BASE = 0x6d7574616e7400000000000000000000 << 32;
/// @dev In place of a number: every mutant is off, and each one that is reached is reported.
uint256 constant RECORD = 0xffffffff;

/// @notice Whether mutant `id` is on. The coinbase is the one value that all contracts of a chain read for two gas,
/// that a test does not look at, and that can be set from outside without touching an account.
function mutantOn(uint256 id) pure returns (bool) {
    return _asPure(_mutantOn)(id);
}

function ceilDiv(uint256 a, uint256 b) pure returns (uint256 quotient) {
    quotient = a / b;
    if (a % b != 0) ++quotient;
}

function _mutantOn(uint256 id) view returns (bool on) {
    assembly ("memory-safe") {
        let selected := sub(coinbase(), SWITCH_BASE)
        on := eq(selected, id)
        if eq(selected, RECORD) {
            mstore(0, id)
            // The chain collects what is sent to this address, as it does for coverage.
            pop(staticcall(gas(), 0xc0bEc0BEc0BeC0bEC0beC0bEC0bEC0beC0beC0BE, 0, 32, 0, 0))
        }
    }
}

function _asPure(function(uint256) view returns (bool) from) pure returns (function(uint256) pure returns (bool) to) {
    assembly ("memory-safe") {
        to := from
    }
}
