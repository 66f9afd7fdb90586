// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IClearingHouse} from "./interfaces/IClearingHouse.sol";
import {IGovernanceLens, MarginsRamp, ParameterBound, RiskRamp} from "./interfaces/IGovernanceLens.sol";
import {RiskParameters} from "./types/AssetParameters.sol";
import {PARAMETERS, parameterName} from "./types/Bounds.sol";
import {GlobalParameters, GroupParameters, MAX_GROUPS} from "./types/GlobalParameters.sol";
import {MarginRamp} from "./types/MarginRamp.sol";

/// @title GovernanceLens
contract GovernanceLens is IGovernanceLens {
    /// @inheritdoc IGovernanceLens
    IClearingHouse public immutable clearingHouse;

    constructor(IClearingHouse clearingHouse_) {
        clearingHouse = clearingHouse_;
    }

    /// @inheritdoc IGovernanceLens
    function bounds() external view returns (ParameterBound[] memory rows) {
        rows = new ParameterBound[](PARAMETERS);
        for (uint256 i = 0; i < PARAMETERS; ++i) {
            rows[i].name = parameterName(i);
            rows[i].bound = clearingHouse.boundOf(rows[i].name);
        }
    }

    /// @inheritdoc IGovernanceLens
    function riskRamps() external view returns (RiskRamp[] memory ramps) {
        (uint256 assets, ) = clearingHouse.listed();
        ramps = new RiskRamp[](assets);
        uint256 count = 0;
        for (uint256 asset = 0; asset < assets; ++asset) {
            (RiskParameters risk, , ) = clearingHouse.parametersOf(asset);
            if (block.timestamp >= risk.rampEnd()) continue;
            ramps[count++] = RiskRamp({
                asset: asset,
                group: risk.group(),
                start: risk.rates(risk.rampStart()),
                current: risk.rates(block.timestamp),
                end: risk.rates(type(uint256).max),
                startsAt: risk.rampStart(),
                endsAt: risk.rampEnd()
            });
        }
        assembly ("memory-safe") {
            // Fewer than there is room for.
            mstore(ramps, count)
        }
    }

    /// @inheritdoc IGovernanceLens
    function marginsRamp() external view returns (MarginsRamp memory result) {
        (GlobalParameters globals, GroupParameters groups, ) = clearingHouse.globals();
        (MarginRamp ramp, GroupParameters end) = clearingHouse.marginRamp();
        result.running = block.timestamp < ramp.start() + ramp.duration();
        result.factor = globals.maintenanceFactor();
        result.factorEnd = result.running ? ramp.endFactor() : result.factor;
        for (uint256 g = 0; g < MAX_GROUPS; ++g) {
            result.floors[g] = groups.hedgeFloor(g);
            result.floorsEnd[g] = result.running ? end.hedgeFloor(g) : result.floors[g];
        }
        if (result.running) (result.startsAt, result.endsAt) = (ramp.start(), ramp.start() + ramp.duration());
    }
}
