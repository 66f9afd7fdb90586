// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

import {Fixed, PPM, WAD} from "./Fixed.sol";
import {RiskParameters, SizeParameters, TradeParameters} from "../types/AssetParameters.sol";
import {Funding} from "../types/Funding.sol";
import {GlobalParameters, GroupParameters, MAX_GROUPS} from "../types/GlobalParameters.sol";
import {Price} from "../types/Price.sol";

/// @notice All that an account holds in one asset, with the asset's price and parameters.
struct Exposure {
    uint256 asset;
    Price price;
    int256 size; // s, base units, WAD
    int256 quote; // q, WAD of settlement token
    uint256 collateral; // k, base units, WAD
    Funding funding; // accrued to the time of the valuation
    RiskParameters risk;
    SizeParameters sizes;
    TradeParameters trade;
}

/// @notice An account's value and risk, WAD of settlement token.
struct Terms {
    int256 equity; // E
    int256 weighted; // E with profits at their weight
    int256 unrealised; // U
    int256 unrealisedWeighted;
    uint256 collateralValue; // Σ k·P
    uint256 base; // Σ R_g + Σ σ·|x|
    uint256 closeOut; // Σ γ(|s|)·|s|·P + γ(k)·k·P
}

using Risk for Terms global;

/// @notice The one risk formula, for collateral and positions together.
library Risk {
    /// @dev β·x, σ·x and γ·y are sums of 1e-6 · WAD · WAD.
    uint256 private constant RISK_SCALE = PPM * WAD;

    /// @notice Values an account at the end of each price interval that is worse for it, or better:
    ///   x = (k + s)·P
    ///   R_g = max(|Σ β·x|, ρ·Σ β·|x|)
    ///   base = Σ R_g + Σ σ·|x|
    ///   closeOut = Σ (γ·y + κ·y²/(2D))·P over y = |s| and y = k
    /// Values round down for each holding, requirements up for each sum. Dead collateral counts nothing.
    /// @param cash c, WAD; negative is debt.
    /// @param worse True for initial checks, false for liquidation.
    function assess(
        Exposure[] memory exposures,
        int256 cash,
        GroupParameters groups,
        uint256 time,
        bool worse
    ) internal pure returns (Terms memory terms) {
        Sums memory sums = Sums({net: new int256[](MAX_GROUPS), gross: new uint256[](MAX_GROUPS), own: 0, closeOut: 0});
        for (uint256 i = 0; i < exposures.length; ++i) _weigh(terms, sums, exposures[i], time, worse);
        for (uint256 g = 0; g < MAX_GROUPS; ++g) {
            uint256 hedged = sums.gross[g];
            if (hedged == 0) continue;
            hedged *= groups.hedgeFloor(g);
            uint256 outright = SignedMath.abs(sums.net[g]) * PPM;
            terms.base += Fixed.divUp(outright > hedged ? outright : hedged, RISK_SCALE * PPM);
        }
        terms.base += Fixed.divUp(sums.own, RISK_SCALE);
        terms.closeOut = Fixed.divUp(sums.closeOut, RISK_SCALE);
        int256 firm = cash + int256(terms.collateralValue);
        terms.equity = firm + terms.unrealised;
        terms.weighted = firm + terms.unrealisedWeighted;
    }

    /// @dev Sums of the requirement while it is being added up, in 1e-6 · WAD · WAD.
    struct Sums {
        int256[] net; // by group
        uint256[] gross;
        uint256 own;
        uint256 closeOut;
    }

    /// @dev Sizes and collateral have 112 bits, prices 97, rates 24, and an account at most 96 assets: no sum of theirs
    /// comes near 256 bits. Only what divides by the depth can.
    function _weigh(Terms memory terms, Sums memory sums, Exposure memory e, uint256 time, bool worse) private pure {
        int256 size = e.size;
        uint256 held = e.price.dead() ? 0 : e.collateral;
        (uint256 beta, uint256 sigma, uint256 gamma, uint256 kappa) = e.risk.ratesAt(time);
        uint256 price;
        uint256 closePrice;
        unchecked {
            int256 x = size + int256(held);
            (price, closePrice) = _endsOf(e, x, held, worse);
            x *= int256(price);
            uint256 gross = x < 0 ? uint256(-x) : uint256(x);
            uint256 group = e.risk.group();
            sums.net[group] += x * int256(beta);
            sums.gross[group] += gross * beta;
            sums.own += gross * sigma;
        }
        if (size != 0) {
            sums.closeOut += closeOutUp(SignedMath.abs(size), closePrice, gamma, kappa, e.sizes.depth());
            int256 value = valueFloor(e, price);
            unchecked {
                terms.unrealised += value;
                terms.unrealisedWeighted += _weightedFloor(e, value);
            }
        }
        if (held != 0) {
            sums.closeOut += closeOutUp(held, closePrice, gamma, kappa, e.sizes.depth());
            unchecked {
                terms.collateralValue += (held * price) / WAD;
            }
        }
    }

    /// @dev Equity is linear in a price, so the sign of k + s picks the end for it. With profits weighted it is concave:
    /// the worse end is that of the lower weighted equity. Closing costs more at the upper end, whatever the sign.
    function _endsOf(
        Exposure memory e,
        int256 amount,
        uint256 held,
        bool worse
    ) private pure returns (uint256 price, uint256 closePrice) {
        price = e.price.last();
        if (e.price.spread() == 0) return (price, price);
        (uint256 low, uint256 high) = (e.price.low(), e.price.high());
        if (!worse) return (amount >= 0 ? high : low, low);
        bool lower = _weightedAt(e, held, low) <= _weightedAt(e, held, high);
        return (lower ? low : high, high);
    }

    function _weightedAt(Exposure memory e, uint256 held, uint256 price) private pure returns (int256) {
        return int256((held * price) / WAD) + _weightedFloor(e, valueFloor(e, price));
    }

    function _weightedFloor(Exposure memory e, int256 value) private pure returns (int256) {
        unchecked {
            // 151 bits times 24
            return value > 0 ? Fixed.divFloor(value * int256(e.trade.profitWeight()), PPM) : value;
        }
    }

    /// @notice R_I = base + 1.5·closeOut, rounded up.
    function initial(Terms memory terms) internal pure returns (uint256) {
        return terms.base + Fixed.divUp(3 * terms.closeOut, 2);
    }

    /// @notice R_M = m·base + closeOut, rounded up.
    function maintenance(Terms memory terms, GlobalParameters globals) internal pure returns (uint256) {
        return Fixed.mulDivUp(terms.base, globals.maintenanceFactor(), PPM) + terms.closeOut;
    }

    /// @notice h = max(0, −(c + U)): what the account owes against its collateral, profits at their weight.
    function shortfall(Terms memory terms) internal pure returns (uint256) {
        int256 free = terms.weighted - int256(terms.collateralValue);
        return free < 0 ? uint256(-free) : 0;
    }

    /// @notice Whether equity, profits weighted, covers the initial requirement and the shortfall is within λ_I.
    function meetsInitial(Terms memory terms, GlobalParameters globals) internal pure returns (bool) {
        return
            terms.weighted >= int256(terms.initial()) &&
            terms.shortfall() * PPM <= terms.collateralValue * globals.shortfallInitial();
    }

    /// @notice Cash that brings an account up to its initial requirement and within λ_I, rounded up.
    function lackUp(Terms memory terms, GlobalParameters globals) internal pure returns (uint256) {
        int256 lack = int256(terms.initial()) - terms.weighted;
        int256 excess =
            int256(terms.shortfall()) -
                int256(Fixed.mulDivDown(terms.collateralValue, globals.shortfallInitial(), PPM));
        if (excess > lack) lack = excess;
        return lack > 0 ? uint256(lack) : 0;
    }

    /// @notice Value of a position, rounded down: s·(P − F) + q.
    function valueFloor(Exposure memory e, uint256 price) internal pure returns (int256) {
        unchecked {
            // 112 bits times 98, plus 128
            return Fixed.divFloor(e.size * (int256(price) - e.funding.index()), WAD) + e.quote;
        }
    }

    /// @notice (γ·y + κ·y²/(2D))·P, in 1e-6 · WAD · WAD, rounded up.
    /// @param amount y, below 2^112, WAD. @param price P, below 2^98, WAD.
    function closeOutUp(
        uint256 amount,
        uint256 price,
        uint256 gamma,
        uint256 kappa,
        uint256 depth
    ) internal pure returns (uint256) {
        uint256 value;
        uint256 flat;
        unchecked {
            value = amount * price;
            flat = value * gamma;
            value *= kappa;
        }
        return flat + Fixed.mulDivUp(value, amount, depth << 1); // 112 bits
    }
}
