// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {StreamReport} from "../types/StreamReport.sol";
import {IStreamFeed} from "./IStreamFeed.sol";
import {IStreamReports} from "./IStreamReports.sol";
import {FeeAsset, IStreamFeeManager, IStreamVerifier} from "./IStreamVerifier.sol";
import {SignedReport} from "./SignedReport.sol";
import {StreamFeed} from "./StreamFeed.sol";

/// @title StreamReports
/// @notice The only way into the feeds of streams. Holds no ether between calls.
/// @dev Reentrancy: the verifier, its fee manager and the wrapped native token call nobody else; the caller gets its change
/// last. What a feed stores it checks when it stores it, so that nothing depends on what was looked up before.
contract StreamReports is IStreamReports {
    IStreamVerifier public immutable override verifier;

    mapping(bytes32 feedId => IStreamFeed) public override feedOf;

    constructor(IStreamVerifier verifier_) {
        require(address(verifier_).code.length != 0, VerifierNotContract(address(verifier_)));
        verifier = verifier_;
    }

    // ---------------------------------------------------------------- feeds

    /// @inheritdoc IStreamReports
    function createFeed(bytes32 feedId) external returns (IStreamFeed feed) {
        SignedReport.requireSchema(feedId);
        feed = feedOf[feedId];
        require(address(feed) == address(0), FeedExists(feedId, feed));
        feed = new StreamFeed{salt: feedId}(feedId);
        feedOf[feedId] = feed;
        emit FeedCreated(feedId, feed);
    }

    // ---------------------------------------------------------------- reports

    /// @inheritdoc IStreamReports
    function submit(bytes[] calldata signedReports) external payable returns (uint256 fee) {
        (bytes[] memory payloads, StreamReport[] memory reports, IStreamFeed[] memory feeds) = _selectNew(
            signedReports
        );
        if (payloads.length != 0) {
            fee = _verify(payloads);
            for (uint256 i = 0; i < feeds.length; ++i) feeds[i].record(reports[i]);
        }

        uint256 change = msg.value - fee;
        if (change != 0) {
            (bool ok, ) = msg.sender.call{value: change}("");
            require(ok, ChangeRefused(msg.sender, change));
        }
    }

    /// @dev The reports that are not stored yet, with all that they can be refused for before they are verified.
    function _selectNew(
        bytes[] calldata signedReports
    ) private view returns (bytes[] memory payloads, StreamReport[] memory reports, IStreamFeed[] memory feeds) {
        uint256 length = signedReports.length;
        payloads = new bytes[](length);
        reports = new StreamReport[](length);
        feeds = new IStreamFeed[](length);
        uint256 count = 0;
        for (uint256 i = 0; i < length; ++i) {
            (bytes32 feedId, StreamReport report, uint256 expiresAt) = SignedReport.read(signedReports[i], i);
            IStreamFeed feed = feedOf[feedId];
            require(address(feed) != address(0), UnknownFeed(feedId));
            (uint256 validFrom, uint256 observed) = (report.validFrom(), report.observed());
            require(validFrom != 0 && validFrom <= observed, WindowInverted(feedId, validFrom, observed));
            if (feed.find(report) != 0) continue;

            require(expiresAt >= block.timestamp, ReportExpired(feedId, expiresAt, block.timestamp));
            require(observed <= block.timestamp, ReportFromFuture(feedId, observed, block.timestamp));
            (payloads[count], reports[count], feeds[count]) = (signedReports[i], report, feed);
            ++count;
        }
        assembly ("memory-safe") {
            mstore(payloads, count)
            mstore(reports, count)
            mstore(feeds, count)
        }
    }

    function _verify(bytes[] memory payloads) private returns (uint256 fee) {
        bytes memory parameters;
        (fee, parameters) = _quote(payloads);
        // The exact fee: without a fee manager the proxy would keep what it is sent.
        require(fee <= msg.value, FeeNotCovered(fee, msg.value));
        bytes[] memory verified = verifier.verifyBulk{value: fee}(payloads, parameters);
        for (uint256 i = 0; i < payloads.length; ++i) {
            bytes memory data = SignedReport.dataOf(payloads[i]);
            require(keccak256(verified[i]) == keccak256(data), ReportAltered(bytes32(data)));
        }
    }

    function _quote(bytes[] memory payloads) private view returns (uint256 fee, bytes memory parameters) {
        IStreamFeeManager manager = verifier.s_feeManager();
        if (address(manager) == address(0)) return (0, "");
        address native = manager.i_nativeAddress();
        for (uint256 i = 0; i < payloads.length; ++i) {
            (FeeAsset memory asset, , ) = manager.getFeeAndReward({
                subscriber: address(this),
                report: SignedReport.dataOf(payloads[i]),
                quoteAddress: native
            });
            fee += asset.amount;
        }
        parameters = abi.encode(native);
    }
}
