// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {MoneyParameters} from "../types/GlobalParameters.sol";
import {Fixed, PPM, WAD} from "./Fixed.sol";

/// @notice Interest on negative cash, by utilisation, to the pool. A debt is kept as shares of an index.
library Interest {
    uint256 private constant YEAR = 365 days;

    /// @notice u = debts / (debts + base), 1e-6, rounded down; 1e6 if the pool has nothing left to lend.
    /// @param base The pool's free liquidity, WAD. @param debts What is lent, WAD.
    function utilisationDown(int256 base, uint256 debts) internal pure returns (uint256) {
        if (debts == 0) return 0;
        if (base <= 0) return PPM;
        return Fixed.mulDivDown(debts, PPM, debts + uint256(base));
    }

    /// @notice Borrow rate, 1e-6 per year, rounded down: linear to the kink, and from there to the rate when everything
    /// is lent.
    function rateDown(uint256 utilisation, MoneyParameters money) internal pure returns (uint256) {
        (uint256 kink, uint256 atKink, uint256 full) = (
            money.borrowKink(),
            money.borrowRateKink(),
            money.borrowRateFull()
        );
        if (utilisation < kink) return (atKink * utilisation) / kink;
        if (kink == PPM) return atKink;
        return atKink + ((full - atKink) * (utilisation - kink)) / (PPM - kink);
    }

    /// @notice Index after `elapsed` seconds at `rate`: index·(1 + rate·elapsed), rounded down.
    /// @param index WAD. @param rate 1e-6 per year.
    function accruedDown(uint256 index, uint256 rate, uint256 elapsed) internal pure returns (uint256) {
        return index + (index * rate * elapsed) / (YEAR * PPM);
    }

    /// @notice What an account owes for its shares, rounded up.
    function debtUp(uint256 shares, uint256 index) internal pure returns (uint256) {
        return Fixed.mulDivUp(shares, index, WAD);
    }

    /// @notice Shares of a debt, rounded up.
    function sharesUp(uint256 debt, uint256 index) internal pure returns (uint256) {
        return Fixed.mulDivUp(debt, WAD, index);
    }

    /// @notice What the pool counts for all shares, rounded down.
    function lentDown(uint256 shares, uint256 index) internal pure returns (uint256) {
        return Fixed.mulDivDown(shares, index, WAD);
    }
}
