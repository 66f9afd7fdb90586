// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {StreamReport, toStreamReport} from "../types/StreamReport.sol";

/// @title SignedReport
/// @notice The layout of a signed report of schema v3, with n signatures, by bytes:
///
///     0x000  context: digest of the DON's configuration, epoch and round, extra hash
///     0x060  offsets of data, rs and ss: 0xe0, 0x220, 0x240 + 32·n;  0x0c0  rawVs
///     0x0e0  length of the data: 0x120
///     0x100  feed id, validFrom, observed, nativeFee, linkFee, expiresAt, price, bid, ask: a word each
///     0x220  n, rs          0x240 + 32·n  n, ss          0x260 + 64·n  the end
///
/// @dev A DON encodes like this, with nothing between and nothing behind. Only this encoding is taken, so that what is read
/// here is what the verifier reads, and every payload has a bounded length.
library SignedReport {
    /// @notice The first two bytes of a feed id are the schema of its reports.
    uint256 internal constant SCHEMA = 3;
    /// @notice f + 1 signatures with the most signers that a verifier takes: 31 > 3·f.
    uint256 internal constant MAX_SIGNATURES = 11;
    uint256 internal constant MAX_LENGTH = END + 64 * MAX_SIGNATURES;

    uint256 private constant DATA = 0xe0;
    uint256 private constant DATA_LENGTH = 0x120;
    uint256 private constant RS = 0x220;
    uint256 private constant SS = 0x240; // and 32 for each signature
    uint256 private constant END = 0x260; // and 64 for each signature

    /// @param needed Least length of a report, or the length that this one's number of signatures asks for.
    error ReportTruncated(uint256 index, uint256 length, uint256 needed);
    /// @param maximum Of any report, or the length that this one's number of signatures asks for.
    error ReportTooLong(uint256 index, uint256 length, uint256 maximum);
    /// @param position Of the word in the payload.
    /// @param expected What the word should be, or its largest value.
    error ReportMalformed(uint256 index, uint256 position, uint256 value, uint256 expected);
    error WrongSchema(bytes32 feedId, uint256 schema, uint256 expected);

    /// @notice Reads a payload that is not verified yet.
    /// @param index Of the payload in its call, for errors.
    function read(
        bytes calldata payload,
        uint256 index
    ) internal pure returns (bytes32 feedId, StreamReport report, uint256 expiresAt) {
        uint256 length = payload.length;
        if (length < SS) revert ReportTruncated(index, length, SS);
        if (length > MAX_LENGTH) revert ReportTooLong(index, length, MAX_LENGTH);
        _requireWord(payload, index, 0x60, DATA);
        // Reports of other schemas have data of other lengths: their schema is what is wrong with them.
        feedId = bytes32(_word(payload, 0x100));
        requireSchema(feedId);
        _requireWord(payload, index, 0x80, RS);
        _requireWord(payload, index, DATA, DATA_LENGTH);

        uint256 signatures = _word(payload, RS);
        if (signatures > MAX_SIGNATURES) revert ReportMalformed(index, RS, signatures, MAX_SIGNATURES);
        uint256 needed = END + 64 * signatures;
        if (length < needed) revert ReportTruncated(index, length, needed);
        if (length > needed) revert ReportTooLong(index, length, needed);
        uint256 ss = SS + 32 * signatures;
        _requireWord(payload, index, 0xa0, ss);
        _requireWord(payload, index, ss, signatures);

        uint256 validFrom = _time(payload, index, 0x120);
        uint256 observed = _time(payload, index, 0x140);
        expiresAt = _time(payload, index, 0x1a0);
        report = toStreamReport({
            price: int256(_word(payload, 0x1c0)),
            bid: int256(_word(payload, 0x1e0)),
            ask: int256(_word(payload, 0x200)),
            validFrom_: validFrom,
            observed_: observed
        });
    }

    function requireSchema(bytes32 feedId) internal pure {
        uint256 schema = uint256(feedId) >> 240;
        if (schema != SCHEMA) revert WrongSchema(feedId, schema, SCHEMA);
    }

    /// @notice The report data of a payload that `read` has accepted, in place.
    function dataOf(bytes memory payload) internal pure returns (bytes memory data) {
        assembly ("memory-safe") {
            data := add(add(payload, 0x20), DATA)
        }
    }

    function _time(bytes calldata payload, uint256 index, uint256 position) private pure returns (uint256 time) {
        time = _word(payload, position);
        if (time > type(uint32).max) revert ReportMalformed(index, position, time, type(uint32).max);
    }

    function _requireWord(bytes calldata payload, uint256 index, uint256 position, uint256 expected) private pure {
        uint256 value = _word(payload, position);
        if (value != expected) revert ReportMalformed(index, position, value, expected);
    }

    /// @dev The caller has checked that the payload is so long.
    function _word(bytes calldata payload, uint256 position) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(add(payload.offset, position))
        }
    }
}
