// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice Identifies an account: the owner's address (20 bytes) and a sub-account index (12 bytes), so that
/// ownership is known without a storage read.
type AccountId is bytes32;

using {owner, subAccount, eq as ==, neq as !=} for AccountId global;

/// @notice The account of `owner_` with index `subAccount_`.
function toAccountId(address owner_, uint96 subAccount_) pure returns (AccountId) {
    return AccountId.wrap(bytes32((uint256(uint160(owner_)) << 96) | subAccount_));
}

function owner(AccountId id) pure returns (address) {
    return address(uint160(uint256(AccountId.unwrap(id)) >> 96));
}

function subAccount(AccountId id) pure returns (uint96) {
    return uint96(uint256(AccountId.unwrap(id)));
}

function eq(AccountId a, AccountId b) pure returns (bool) {
    return AccountId.unwrap(a) == AccountId.unwrap(b);
}

function neq(AccountId a, AccountId b) pure returns (bool) {
    return AccountId.unwrap(a) != AccountId.unwrap(b);
}
