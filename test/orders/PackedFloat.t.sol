// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {
    MAX_PACKED_FLOAT,
    PackedFloat,
    packFloatDown,
    PackedFloatOverflow,
    packFloatUp
} from "../../contracts/types/PackedFloat.sol";

contract PackedFloatTest {
    error Wrong(string what, uint256 value, uint256 packed);

    /// @dev Random words are nearly all huge: `bits` spreads them over every magnitude.
    function _sized(uint256 seed, uint8 bits) private pure returns (uint256) {
        return seed >> (167 + (bits % 89)); // below 2^89
    }

    function testFuzz_packFloatDown_isNotAboveAndCloserThanOneUnit(uint256 seed, uint8 bits) external pure {
        uint256 value = _sized(seed, bits);
        uint256 packed = packFloatDown(value).decode();
        require(packed <= value, Wrong("above", value, packed));
        require(
            value <= MAX_PACKED_FLOAT ? (value - packed) << 25 <= value : packed == MAX_PACKED_FLOAT,
            Wrong("far", value, packed)
        );
    }

    function testFuzz_packFloatUp_isNotBelowAndCloserThanOneUnit(uint256 seed, uint8 bits) external view {
        uint256 value = _sized(seed, bits);
        if (value > MAX_PACKED_FLOAT) return _requireOverflow(value);
        uint256 packed = packFloatUp(value).decode();
        require(packed >= value, Wrong("below", value, packed));
        require((packed - value) << 25 <= value, Wrong("far", value, packed));
    }

    /// @dev Whatever the rounding, a packed number stays what it is; neighbours enclose what lies between.
    function testFuzz_packed_isExact(uint32 word) external pure {
        uint256 mantissa = word & ((1 << 26) - 1);
        uint256 value = PackedFloat.wrap(word).decode();
        require(value == mantissa << (word >> 26), Wrong("decoded", word, value));
        require(packFloatDown(value).decode() == value, Wrong("down", value, packFloatDown(value).decode()));
        require(packFloatUp(value).decode() == value, Wrong("up", value, packFloatUp(value).decode()));
    }

    function testFuzz_packFloat_isMonotonic(uint256 seed, uint8 bits, uint64 step) external pure {
        uint256 value = _sized(seed, bits);
        uint256 next = value + step;
        if (next > MAX_PACKED_FLOAT) return;
        require(packFloatDown(value).decode() <= packFloatDown(next).decode(), Wrong("down", value, next));
        require(packFloatUp(value).decode() <= packFloatUp(next).decode(), Wrong("up", value, next));
    }

    function test_packFloat_keepsSmallNumbersAndNone() external pure {
        for (uint256 i = 0; i < 40; ++i) {
            require(packFloatDown(i).decode() == i && packFloatUp(i).decode() == i, Wrong("small", i, 0));
        }
        require(packFloatDown(0).isNone() && packFloatUp(0).isNone(), Wrong("none", 0, 0));
        require(!packFloatDown(1).isNone() && !packFloatUp(1).isNone(), Wrong("one", 1, 0));
    }

    function test_packFloatUp_carriesIntoTheNextExponent() external pure {
        uint256 value = (1 << 27) - 1; // 27 ones
        require(packFloatUp(value).decode() == 1 << 27, Wrong("carry", value, packFloatUp(value).decode()));
        require(packFloatDown(value).decode() == value - 1, Wrong("down", value, packFloatDown(value).decode()));
    }

    function test_packFloat_atItsEnd() external view {
        require(packFloatUp(MAX_PACKED_FLOAT).decode() == MAX_PACKED_FLOAT, Wrong("up", 0, 0));
        require(packFloatDown(type(uint256).max).decode() == MAX_PACKED_FLOAT, Wrong("down", 0, 0));
        _requireOverflow(MAX_PACKED_FLOAT + 1);
        _requireOverflow(type(uint256).max);
    }

    function up(uint256 value) external pure returns (PackedFloat) {
        return packFloatUp(value);
    }

    function _requireOverflow(uint256 value) private view {
        try this.up(value) returns (PackedFloat float) {
            revert Wrong("no overflow", value, float.decode());
        } catch (bytes memory reason) {
            require(bytes4(reason) == PackedFloatOverflow.selector, Wrong("reason", value, 0));
        }
    }
}
