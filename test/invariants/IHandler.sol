// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice What the tests see of the handler. They create it from its artifact and do not import it: the handler has compiler
/// settings of its own (`hardhat.config.ts`), without which it would take minutes to compile.
interface IHandler {
    /// @notice Selectors that the runner draws from.
    function actions() external view returns (bytes4[] memory);

    /// @notice The first violation of an invariant that an action or a check has found; `what` is 0 without one.
    function violationOf(uint256 invariant) external view returns (bytes32 what, int256 expected, int256 actual);

    /// @notice Of each action how often it was tried and how often it succeeded: `name:calls:successes;` …
    function report() external view returns (string memory line);

    // The invariants that are predicates of the state, by their numbers.

    /// @notice 1.
    function checkSizes() external;

    /// @notice 2.
    function checkTokens() external;

    /// @notice 3.
    function checkCash() external;

    /// @notice 4.
    function checkEquity() external;

    /// @notice 13.
    function checkPriceTimes() external;
}
