// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {LiquidationPlan} from "../interfaces/ILens.sol";
import {LiquidationSearch} from "../libraries/LiquidationSearch.sol";

/// @notice The search for a liquidation on given accounts, for comparison with the model.
contract LiquidationSearchHarness {
    function leastOf(LiquidationSearch.Case memory c, uint256 part) external view returns (LiquidationPlan memory) {
        return LiquidationSearch.leastOf(c, part);
    }

    function leastSlice(LiquidationSearch.Case memory c) external view returns (LiquidationPlan memory) {
        return LiquidationSearch.leastSlice(c);
    }
}
