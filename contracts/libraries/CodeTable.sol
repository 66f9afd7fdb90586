// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @title CodeTable
/// @notice A constant table of words kept as the code of a contract of its own. Loading any number of its words costs
/// one cold account access (2,600) in place of a cold slot (2,100) for each. A change writes a new table.
/// @dev The code is `00 ‖ data`: it begins with STOP, so that a call does nothing. Offsets are in bytes of `data`, are
/// not checked and read zeros beyond the end: the caller bounds its index. An address that is not a table, zero
/// included, reads zeros too.
library CodeTable {
    /// @notice Longest data that still fits the limit of code size (24,576 with the leading STOP).
    uint256 internal constant MAX_LENGTH = 24_575;

    error TableTooLong(uint256 length, uint256 maximum);
    error TableNotDeployed(uint256 length);

    /// @notice Deploys a table that holds `data`.
    function write(bytes memory data) internal returns (address table) {
        if (data.length > MAX_LENGTH) revert TableTooLong(data.length, MAX_LENGTH);
        // Ten bytes of creation code return what follows them, the STOP and the data:
        // PUSH2 length | DUP1 | PUSH1 10 | PUSH0 | CODECOPY | PUSH0 | RETURN
        bytes memory creation = abi.encodePacked(hex"61", uint16(data.length + 1), hex"80600a5f395ff300", data);
        assembly ("memory-safe") {
            table := create(0, add(creation, 0x20), mload(creation))
        }
        if (table == address(0)) revert TableNotDeployed(data.length);
    }

    /// @notice The word at `byteOffset`.
    function word(address table, uint256 byteOffset) internal view returns (uint256 value) {
        assembly ("memory-safe") {
            extcodecopy(table, 0x00, add(byteOffset, 1), 0x20)
            value := mload(0x00)
        }
    }

    /// @notice Two consecutive words from `byteOffset` on.
    function words2(address table, uint256 byteOffset) internal view returns (uint256 first, uint256 second) {
        assembly ("memory-safe") {
            extcodecopy(table, 0x00, add(byteOffset, 1), 0x40)
            first := mload(0x00)
            second := mload(0x20)
        }
    }

    /// @notice Three consecutive words from `byteOffset` on.
    function words3(
        address table,
        uint256 byteOffset
    ) internal view returns (uint256 first, uint256 second, uint256 third) {
        assembly ("memory-safe") {
            // Beyond the free memory pointer, which need not move: nothing stays there.
            let scratch := mload(0x40)
            extcodecopy(table, scratch, add(byteOffset, 1), 0x60)
            first := mload(scratch)
            second := mload(add(scratch, 0x20))
            third := mload(add(scratch, 0x40))
        }
    }

    /// @notice Length of the data in bytes; 0 for an address that is not a table.
    function length(address table) internal view returns (uint256 size) {
        size = table.code.length;
        if (size != 0) --size;
    }

    /// @notice The whole data of `table`.
    function read(address table) internal view returns (bytes memory data) {
        uint256 size = length(table);
        data = new bytes(size);
        assembly ("memory-safe") {
            extcodecopy(table, add(data, 0x20), 1, size)
        }
    }
}
