// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IClearingHouse} from "../interfaces/IClearingHouse.sol";
import {ANY, Bound, boundOf, Power, STEWARD_INTERVAL} from "../types/Bounds.sol";
import {BooksStorage} from "./Books.sol";
import {Fixed, PPM} from "./Fixed.sol";

/// @notice How far a parameter moves at once, and how soon again.
library Steps {
    /// @notice Reverts unless the step is one that `power` may take now, and remembers when.
    /// @param index What the parameter is of: an asset or a group; 0 for one that all share.
    function move(
        BooksStorage storage books,
        Power power,
        bytes32 name,
        uint256 index,
        uint256 from,
        uint256 to
    ) internal {
        if (from == to) return;
        Bound memory bound = boundOf(name);
        bool steward = power == Power.Steward;
        uint256 share = steward ? bound.stewardShare : (to < from ? bound.down : bound.up);
        if (share == ANY) return;
        uint256 most = Math.max(Fixed.mulDivDown(from, share, PPM), steward ? bound.stewardAmount : bound.amount);
        uint256 step = to < from ? from - to : to - from;
        require(step <= most, IClearingHouse.StepTooLarge(name, from, to, most));
        uint256 last = books.changedAt[name][index];
        uint256 next = last + (steward ? STEWARD_INTERVAL : bound.interval);
        require(last == 0 || block.timestamp >= next, IClearingHouse.ChangedTooSoon(name, last, next));
        books.changedAt[name][index] = block.timestamp;
    }

    function requireListed(BooksStorage storage books, uint256 asset) internal view {
        require(asset < books.assets, IClearingHouse.UnknownMarket(asset));
    }
}
