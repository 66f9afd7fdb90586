// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @notice What the books keep of an account itself, unpacked. One storage word holds it:
/// cash (negative: shares of debt) 112 | positions 96 | collaterals 16 | sequence 24 | pending 6 | raising 1 | exclusive 1.
struct AccountState {
    int256 cash; // WAD of settlement token; negative: debt to the pool with its interest
    uint256 positions; // bit a: a position in asset a
    uint256 collaterals; // bit t: some of collateral token t
    uint256 sequence; // orders ever submitted
    uint256 pending; // orders waiting for their settlement
    bool raising; // one of them may raise the maintenance requirement
    bool exclusive; // the pending order allows no other beside it
    uint256 shares; // of debt, as stored; 0 without
    uint256 escrow; // WAD, apart from cash, in a slot of its own: what pending orders hold; read by `Books.fullStateOf` only
}

using AccountPacking for AccountState global;

library AccountPacking {
    using SafeCast for int256;

    error SequenceExhausted(uint256 sequence);
    error TooManyPending(uint256 pending);

    uint256 internal constant MAX_PENDING = 63;

    function unpack(uint256 word) internal pure returns (AccountState memory state) {
        state.cash = int112(int256(word));
        state.positions = uint96(word >> 112);
        state.collaterals = uint16(word >> 208);
        state.sequence = uint24(word >> 224);
        state.pending = (word >> 248) & MAX_PENDING;
        state.raising = (word >> 254) & 1 != 0;
        state.exclusive = (word >> 255) != 0;
    }

    /// @param cash Cash, or minus the shares of debt, WAD.
    function pack(AccountState memory state, int256 cash) internal pure returns (uint256) {
        require(state.sequence <= type(uint24).max, SequenceExhausted(state.sequence));
        require(state.pending <= MAX_PENDING, TooManyPending(state.pending));
        return
            uint256(uint112(cash.toInt112())) |
            (uint256(uint96(state.positions)) << 112) |
            (uint256(uint16(state.collaterals)) << 208) |
            (state.sequence << 224) |
            (state.pending << 248) |
            (uint256(state.raising ? 1 : 0) << 254) |
            (uint256(state.exclusive ? 1 : 0) << 255);
    }
}
