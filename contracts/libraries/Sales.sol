// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IClearingHouse, Sale} from "../interfaces/IClearingHouse.sol";
import {AccountId} from "../types/AccountId.sol";
import {AccountState} from "../types/AccountState.sol";
import {Conditions} from "../types/Conditions.sol";
import {CollateralParameters} from "../types/GlobalParameters.sol";
import {Books, BooksStorage, Flow} from "./Books.sol";
import {Fixed, PPM, WAD} from "./Fixed.sol";
import {Exposure} from "./Risk.sol";

/// @notice Collateral for cash, at the oracle's price over min(1, price of the settlement token).
library Sales {
    using Books for BooksStorage;
    using SafeCast for uint256;

    /// @notice Sells collateral of an account to another, which pays in cash. The buyer is stored, the account is not.
    /// @param exposures Of the account; changed in place. @param discount Of the price, 1e-6.
    /// @return proceeds What the buyer pays and the account gets, WAD, rounded up.
    function sell(
        BooksStorage storage books,
        Flow memory flow,
        AccountId account,
        AccountState memory state,
        Exposure[] memory exposures,
        Conditions conditions,
        Sale calldata sale,
        CollateralParameters parameters,
        uint256 discount,
        AccountId buyer
    ) internal returns (uint256 proceeds) {
        uint256 held = books.collateral[account][sale.token];
        require(
            sale.amount != 0 && sale.amount <= held,
            IClearingHouse.InsufficientCollateral(account, sale.token, held, sale.amount)
        );
        Exposure memory e = Books.find(exposures, parameters.asset());
        require(e.price.liquidatable(), IClearingHouse.NotLiquidatable(e.asset));
        proceeds = proceedsUp(sale.amount, e.price.last(), conditions, e.asset);
        proceeds -= Fixed.mulDivDown(proceeds, discount, PPM);
        buy(books, flow, sale, buyer, proceeds);

        state.cash = Books.moveCash(flow, state.cash, int256(proceeds));
        books.collateral[account][sale.token] = held - sale.amount;
        e.collateral -= sale.amount;
        if (held == sale.amount) state.collaterals ^= 1 << sale.token;
        emit IClearingHouse.CollateralSold(account, buyer, sale.token, sale.amount, proceeds);
    }

    /// @notice amount·P/min(1, settlement token's price), rounded up, WAD. While that price is refused its lower end counts, which
    /// is the better one for the seller: a dead feed neither sells an account out at par nor shields it.
    /// @dev Reverts where no settlement token's price is listed.
    function proceedsUp(
        uint256 amount,
        uint256 price,
        Conditions conditions,
        uint256 asset
    ) internal pure returns (uint256) {
        require(conditions.settlementPrice() != 0, IClearingHouse.NotLiquidatable(asset));
        return Fixed.mulDivUp(amount, price, Math.min(WAD, conditions.settlementPrice()));
    }

    /// @notice Takes `proceeds` from the buyer's cash and adds the collateral to its account.
    function buy(
        BooksStorage storage books,
        Flow memory flow,
        Sale calldata sale,
        AccountId buyer,
        uint256 proceeds
    ) internal {
        AccountState memory state = books.stateOf(buyer);
        require(state.cash >= int256(proceeds), IClearingHouse.InsufficientCash(buyer, state.cash, proceeds));
        state.cash = Books.moveCash(flow, state.cash, -int256(proceeds));
        state.collaterals |= 1 << sale.token;
        Books.requireFewAssets(books.assetsOf(state));
        books.store(buyer, state, flow);
        books.collateral[buyer][sale.token] = (books.collateral[buyer][sale.token] + sale.amount).toUint112();
    }
}
