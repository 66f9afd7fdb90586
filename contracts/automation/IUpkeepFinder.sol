// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IAccountRegister} from "./IAccountRegister.sol";
import {Check} from "./IKeeperUpkeep.sol";
import {Step} from "./Step.sol";

/// @title IUpkeepFinder
/// @notice What there may be to do. Called in simulations only; holds nothing and may serve any number of upkeeps.
/// @dev A candidate may turn out to be impossible: whoever asks tries it. One that is missing is left to others.
interface IUpkeepFinder {
    /// @notice Candidates of a check, the more urgent ones first. Several for the liquidation of one account are
    /// alternatives, best first.
    /// @dev What reads the books reverts with the clearing house's `Locked` in the middle of an action of the protocol;
    /// what reads a feed with `InsufficientGas` (`ChainlinkPush`). A check without shards, page or period may panic.
    /// @param register Whose accounts are looked at.
    /// @param reserve Gas that is left over for the caller, whatever is found till then.
    function find(
        Check calldata check,
        IAccountRegister register,
        uint256 reserve
    ) external view returns (Step[] memory);
}
