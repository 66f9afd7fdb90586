// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {CodeTable} from "../libraries/CodeTable.sol";
import {ParameterTable} from "../libraries/ParameterTable.sol";

/// @notice For tests: CodeTable from outside.
contract CodeTableProbe {
    address public table;

    function write(bytes calldata data) external {
        table = CodeTable.write(data);
    }

    function word(uint256 byteOffset) external view returns (uint256) {
        return CodeTable.word(table, byteOffset);
    }

    function words2(uint256 byteOffset) external view returns (uint256, uint256) {
        return CodeTable.words2(table, byteOffset);
    }

    function words3(uint256 byteOffset) external view returns (uint256, uint256, uint256) {
        return CodeTable.words3(table, byteOffset);
    }

    function read() external view returns (bytes memory) {
        return CodeTable.read(table);
    }

    function put(bytes memory words, uint256 place, uint256 value) external pure returns (bytes memory) {
        ParameterTable.put(words, place, value);
        return words;
    }

    function length() external view returns (uint256) {
        return CodeTable.length(table);
    }
}
