// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IStreamFeed} from "./IStreamFeed.sol";
import {IStreamVerifier} from "./IStreamVerifier.sol";

/// @title IStreamReports
/// @notice Takes signed reports of Chainlink Data Streams (schema v3), has them verified by Chainlink's verifier of this
/// chain, and stores each in the feed of its stream. Anyone may bring one.
///
/// Trusted: the verifier, its owner (who sets the signers and the fee manager), and the DON, up to the guards that are put
/// on any feed. Not trusted: who brings a report, and when. A report that was signed by the DON can be brought by anyone
/// while it has not expired, so nothing may depend on one not being brought.
interface IStreamReports {
    event FeedCreated(bytes32 indexed feedId, IStreamFeed feed);

    error VerifierNotContract(address verifier);
    error FeedExists(bytes32 feedId, IStreamFeed feed);
    /// @notice No feed has been created for the stream.
    error UnknownFeed(bytes32 feedId);
    /// @notice A report begins at 0, or after its end.
    error WindowInverted(bytes32 feedId, uint256 validFrom, uint256 observed);
    error ReportExpired(bytes32 feedId, uint256 expiresAt, uint256 timestamp);
    /// @notice Observed later than the block. (A chain's clock may be a second behind: the next block will take it.)
    error ReportFromFuture(bytes32 feedId, uint256 observed, uint256 timestamp);
    /// @notice The verifier has returned another report than it was given.
    error ReportAltered(bytes32 feedId);
    error FeeNotCovered(uint256 fee, uint256 value);
    error ChangeRefused(address caller, uint256 change);

    /// @notice Verifies and stores reports, of any streams, in the order given. All or none. A report that is stored already
    /// is skipped: neither verified nor paid for, and never an error, whether it has expired since or not.
    /// @dev What a report is refused for, in this order: its length, layout and schema (`ReportTruncated`,
    /// `ReportTooLong`, `ReportMalformed`, `WrongSchema`, all of `SignedReport`), an unknown feed (`UnknownFeed`), its
    /// window (`WindowInverted`), a shared second with a stored report (`ReportOverlaps` of `IStreamFeed`), its expiry
    /// (`ReportExpired`), a time to come (`ReportFromFuture`); then an uncovered fee (`FeeNotCovered`); then whatever
    /// the verifier has against it (its errors are passed on, as are the fee manager's), or has made of it
    /// (`ReportAltered`); then a shared second with another report of the call. Last, a caller that does not take its
    /// change (`ChangeRefused`). Payloads are copied only after they were found to have the length of a report, 1,312
    /// bytes at most.
    ///
    /// Fees are paid in the native token, out of the value sent along; what is left goes back to the caller. Without a fee
    /// manager that is all of it. Paying in LINK, or in wrapped native tokens, is not supported. Discounts of the fee
    /// manager, and the verifier's list of who may call it if it has one, are by the address of this contract.
    /// @param signedReports As a DON's aggregation server gives them: (context, report data, rs, ss, rawVs).
    /// @return fee Paid to the fee manager, in wei of the native token.
    function submit(bytes[] calldata signedReports) external payable returns (uint256 fee);

    /// @notice Creates the feed of a stream. Anyone may: its address follows from the id, and nothing is in it but what the
    /// DON has signed.
    /// @dev Reverts with `WrongSchema` (`SignedReport`) and `FeedExists`.
    function createFeed(bytes32 feedId) external returns (IStreamFeed feed);

    /// @notice The feed of a stream; the zero address if it has none.
    function feedOf(bytes32 feedId) external view returns (IStreamFeed);
    function verifier() external view returns (IStreamVerifier);
}
