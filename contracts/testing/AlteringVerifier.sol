// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice Where a verifier registers itself for a configuration of a DON.
interface IVerifierRegistry {
    struct AddressAndWeight {
        address addr;
        uint64 weight;
    }

    function setVerifier(
        bytes32 currentConfigDigest,
        bytes32 newConfigDigest,
        AddressAndWeight[] calldata addressesAndWeights
    ) external;
}

/// @notice For tests: a verifier behind Chainlink's proxy that takes every payload and returns another report.
contract AlteringVerifier {
    bytes private altered;

    function register(IVerifierRegistry proxy, bytes32 digest, bytes calldata altered_) external {
        altered = altered_;
        proxy.setVerifier(0, digest, new IVerifierRegistry.AddressAndWeight[](0));
    }

    function verify(bytes calldata, address) external view returns (bytes memory) {
        return altered;
    }

    function supportsInterface(bytes4 id) external pure returns (bool) {
        return id == this.verify.selector;
    }
}
