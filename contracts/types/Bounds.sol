// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice What a parameter may be and how far it may move at once, in the unit in which it is kept. The authority only
/// says who the governor and the steward are.
/// @dev A step is the larger of a share of the present value and an amount: a share alone would never leave zero.
struct Bound {
    uint256 minimum;
    uint256 maximum;
    uint256 down; // most that the governor lowers it by, 1e-6 of its value; ANY: as far as the range
    uint256 up; // and raises it by
    uint256 amount; // or by so much, either way
    uint256 interval; // between two such changes, seconds
    uint256 stewardShare; // most that the steward moves it by, either way, 1e-6 of its value
    uint256 stewardAmount; // or by so much; with both zero it is not the steward's to move
}

/// @notice Who moves a parameter.
enum Power {
    Governor,
    Steward
}

/// @dev No step but the range.
uint256 constant ANY = type(uint256).max;
/// @dev Between two changes of the same parameter by the steward.
uint256 constant STEWARD_INTERVAL = 1 days;
/// @dev Least and most that a ramp takes.
uint256 constant MIN_RAMP = 1 days;
uint256 constant MAX_RAMP = 90 days;
/// @dev Above any cap on open interest, which needs 2 bits less than units have (`Deleveraging.CAP_SHIFT`).
uint256 constant MAX_DEPTH = (1 << 110) - 1;

error UnknownParameter(bytes32 name);

/// @notice The row of a parameter. Rates are 1e-6, depth and caps WAD of base units, money cents, but for the insurance cap,
/// which is WAD; times are seconds. What depends on another parameter (a cap on the depth, a maker fee on the taker fee)
/// has its widest range here.
function boundOf(bytes32 name) pure returns (Bound memory) {
    // Ramps: a step is how far the target may be from what is in force, so that the speed is bounded, too.
    if (name == "beta") return Bound(0, 1e6, 1e6, 1e6, 50_000, 0, 100_000, 2_000);
    if (name == "sigma") return Bound(1_000, 1e6, 500_000, 1e6, 20_000, 0, 100_000, 1_000);
    if (name == "gamma") return Bound(500, 250_000, 500_000, 1e6, 5_000, 0, 100_000, 200);
    if (name == "kappa") return Bound(0, 10e6, 500_000, 1e6, 100_000, 0, 100_000, 5_000);
    if (name == "maintenanceFactor") return Bound(100_000, 900_000, 0, 0, 100_000, 0, 0, 20_000);
    if (name == "hedgeFloor") return Bound(100_000, 1e6, 0, 0, 250_000, 0, 0, 50_000);
    // Of a market. The skew cap is stepped only where the hard cap, twice as much, would come below |S|.
    if (name == "depth") return Bound(1e12, MAX_DEPTH, 50_000, 50_000, 0, 1 days, 20_000, 0);
    if (name == "openInterestCap") return Bound(0, MAX_DEPTH, ANY, ANY, 0, 0, 200_000, 0);
    if (name == "openInterestShare") return Bound(0, 10e6, ANY, ANY, 0, 0, 200_000, 0);
    if (name == "skewCap") return Bound(0, MAX_DEPTH, 500_000, ANY, 0, 1 days, 200_000, 0);
    if (name == "takerFee") return Bound(0, 10_000, ANY, ANY, 0, 0, 0, 0);
    if (name == "makerFee") return Bound(0, 10_000, ANY, ANY, 0, 0, 0, 0);
    if (name == "insuranceCap") return Bound(0, 6_553_500e18, ANY, ANY, 0, 0, 200_000, 0);
    // What an account loses at a liquidation.
    if (name == "shortfallInitial") return Bound(0, 1e6, 0, 0, 50_000, 1 days, 0, 0);
    if (name == "shortfallMaintenance") return Bound(0, 1e6, 0, 0, 50_000, 1 days, 0, 0);
    if (name == "liquidationTarget") return Bound(0, 1e6, 0, 0, 100_000, 1 days, 0, 0);
    if (name == "liquidationPenalty") return Bound(10_000, 250_000, 0, 0, 10_000, 1 days, 0, 0);
    if (name == "liquidatorShare") return Bound(100_000, 1e6, 0, 0, 100_000, 1 days, 0, 0);
    if (name == "deepLoss") return Bound(0, 1e6, 0, 0, 100_000, 1 days, 0, 0);
    if (name == "takeoverDiscount") return Bound(0, 50_000, 0, 0, 5_000, 1 days, 0, 0);
    if (name == "smallRequirement") return Bound(0, 10_000_000, ANY, 1e6, 50_00, 1 days, 0, 0);
    // Where fees go, and the pool's and insurance's own money.
    if (name == "protocolFeeShare") return Bound(0, 1e6, ANY, ANY, 0, 0, 0, 0);
    if (name == "insuranceFeeShare") return Bound(0, 1e6, ANY, ANY, 0, 0, 0, 0);
    if (name == "markMaxAge") return Bound(1 minutes, 7 days, ANY, ANY, 0, 0, 0, 0);
    if (name == "minNotional") return Bound(0, 10_000_000, ANY, ANY, 0, 0, 0, 0);
    if (name == "flatReward") return Bound(0, 10_000_000, ANY, ANY, 0, 0, 0, 0);
    if (name == "unattributedCap") return Bound(0, type(uint32).max, ANY, ANY, 0, 0, 0, 0);
    if (name == "borrowKink") return Bound(100_000, 1e6, ANY, ANY, 0, 0, 0, 0);
    if (name == "borrowRateKink") return Bound(0, 4e6, ANY, ANY, 0, 0, 0, 0);
    if (name == "borrowRateFull") return Bound(0, 4e6, ANY, ANY, 0, 0, 0, 0);
    // Lowering it can start deleveraging.
    if (name == "lossBudget") return Bound(10_000, 1e6, 500_000, ANY, 0, 1 days, 0, 0);
    revert UnknownParameter(name);
}

/// @dev Rows of the table.
uint256 constant PARAMETERS = 31;

/// @notice Name of a row, in the order of the table.
function parameterName(uint256 row) pure returns (bytes32) {
    bytes32[PARAMETERS] memory names = [
        bytes32("beta"),
        "sigma",
        "gamma",
        "kappa",
        "maintenanceFactor",
        "hedgeFloor",
        "depth",
        "openInterestCap",
        "openInterestShare",
        "skewCap",
        "takerFee",
        "makerFee",
        "insuranceCap",
        "shortfallInitial",
        "shortfallMaintenance",
        "liquidationTarget",
        "liquidationPenalty",
        "liquidatorShare",
        "deepLoss",
        "takeoverDiscount",
        "smallRequirement",
        "protocolFeeShare",
        "insuranceFeeShare",
        "markMaxAge",
        "minNotional",
        "flatReward",
        "unattributedCap",
        "borrowKink",
        "borrowRateKink",
        "borrowRateFull",
        "lossBudget"
    ];
    return names[row];
}
