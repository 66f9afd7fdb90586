// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice For tests: a feed that answers every price call with the same bytes, or burns the gas that it is given.
contract RawFeed {
    uint8 public decimals = 8;

    bytes private response;
    bool private burns;

    function setDecimals(uint8 decimals_) external {
        decimals = decimals_;
    }

    function set(bytes calldata response_, bool burns_) external {
        response = response_;
        burns = burns_;
    }

    // solhint-disable-next-line no-complex-fallback
    fallback() external {
        bytes memory data = response;
        bool burning = burns;
        assembly ("memory-safe") {
            if burning {
                invalid()
            }
            return(add(data, 0x20), mload(data))
        }
    }
}
