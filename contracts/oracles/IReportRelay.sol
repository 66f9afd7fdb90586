// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IClearingHouse} from "../interfaces/IClearingHouse.sol";
import {IOrders} from "../interfaces/IOrders.sol";
import {IStreamReports} from "./IStreamReports.sol";

/// @param target Orders or the clearing house.
struct RelayCall {
    address target;
    bytes data;
}

/// @title IReportRelay
/// @notice Brings reports and then calls the protocol, in one transaction: whoever executes brings the report that an order
/// settles by, or the price at which an account is liquidated, before anything reads a price.
///
/// Orders and the clearing house see the relay as their caller, so only such verbs are relayed as nobody can misuse:
///  - those that anyone may call, and that pay whom they are told (`payTo`);
///  - those that act for one account, the liquidator, taker or buyer, if that account is the relay's caller's own. It has
///    to have made the relay its operator with the right to trade; the relay uses that right for the account's owner alone.
/// All others are refused: submitting orders (except signed ones), transfers, operators, multicalls.
///
///     orders           execute, executeBatch, poke, abandon, submitSigned
///     clearing house   realise, settleDeficit, flagInsolvent, clearInsolvency, seize, writeOff, flagDeleveraging,
///                      deleverage, closeMarket, cutProfits, markPool
///     for the caller   liquidate, liquidateBatch, takeOver, convert, buySeized
///
/// Never make an account of the relay's own: nobody could take anything out of it.
interface IReportRelay {
    error TargetRefused(address target);
    error VerbRefused(address target, bytes4 selector);
    /// @notice The account that the call acts for is not the caller's.
    error NotOwnAccount(address caller, address owner);
    /// @notice Ether comes only with `relay`, and as its change.
    error ValueRefused(address sender, uint256 value);
    error ChangeRefused(address caller, uint256 change);

    /// @notice Submits reports, then makes the calls in their order. All or nothing: the first failure reverts everything,
    /// with its own error. The value sent along pays the fees of the reports; what is left goes back to the caller.
    /// @dev Reverts with the errors of `IStreamReports.submit`; `TargetRefused`; `VerbRefused`; `NotOwnAccount`; the
    /// error of a call (`FailedCall` where it has none); and `ChangeRefused` where the caller does not take the change.
    /// @return results What each call returned.
    function relay(
        bytes[] calldata signedReports,
        RelayCall[] calldata calls
    ) external payable returns (bytes[] memory results);

    function reports() external view returns (IStreamReports);
    function orders() external view returns (IOrders);
    function clearingHouse() external view returns (IClearingHouse);
}
