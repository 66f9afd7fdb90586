// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

/// @notice For tests: the manager whose first admin is the deployer.
contract TestAuthority is AccessManager {
    constructor() AccessManager(msg.sender) {}
}
