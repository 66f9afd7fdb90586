// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

uint256 constant WAD = 1e18;
/// @dev Rates and shares set by governance are in millionths.
uint256 constant PPM = 1e6;

/// @notice Products and quotients with the rounding in their name. Intermediate products have 512 bits.
library Fixed {
    using SafeCast for uint256;

    function mulDivDown(uint256 a, uint256 b, uint256 denominator) internal pure returns (uint256) {
        unchecked {
            uint256 product = a * b;
            if (a == 0 || product / a == b) return product / denominator;
        }
        return Math.mulDiv(a, b, denominator);
    }

    function mulDivUp(uint256 a, uint256 b, uint256 denominator) internal pure returns (uint256) {
        unchecked {
            uint256 product = a * b;
            if (a == 0 || product / a == b) return divUp(product, denominator);
        }
        return Math.mulDiv(a, b, denominator, Math.Rounding.Ceil);
    }

    function divUp(uint256 a, uint256 denominator) internal pure returns (uint256 quotient) {
        quotient = a / denominator; // division by zero still reverts
        assembly ("memory-safe") {
            quotient := add(quotient, iszero(iszero(mod(a, denominator))))
        }
    }

    /// @notice a·b/denominator toward −∞.
    function mulDivFloor(int256 a, int256 b, uint256 denominator) internal pure returns (int256) {
        return _mulDiv(a, b, denominator, false);
    }

    /// @notice a·b/denominator toward +∞.
    function mulDivCeil(int256 a, int256 b, uint256 denominator) internal pure returns (int256) {
        return _mulDiv(a, b, denominator, true);
    }

    /// @notice a/denominator toward −∞.
    /// @param denominator Below 2^255.
    function divFloor(int256 a, uint256 denominator) internal pure returns (int256 quotient) {
        unchecked {
            quotient = a / int256(denominator); // division by zero still reverts
        }
        assembly ("memory-safe") {
            // The remainder has the sign of a.
            quotient := sub(quotient, slt(smod(a, denominator), 0))
        }
    }

    /// @notice a/denominator toward +∞.
    /// @param denominator Below 2^255.
    function divCeil(int256 a, uint256 denominator) internal pure returns (int256 quotient) {
        unchecked {
            quotient = a / int256(denominator);
        }
        assembly ("memory-safe") {
            quotient := add(quotient, sgt(smod(a, denominator), 0))
        }
    }

    /// @param up Toward +∞, otherwise toward −∞.
    function _mulDiv(int256 a, int256 b, uint256 denominator, bool up) private pure returns (int256) {
        bool negative = (a < 0) != (b < 0);
        (uint256 x, uint256 y) = (SignedMath.abs(a), SignedMath.abs(b));
        // What rounds away from zero on one side of it rounds toward zero on the other.
        int256 magnitude = (negative == up ? mulDivDown(x, y, denominator) : mulDivUp(x, y, denominator)).toInt256();
        return negative ? -magnitude : magnitude;
    }
}
