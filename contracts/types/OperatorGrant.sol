// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Fixed, WAD} from "../libraries/Fixed.sol";

/// @notice What an owner lets an operator do for an account, one word:
/// rights 8 | until 40 | allowance 64 | spent 64 | day 32. Amounts in millionths of settlement token.
type OperatorGrant is uint256;

using {rights, until, allowance, spentOn, spend} for OperatorGrant global;

uint256 constant RIGHT_TRADE = 1;
uint256 constant RIGHT_TRANSFER = 2; // between sub-accounts of the same owner
uint256 constant RIGHT_WITHDRAW = 4;
uint256 constant ALL_RIGHTS = 7;

uint256 constant ALLOWANCE_UNIT = WAD / 1e6;

error FeeAllowanceExceeded(uint256 fee, uint256 left);

/// @param rights_ Sum of RIGHT_ values. @param until_ Last second at which they hold.
/// @param allowance_ Fees and keeper pay that the operator may cause per day (UTC), 1e-6 settlement token.
function toOperatorGrant(uint256 rights_, uint256 until_, uint256 allowance_) pure returns (OperatorGrant) {
    return OperatorGrant.wrap(rights_ | (until_ << 8) | (allowance_ << 48));
}

function rights(OperatorGrant grant) pure returns (uint256) {
    return uint8(OperatorGrant.unwrap(grant));
}

function until(OperatorGrant grant) pure returns (uint256) {
    return uint40(OperatorGrant.unwrap(grant) >> 8);
}

function allowance(OperatorGrant grant) pure returns (uint256) {
    return uint64(OperatorGrant.unwrap(grant) >> 48);
}

/// @notice Spent so far on `day`, 1e-6 settlement token.
function spentOn(OperatorGrant grant, uint256 day) pure returns (uint256) {
    return OperatorGrant.unwrap(grant) >> 224 == day ? uint64(OperatorGrant.unwrap(grant) >> 112) : 0;
}

/// @notice The grant after `fee` (WAD, rounded up to 1e-6) was caused at `time`.
function spend(OperatorGrant grant, uint256 fee, uint256 time) pure returns (OperatorGrant) {
    uint256 day = time / 1 days;
    uint256 spent = spentOn(grant, day);
    uint256 amount = Fixed.divUp(fee, ALLOWANCE_UNIT);
    uint256 left = allowance(grant) - spent;
    require(amount <= left, FeeAllowanceExceeded(fee, left * ALLOWANCE_UNIT));
    return OperatorGrant.wrap(uint112(OperatorGrant.unwrap(grant)) | ((spent + amount) << 112) | (day << 224));
}
