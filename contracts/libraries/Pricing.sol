// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {Fixed, PPM, WAD} from "./Fixed.sol";

/// @notice What a fill against the pool costs.
library Pricing {
    /// @notice Quote that a trader takes on for `delta`, net of the funding index:
    /// N = ceil( Δ·(P·(2D + 2·S₀ + Δ) / (2D) − F) ), rounded once.
    /// @param delta Δ: signed change of the trader's size, WAD.
    /// @param price P: oracle price, WAD.
    /// @param skew S₀: net size of all traders before the fill, WAD.
    /// @param depth D, WAD.
    /// @param index F: funding index, WAD.
    function quoteCeil(
        int256 delta,
        uint256 price,
        int256 skew,
        uint256 depth,
        int256 index
    ) internal pure returns (int256) {
        int256 twoDepth = int256(2 * depth);
        int256 scaled = int256(price) * (twoDepth + 2 * skew + delta) - twoDepth * index;
        return Fixed.mulDivCeil(delta, scaled, 2 * depth * WAD);
    }

    /// @notice Φ = S²·P/(2D): what the pool has taken in as premium and owes back, rounded up.
    function heldPremiumUp(int256 skew, uint256 price, uint256 depth) internal pure returns (uint256) {
        uint256 size = SignedMath.abs(skew);
        return Fixed.mulDivUp(size * price, size, 2 * depth * WAD);
    }

    /// @notice What the pool owes to all positions of a side, rounded up: Σs·(P − F) + Σq.
    /// @param size Σs, signed, WAD. @param quote Σq, WAD. @param net P − F, WAD.
    function sideValueCeil(int256 size, int256 quote, int256 net) internal pure returns (int256) {
        return Fixed.divCeil(size * net, WAD) + quote;
    }

    /// @notice Fee of a fill: taker on the part that widens |S|, maker on the part that narrows it, rounded up.
    /// @param takerFee 1e-6. @param makerFee 1e-6.
    function feeUp(
        int256 delta,
        uint256 price,
        int256 skew,
        uint256 takerFee,
        uint256 makerFee
    ) internal pure returns (uint256) {
        uint256 size = SignedMath.abs(delta);
        uint256 narrowing = (skew < 0) == (delta < 0) ? 0 : _min(size, SignedMath.abs(skew));
        return Fixed.mulDivUp((size - narrowing) * takerFee + narrowing * makerFee, price, PPM * WAD);
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
