// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";

/// @notice For tests: a caller with ether, that refuses change, takes it, or makes another call first.
contract ChangeTaker {
    address private target;
    bytes private data;
    uint256 private value;
    bool private refuses;

    error Refused();

    /// @dev Every payment of change is used for the call that is armed, once.
    receive() external payable {
        if (refuses) revert Refused();
        if (target == address(0)) return;
        address target_ = target;
        target = address(0);
        Address.functionCallWithValue(target_, data, value);
    }

    function refuse() external {
        refuses = true;
    }

    function arm(address target_, bytes calldata data_, uint256 value_) external {
        (target, data, value) = (target_, data_, value_);
    }

    function call(address target_, bytes calldata data_) external payable returns (bytes memory) {
        return Address.functionCallWithValue(target_, data_, msg.value);
    }
}
