// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";

import {IClearingHouse} from "../interfaces/IClearingHouse.sol";
import {IOrders} from "../interfaces/IOrders.sol";
import {AccountId} from "../types/AccountId.sol";
import {IReportRelay, RelayCall} from "./IReportRelay.sol";
import {IStreamReports} from "./IStreamReports.sol";

/// @title ReportRelay
/// @notice Reports first, then calls of the protocol.
/// @dev Reentrancy: of all that is called, only the caller of `relay` is not of the protocol, and it is called last, with its
/// own change: what it sent less what was paid, never a balance.
contract ReportRelay is IReportRelay {
    uint256 private constant WORD = 32;
    uint256 private constant SELECTOR = 4;

    IStreamReports public immutable override reports;
    IOrders public immutable override orders;
    IClearingHouse public immutable override clearingHouse;

    constructor(IStreamReports reports_, IOrders orders_, IClearingHouse clearingHouse_) {
        (reports, orders, clearingHouse) = (reports_, orders_, clearingHouse_);
    }

    receive() external payable {
        require(msg.sender == address(reports), ValueRefused(msg.sender, msg.value));
    }

    /// @inheritdoc IReportRelay
    function relay(
        bytes[] calldata signedReports,
        RelayCall[] calldata calls
    ) external payable returns (bytes[] memory results) {
        uint256 fee = reports.submit{value: msg.value}(signedReports);
        results = new bytes[](calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            _requireRelayed(calls[i].target, calls[i].data);
            results[i] = Address.functionCall(calls[i].target, calls[i].data);
        }

        uint256 change = msg.value - fee;
        if (change != 0) {
            (bool ok, ) = msg.sender.call{value: change}("");
            require(ok, ChangeRefused(msg.sender, change));
        }
    }

    function _requireRelayed(address target, bytes calldata data) private view {
        bytes4 selector = bytes4(data); // of shorter data: filled up with zeros, which is none of them
        if (target == address(orders)) {
            require(_isOpenOfOrders(selector), VerbRefused(target, selector));
        } else if (target == address(clearingHouse)) {
            if (_isOpenOfClearingHouse(selector)) return;
            uint256 position = _accountPosition(selector);
            require(position != 0, VerbRefused(target, selector));
            address owner = _accountAt(data, position).owner();
            require(owner == msg.sender, NotOwnAccount(msg.sender, owner));
        } else {
            revert TargetRefused(target);
        }
    }

    function _isOpenOfOrders(bytes4 selector) private pure returns (bool) {
        return
            selector == IOrders.execute.selector ||
            selector == IOrders.executeBatch.selector ||
            selector == IOrders.poke.selector ||
            selector == IOrders.abandon.selector ||
            selector == IOrders.submitSigned.selector;
    }

    function _isOpenOfClearingHouse(bytes4 selector) private pure returns (bool) {
        return
            selector == IClearingHouse.realise.selector ||
            selector == IClearingHouse.settleDeficit.selector ||
            selector == IClearingHouse.flagInsolvent.selector ||
            selector == IClearingHouse.clearInsolvency.selector ||
            selector == IClearingHouse.seize.selector ||
            selector == IClearingHouse.writeOff.selector ||
            selector == IClearingHouse.flagDeleveraging.selector ||
            selector == IClearingHouse.deleverage.selector ||
            selector == IClearingHouse.closeMarket.selector ||
            selector == IClearingHouse.cutProfits.selector ||
            selector == IClearingHouse.markPool.selector;
    }

    /// @dev Which word of the arguments, from 1, is the account that the verb acts for; 0: not a verb for an account.
    function _accountPosition(bytes4 selector) private pure returns (uint256) {
        if (selector == IClearingHouse.liquidate.selector) return 4;
        if (selector == IClearingHouse.liquidateBatch.selector) return 2;
        if (selector == IClearingHouse.takeOver.selector) return 3;
        if (selector == IClearingHouse.convert.selector) return 3;
        if (selector == IClearingHouse.buySeized.selector) return 3; // the sale before it is two words
        return 0;
    }

    /// @dev Of data too short for it the verb itself makes nothing: it reads as nobody's account.
    function _accountAt(bytes calldata data, uint256 position) private pure returns (AccountId) {
        uint256 end = SELECTOR + WORD * position;
        if (data.length < end) return AccountId.wrap(0);
        return AccountId.wrap(bytes32(data[end - WORD:end]));
    }
}
