// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Deployment} from "./Deployment.sol";
import {IHandler} from "./IHandler.sol";
import {vm} from "./Vm.sol";

/// @notice A campaign of random actions. After each of them its own invariant is checked, at the end of a run all are.
/// The runner draws the same inputs for every test, the salt makes other actions of them.
abstract contract Campaign {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    uint256 private constant INVARIANTS = 14;

    IHandler internal handler;
    uint256 private immutable _number;

    error NotDeployed();
    error Broken(uint256 invariant, string what, int256 expected, int256 actual);

    constructor(uint256 number) {
        _number = number;
    }

    function setUp() external {
        // A deep pool, a shallow one that its traders can ruin, and one with a small budget for their gains.
        uint256 kind = _number % 3;
        uint256 poolValue =
            kind == 0
                ? 10_000_000e18
                : kind == 1
                    ? 1_200_000e18
                    : 2_000_000e18;
        uint256 lossBudget = kind == 2 ? 10_000 : 200_000;
        bytes memory arguments = abi.encode(Deployment.deploy(lossBudget), _number, poolValue, lossBudget);
        // From its artifact: fourteen tests with a copy of its code each would take minutes to compile.
        bytes memory code = bytes.concat(vm.getCode("Handler"), arguments);
        address created;
        assembly ("memory-safe") {
            created := create(0, add(code, 0x20), mload(code))
        }
        require(created != address(0), NotDeployed());
        handler = IHandler(created);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), handler.actions());
    }

    function afterInvariant() external {
        handler.checkSizes();
        handler.checkTokens();
        handler.checkCash();
        handler.checkEquity();
        handler.checkPriceTimes();
        for (uint256 invariant = 1; invariant <= INVARIANTS; ++invariant) _require(invariant);
        string memory path = vm.envOr("INVARIANT_COUNTS", string(""));
        if (bytes(path).length != 0) vm.writeLine(path, handler.report());
    }

    function _require(uint256 invariant) internal view {
        (bytes32 what, int256 expected, int256 actual) = handler.violationOf(invariant);
        require(what == 0, Broken(invariant, string(abi.encodePacked(what)), expected, actual));
    }
}

contract SizesInvariant is Campaign(1) {
    function invariant_01_sizesSumToZero() external {
        handler.checkSizes();
        _require(1);
    }
}

contract TokensInvariant is Campaign(2) {
    function invariant_02_vaultHoldsTheLedgers() external {
        handler.checkTokens();
        _require(2);
    }
}

contract CashInvariant is Campaign(3) {
    function invariant_03_cashEqualsTokens() external {
        handler.checkCash();
        _require(3);
    }
}

contract EquityInvariant is Campaign(4) {
    function invariant_04_equityEqualsDeposits() external {
        handler.checkEquity();
        _require(4);
    }
}

contract MarginInvariant is Campaign(5) {
    function invariant_05_noActionLeavesTooLittleMargin() external view {
        _require(5);
    }
}

contract HealthInvariant is Campaign(6) {
    function invariant_06_liquidationIffUnhealthy() external view {
        _require(6);
    }
}

contract LiquidationInvariant is Campaign(7) {
    function invariant_07_liquidationShrinksAndImproves() external view {
        _require(7);
    }
}

contract SettlementInvariant is Campaign(8) {
    function invariant_08_settlementPriceFollowsFromTheOrder() external view {
        _require(8);
    }
}

contract FundingInvariant is Campaign(9) {
    function invariant_09_fundingPaidIsReceived() external view {
        _require(9);
    }
}

contract ShareInvariant is Campaign(10) {
    function invariant_10_shareValueNeverFallsByProviders() external view {
        _require(10);
    }
}

contract SplittingInvariant is Campaign(11) {
    function invariant_11_splittingGainsNothing() external view {
        _require(11);
    }
}

contract DeficitInvariant is Campaign(12) {
    function invariant_12_badDebtIsBookedAtOnce() external view {
        _require(12);
    }
}

contract PriceTimeInvariant is Campaign(13) {
    function invariant_13_priceTimeNeverGoesBack() external {
        handler.checkPriceTimes();
        _require(13);
    }
}

contract GovernanceInvariant is Campaign(14) {
    function invariant_14_noRoleTakesOrLiquidates() external view {
        _require(14);
    }
}
