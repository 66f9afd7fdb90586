// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {RiskRates} from "../types/AssetParameters.sol";
import {Bound} from "../types/Bounds.sol";
import {MAX_GROUPS} from "../types/GlobalParameters.sol";
import {IClearingHouse} from "./IClearingHouse.sol";

/// @notice A row of the table of bounds.
struct ParameterBound {
    bytes32 name;
    Bound bound;
}

/// @notice Risk rates of an asset on their way, 1e-6; `current` rounded up.
struct RiskRamp {
    uint256 asset;
    uint256 group;
    RiskRates start;
    RiskRates current;
    RiskRates end;
    uint256 startsAt; // unix seconds
    uint256 endsAt;
}

/// @notice m and all ρ on their way, 1e-6; what holds now is rounded up. Where no ramp runs the end is the present.
struct MarginsRamp {
    bool running;
    uint256 factor; // m now
    uint256 factorEnd;
    uint256[MAX_GROUPS] floors; // ρ now
    uint256[MAX_GROUPS] floorsEnd;
    uint256 startsAt; // unix seconds; 0 where no ramp runs
    uint256 endsAt;
}

/// @title IGovernanceLens
/// @notice What may change, how far, and what is changing.
/// @dev Nothing here reverts, not even in the middle of an action of the protocol.
interface IGovernanceLens {
    function clearingHouse() external view returns (IClearingHouse);

    /// @notice All rows of the table of bounds.
    function bounds() external view returns (ParameterBound[] memory);

    /// @notice Ramps of risk rates that run, in ascending order of assets.
    function riskRamps() external view returns (RiskRamp[] memory);

    function marginsRamp() external view returns (MarginsRamp memory);
}
