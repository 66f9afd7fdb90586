// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice An amount of a token, as Chainlink's fee manager returns it.
struct FeeAsset {
    address assetAddress;
    uint256 amount;
}

/// @title IStreamVerifier
/// @notice What is called of Chainlink's `VerifierProxy` (2.0.0), the gateway to the verifiers of a chain's DONs.
interface IStreamVerifier {
    /// @notice Verifies signed reports, or reverts. Bills the caller if there is a fee manager; without one the value that is
    /// sent along stays in the proxy.
    /// @param parameterPayload The token that pays the fees, encoded; not read without a fee manager.
    /// @return verifiedReports The report data of each.
    function verifyBulk(
        bytes[] calldata payloads,
        bytes calldata parameterPayload
    ) external payable returns (bytes[] memory verifiedReports);

    /// @notice The zero address where verification is free.
    // solhint-disable-next-line func-name-mixedcase
    function s_feeManager() external view returns (IStreamFeeManager);
}

/// @title IStreamFeeManager
/// @notice What is called of Chainlink's `FeeManager` (2.1.0).
interface IStreamFeeManager {
    /// @notice The wrapped native token: the name under which fees in the native token are quoted.
    // solhint-disable-next-line func-name-mixedcase
    function i_nativeAddress() external view returns (address);

    /// @param subscriber Whoever calls the proxy; discounts are theirs.
    /// @param report Report data.
    /// @return fee What the verification of the report costs now.
    function getFeeAndReward(
        address subscriber,
        bytes calldata report,
        address quoteAddress
    ) external view returns (FeeAsset memory fee, FeeAsset memory reward, uint256 discount);
}
