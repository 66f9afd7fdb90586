// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @notice For tests: an ERC-4626 vault whose loss can be set and whose rate can be made unreadable.
contract TestVault is ERC4626 {
    enum Mode {
        Honest,
        Reverts,
        Burns, // takes all gas
        Silent, // returns nothing
        Fixed, // returns `answer`
        Hungry // takes nearly all gas, then returns the honest answer
    }

    /// @dev Enough to return.
    uint256 private constant REST = 500;

    uint8 private immutable offset;
    Mode private mode;
    uint256 private answer;

    error Unreadable();

    constructor(IERC20 asset_, uint8 offset_) ERC20("Vault share", "SHARE") ERC4626(asset_) {
        offset = offset_;
    }

    function set(Mode mode_, uint256 answer_) external {
        mode = mode_;
        answer = answer_;
    }

    /// @notice Takes assets away from the holders of shares.
    function lose(uint256 assets) external {
        require(IERC20(asset()).transfer(msg.sender, assets), Unreadable());
    }

    function convertToAssets(uint256 shares) public view override returns (uint256 assets) {
        Mode mode_ = mode;
        if (mode_ == Mode.Reverts) revert Unreadable();
        if (mode_ == Mode.Burns) {
            assembly ("memory-safe") {
                invalid()
            }
        }
        if (mode_ == Mode.Silent) {
            assembly ("memory-safe") {
                stop()
            }
        }
        if (mode_ == Mode.Fixed) return answer;
        assets = super.convertToAssets(shares);
        if (mode_ == Mode.Hungry) {
            while (gasleft() > REST) {}
        }
    }

    function _decimalsOffset() internal view override returns (uint8) {
        return offset;
    }
}
