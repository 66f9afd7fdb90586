// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {CodeTable} from "./CodeTable.sol";
import {RiskParameters, SizeParameters, TradeParameters} from "../types/AssetParameters.sol";
import {CollateralParameters, GlobalParameters, GroupParameters, MoneyParameters} from "../types/GlobalParameters.sol";

/// @notice Layout of the clearing house's parameters in their code table, in words:
/// globals, groups, money, 16 collateral tokens, then three for each asset (risk, sizes, trade).
library ParameterTable {
    using CodeTable for address;

    uint256 internal constant TOKENS = 3;
    uint256 internal constant MAX_TOKENS = 16;
    uint256 internal constant ASSETS = TOKENS + MAX_TOKENS;
    uint256 internal constant ASSET_WORDS = 3;

    function globals(address table) internal view returns (GlobalParameters, GroupParameters) {
        (uint256 first, uint256 second) = table.words2(0);
        return (GlobalParameters.wrap(first), GroupParameters.wrap(second));
    }

    function money(address table) internal view returns (MoneyParameters) {
        return MoneyParameters.wrap(table.word(2 * 32));
    }

    /// @param token Index below 16.
    function collateral(address table, uint256 token) internal view returns (CollateralParameters) {
        return CollateralParameters.wrap(table.word((TOKENS + token) * 32));
    }

    /// @param index Below 96.
    function asset(
        address table,
        uint256 index
    ) internal view returns (RiskParameters, SizeParameters, TradeParameters) {
        unchecked {
            (uint256 first, uint256 second, uint256 third) = table.words3((ASSETS + index * ASSET_WORDS) * 32);
            return (RiskParameters.wrap(first), SizeParameters.wrap(second), TradeParameters.wrap(third));
        }
    }
}
