// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {TestToken} from "./TestToken.sol";

/// @notice For tests: takes a surcharge from the sender of a `transfer`, on top of the amount.
contract SurchargeToken is TestToken {
    uint256 public surcharge;

    constructor(uint8 decimals_) TestToken("Surcharge", "SUR", decimals_) {}

    function setSurcharge(uint256 surcharge_) external {
        surcharge = surcharge_;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        _burn(msg.sender, surcharge);
        return super.transfer(to, amount);
    }
}
