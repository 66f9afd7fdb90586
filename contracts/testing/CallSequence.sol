// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice For tests: several calls in one transaction, each with its result and its gas.
contract CallSequence {
    /// @param gasLimit Gas to forward; 0: all.
    struct Call {
        address target;
        uint256 gasLimit;
        bytes data;
    }

    event Called(uint256 indexed index, bool success, uint256 gasUsed, bytes result);

    function run(Call[] calldata calls) external {
        for (uint256 i = 0; i < calls.length; ++i) {
            uint256 before = gasleft();
            uint256 forwarded = calls[i].gasLimit == 0 ? before : calls[i].gasLimit;
            (bool success, bytes memory result) = calls[i].target.call{gas: forwarded}(calls[i].data);
            emit Called({index: i, success: success, gasUsed: before - gasleft(), result: result});
        }
    }
}
