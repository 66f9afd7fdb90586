// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice What ERC-7575 adds to ERC-4626. The interface id of the standard, 0x2f0a18c5, covers the functions of
/// ERC-4626 too.
interface IERC7575 {
    /// @notice The token that the shares are.
    function share() external view returns (address);
}
