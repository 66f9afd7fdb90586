// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AutomationCompatibleInterface} from "@chainlink/contracts/src/v0.8/automation/interfaces/AutomationCompatibleInterface.sol";
import {ILogAutomation} from "@chainlink/contracts/src/v0.8/automation/interfaces/ILogAutomation.sol";

import {IClearingHouse} from "../interfaces/IClearingHouse.sol";
import {IOrders} from "../interfaces/IOrders.sol";
import {AccountId} from "../types/AccountId.sol";
import {IAccountRegister} from "./IAccountRegister.sol";
import {IUpkeepFinder} from "./IUpkeepFinder.sol";
import {Verb} from "./Step.sol";

/// @notice What a check looks after.
enum Duty {
    Prices, // stored prices that stay behind their feeds, jumps and their end, sources in shadow
    Orders, // pending orders of the registered accounts, and their registered triggers
    Accounts, // liquidation, conversion, insolvency, deficits; and what need not be watched any more
    Protocol // pool mark, requests of providers, deleveraging, cuts of profits, ends of markets
}

/// @notice The check data of an upkeep, ABI encoded: which part of which duty, and how much at a time.
///
/// Shard i of n is every n-th entry from the i-th on: of the register, or of the assets. A check looks at one page of them,
/// and at another one in the next period, so that a check ends however long the register is: a round takes
/// ceil(entries of the shard / page) periods. Each round begins one entry later than the one before, so that what ends a
/// check early (out of gas at costly accounts) never hides the same ones.
/// @param shard From 0 on.
/// @param page Entries that a check looks at.
/// @param period How often the network checks, s: its block time where it checks every block.
/// @param gas Gas of a perform, as registered.
/// @param size Most bytes of the data of a perform, as the registry has it.
struct Check {
    Duty duty;
    uint256 shard;
    uint256 shards;
    uint256 page;
    uint256 period;
    uint256 gas;
    uint256 size;
}

/// @notice Receives reports of a Chainlink workflow through its forwarder: as `IReceiver` of @chainlink/contracts, whose
/// id for ERC-165 it has.
interface IReportReceiver {
    /// @dev Reverts with the errors of `IKeeperUpkeep.performUpkeep`.
    /// @param metadata Of the workflow. @param report What it reports: the data of a perform.
    function onReport(bytes calldata metadata, bytes calldata report) external;
}

/// @title IKeeperUpkeep
/// @notice A keeper of the protocol for networks that check a contract in a simulation and then perform what it found:
/// Chainlink Automation (conditional and log upkeeps), or a workflow of the Chainlink Runtime Environment, which reads
/// `checkUpkeep` and reports what it returns.
///
/// **Check.** Finds candidates (`IUpkeepFinder`) and tries each of them on the spot, in a call that is reverted; what fails, or
/// needs more gas than a perform has, is left out. So what is performed would have succeeded in the block of the check.
///
/// **Perform.** Trusts neither its caller nor its data. The steps are a fixed set of calls that anyone may make at the protocol,
/// each isolated from the others; pay and rewards go to this contract's own account. Where not one step succeeds it reverts,
/// so that a race that is already lost costs nothing where performs are simulated before they are sent.
///
/// **Collateral.** Whoever liquidates or converts buys the collateral that is sold, at the oracle's price less a discount. Since
/// anyone performs, anyone chooses the moment, and may know a newer price than the oracle: what the discount does not cover
/// of that is the buyer's loss. So nothing is bought unless the owner wants it to be, and then with all the cash that is
/// here: it takes cash and collateral out at any time. Without buying, positions are liquidated all the same, and insolvent
/// accounts wound up.
///
/// **Register.** The chain cannot enumerate accounts: `IAccountRegister`. Log upkeeps (`checkLog`) fill it, or anyone.
///
/// @dev `checkUpkeep` reverts with `InvalidCheck` for a shard that there is not, an empty page, no period, or gas of
/// 30,000 or less; and with the errors of `IUpkeepFinder.find`.
interface IKeeperUpkeep is IAccountRegister, AutomationCompatibleInterface, ILogAutomation, IReportReceiver {
    /// @notice A step of a perform failed and changed nothing.
    event StepFailed(Verb indexed verb, AccountId indexed account, uint256 number, bytes reason);
    event BuyingSet(bool buying);
    event Withdrawn(uint256 indexed token, uint256 amount, address indexed recipient);

    /// @notice Not one step succeeded.
    error NothingDone();
    error InvalidCheck(Check check);
    error OnlySelf(address caller);
    /// @notice The owner does not want collateral to be bought.
    error NotBuying();
    /// @notice Seized collateral is bought from `age` seconds after `since` on only.
    error NoBargain(uint256 token, uint256 since, uint256 age);
    /// @notice Always thrown by `tryStep`.
    error Tried();

    /// @notice Takes the steps of a check. Anyone; see above.
    /// @dev Reverts with `NothingDone`, and `MalformedSteps` (`Steps`).
    /// @param performData Steps one after the other: `Steps`.
    function performUpkeep(bytes calldata performData) external override(AutomationCompatibleInterface, ILogAutomation);

    /// @notice Whether liquidations and conversions may buy collateral with this contract's cash. Only the owner.
    /// @dev Reverts with `OwnableUnauthorizedAccount` for anyone else.
    function setBuying(bool buying) external;

    /// @notice Takes earnings, or collateral that was bought, out of this contract's account. Only the owner.
    /// @dev Reverts with `OwnableUnauthorizedAccount` for anyone else, and with the errors of `IVault.withdraw`.
    /// @param token Index of the vault. @param amount Token units.
    function withdraw(uint256 token, uint256 amount, address recipient) external;

    function isBuying() external view returns (bool);

    /// @notice The account of this contract: receives pay and rewards, buys collateral. Anyone may deposit cash into it.
    function ownAccount() external view returns (AccountId);
    function clearingHouse() external view returns (IClearingHouse);
    function orders() external view returns (IOrders);
    function finder() external view returns (IUpkeepFinder);
}
