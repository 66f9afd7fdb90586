// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {CodeTable} from "./CodeTable.sol";
import {RiskParameters, SizeParameters, TradeParameters} from "../types/AssetParameters.sol";
import {CollateralParameters, GlobalParameters, GroupParameters, MoneyParameters} from "../types/GlobalParameters.sol";
import {MarginRamp, RAMPING} from "../types/MarginRamp.sol";

/// @notice Layout of the clearing house's parameters in their code table, in words:
/// globals, groups, money, ramp of m and ρ, groups at its end, 16 collateral tokens, then three for each asset (risk, sizes,
/// trade).
library ParameterTable {
    using CodeTable for address;

    uint256 internal constant GLOBALS = 0;
    uint256 internal constant GROUPS = 1;
    uint256 internal constant MONEY = 2;
    uint256 internal constant RAMP = 3;
    uint256 internal constant RAMP_END = 4;
    uint256 internal constant TOKENS = 5;
    uint256 internal constant MAX_TOKENS = 16;
    uint256 internal constant ASSETS = TOKENS + MAX_TOKENS;
    uint256 internal constant ASSET_WORDS = 3;

    /// @notice What is in force now; a ramp of m and ρ in progress is in it.
    function globals(address table) internal view returns (GlobalParameters, GroupParameters) {
        (uint256 first, uint256 second) = table.words2(0);
        if (second >= RAMPING) return _ramped(table, first, second);
        return (GlobalParameters.wrap(first), GroupParameters.wrap(second));
    }

    function _ramped(
        address table,
        uint256 first,
        uint256 second
    ) private view returns (GlobalParameters, GroupParameters) {
        (uint256 ramp, uint256 end) = table.words2(RAMP * 32);
        return
            MarginRamp.wrap(ramp).applied(
                GlobalParameters.wrap(first),
                GroupParameters.wrap(second),
                GroupParameters.wrap(end),
                block.timestamp
            );
    }

    function money(address table) internal view returns (MoneyParameters) {
        return MoneyParameters.wrap(table.word(MONEY * 32));
    }

    /// @param token Index below 16.
    function collateral(address table, uint256 token) internal view returns (CollateralParameters) {
        return CollateralParameters.wrap(table.word((TOKENS + token) * 32));
    }

    /// @param index Below 96, which is the caller's to check: of a larger one the product wraps around.
    function asset(
        address table,
        uint256 index
    ) internal view returns (RiskParameters, SizeParameters, TradeParameters) {
        unchecked {
            (uint256 first, uint256 second, uint256 third) = table.words3((ASSETS + index * ASSET_WORDS) * 32);
            return (RiskParameters.wrap(first), SizeParameters.wrap(second), TradeParameters.wrap(third));
        }
    }

    /// @notice Place of the first word of an asset.
    function placeOf(uint256 index) internal pure returns (uint256) {
        return ASSETS + index * ASSET_WORDS;
    }

    /// @notice The ramp of m and ρ, and ρ at its end; zeros where none is to be read.
    function marginRamp(address table) internal view returns (MarginRamp, GroupParameters) {
        (, uint256 groups) = table.words2(0);
        if (groups < RAMPING) return (MarginRamp.wrap(0), GroupParameters.wrap(0));
        (uint256 ramp, uint256 end) = table.words2(RAMP * 32);
        return (MarginRamp.wrap(ramp), GroupParameters.wrap(end));
    }

    /// @notice All words, to be changed and written anew. A ramp of m and ρ that is over has become what it led to.
    function data(address table) internal view returns (bytes memory words) {
        words = table.read();
        (MarginRamp ramp, ) = marginRamp(table);
        if (MarginRamp.unwrap(ramp) == 0 || block.timestamp < ramp.start() + ramp.duration()) return words;
        (GlobalParameters first, GroupParameters second) = globals(table);
        put(words, GLOBALS, GlobalParameters.unwrap(first));
        put(words, GROUPS, GroupParameters.unwrap(second));
        put(words, RAMP, 0);
        put(words, RAMP_END, 0);
    }

    /// @dev The last line of defence against an index that nobody has checked: beyond the words is other memory, and a large
    /// place is multiplied back into them.
    function put(bytes memory words, uint256 place, uint256 word) internal pure {
        assert(place < words.length / 32);
        assembly ("memory-safe") {
            mstore(add(add(words, 0x20), mul(place, 0x20)), word)
        }
    }

    function get(bytes memory words, uint256 place) internal pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(words, 0x20), mul(place, 0x20)))
        }
    }

    /// @notice A new table that differs in one word.
    function replaced(address table, uint256 place, uint256 word) internal returns (address) {
        bytes memory words = data(table);
        put(words, place, word);
        return CodeTable.write(words);
    }
}
