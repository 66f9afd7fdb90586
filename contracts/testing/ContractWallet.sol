// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";

/// @notice For tests: an account owner that is a contract and has approved hashes in place of signing them.
contract ContractWallet is IERC1271 {
    mapping(bytes32 hash => bool) private approved;

    function approve(bytes32 hash) external {
        approved[hash] = true;
    }

    function call(address target, bytes calldata data) external returns (bytes memory) {
        return Address.functionCall(target, data);
    }

    function isValidSignature(bytes32 hash, bytes calldata) external view returns (bytes4) {
        return approved[hash] ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}
