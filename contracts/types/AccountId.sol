// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice Identifies an account: the owner's address (20 bytes) and a sub-account index (12 bytes), so that
/// ownership is known without a storage read.
type AccountId is bytes32;

using {owner, neq as !=} for AccountId global;

function owner(AccountId id) pure returns (address) {
    return address(uint160(uint256(AccountId.unwrap(id)) >> 96));
}

function neq(AccountId a, AccountId b) pure returns (bool) {
    return AccountId.unwrap(a) != AccountId.unwrap(b);
}
