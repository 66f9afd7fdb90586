// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SETTLEMENT} from "../interfaces/IClearingHouse.sol";
import {IOrders, OrderInput} from "../interfaces/IOrders.sol";
import {IVault} from "../interfaces/IVault.sol";
import {AccountId} from "../types/AccountId.sol";
import {TestToken} from "./TestToken.sol";

/// @notice The owner of as many accounts as a test needs, each a sub-account of its own.
contract Crowd {
    IVault private immutable vault;
    IOrders private immutable orders;
    TestToken private immutable token;

    constructor(IVault vault_, IOrders orders_, TestToken token_) {
        (vault, orders, token) = (vault_, orders_, token_);
        token_.approve(address(vault_), type(uint256).max);
    }

    function member(uint256 index) public view returns (AccountId) {
        return AccountId.wrap(bytes32((uint256(uint160(address(this))) << 96) | index));
    }

    /// @param units Settlement token for each member.
    function join(uint256 first, uint256 count, uint256 units) external {
        token.mint(address(this), count * units);
        for (uint256 i = first; i < first + count; ++i) vault.deposit(member(i), SETTLEMENT, units);
    }

    /// @notice Every member submits the same order.
    function submit(uint256 first, uint256 count, OrderInput calldata input) external {
        for (uint256 i = first; i < first + count; ++i) orders.submit(member(i), input);
    }
}
