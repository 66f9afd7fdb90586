// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IClearingHouse} from "../interfaces/IClearingHouse.sol";
import {IOrders} from "../interfaces/IOrders.sol";
import {AccountId} from "../types/AccountId.sol";
import {AccountState} from "../types/AccountState.sol";
import {MoneyParameters} from "../types/GlobalParameters.sol";
import {IAccountRegister, MAX_TRIGGERS} from "./IAccountRegister.sol";

/// @title AccountRegister
abstract contract AccountRegister is IAccountRegister {
    uint256 private constant PLACE_BITS = 32;
    uint256 private constant PLACE_MASK = (1 << PLACE_BITS) - 1;
    /// @dev Sequences have 24 bits; stored is one more, so that 0 is a free place.
    uint256 private constant TRIGGER_BITS = 28;
    uint256 private constant TRIGGER_MASK = (1 << TRIGGER_BITS) - 1;

    IClearingHouse private immutable _clearingHouse;
    IOrders private immutable _orders;

    AccountId[] private _accounts;
    /// @dev Place in `_accounts` plus 1 | sequence plus 1 of each trigger.
    mapping(AccountId account => uint256) private _entries;

    constructor(IClearingHouse clearingHouse_, IOrders orders_) {
        (_clearingHouse, _orders) = (clearingHouse_, orders_);
    }

    // ---------------------------------------------------------------- watch

    /// @inheritdoc IAccountRegister
    function watch(AccountId account, uint256[] calldata sequences) external {
        _watch(account, sequences);
    }

    function _watch(AccountId account, uint256[] memory sequences) internal {
        uint256 entry = _entries[account];
        uint256 before = entry;
        if (entry == 0) {
            require(isWorthWatching(account), NotWorthWatching(account));
            _accounts.push(account);
            entry = _accounts.length;
            emit Watched(account);
        }
        for (uint256 i = 0; i < sequences.length; ++i) entry = _withTrigger(account, entry, sequences[i]);
        require(entry != before, WatchedAlready(account));
        _entries[account] = entry;
    }

    function _withTrigger(AccountId account, uint256 entry, uint256 sequence) private returns (uint256) {
        require(_rests(account, sequence), IOrders.UnknownTrigger(account, sequence));
        uint256 free = 0;
        for (uint256 shift = PLACE_BITS; shift < 256; shift += TRIGGER_BITS) {
            uint256 stored = (entry >> shift) & TRIGGER_MASK;
            if (stored == sequence + 1) return entry;
            if (free == 0 && (stored == 0 || !_rests(account, stored - 1))) free = shift;
        }
        require(free != 0, TooManyTriggers(account, MAX_TRIGGERS));
        emit TriggerWatched(account, sequence);
        return (entry & ~(TRIGGER_MASK << free)) | ((sequence + 1) << free);
    }

    function _rests(AccountId account, uint256 sequence) private view returns (bool) {
        try _orders.triggerOf(account, sequence) {
            return true;
        } catch {
            return false;
        }
    }

    // ---------------------------------------------------------------- forget

    /// @inheritdoc IAccountRegister
    function forget(AccountId account) external {
        _forget(account);
    }

    function _forget(AccountId account) internal {
        uint256 place = _entries[account] & PLACE_MASK;
        require(place != 0, NotWatched(account));
        require(!isWorthWatching(account), StillWorthWatching(account));
        AccountId last = _accounts[_accounts.length - 1];
        if (last != account) {
            _accounts[place - 1] = last;
            _entries[last] = (_entries[last] & ~PLACE_MASK) | place;
        }
        _accounts.pop();
        _entries[account] = 0;
        emit Forgotten(account);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IAccountRegister
    function isWorthWatching(AccountId account) public view returns (bool) {
        AccountState memory state = _clearingHouse.accountOf(account);
        if (state.positions != 0 || state.pending != 0) return true;
        if (state.cash < 0) {
            if (state.collaterals == 0) return true;
            (, , MoneyParameters money) = _clearingHouse.globals();
            if (uint256(-state.cash) >= money.minNotional()) return true;
        }
        return _clearingHouse.insolventSince(account) != 0;
    }

    /// @inheritdoc IAccountRegister
    function accountCount() external view returns (uint256) {
        return _accounts.length;
    }

    /// @inheritdoc IAccountRegister
    function accountAt(uint256 index) external view returns (AccountId) {
        return _accounts[index];
    }

    /// @inheritdoc IAccountRegister
    function isWatched(AccountId account) public view returns (bool) {
        return _entries[account] != 0;
    }

    /// @inheritdoc IAccountRegister
    function triggersOf(AccountId account) public view returns (uint256[] memory sequences) {
        uint256 triggers = _entries[account] >> PLACE_BITS;
        sequences = new uint256[](MAX_TRIGGERS);
        uint256 count = 0;
        for (; triggers != 0; triggers >>= TRIGGER_BITS) {
            uint256 stored = triggers & TRIGGER_MASK;
            if (stored != 0) sequences[count++] = stored - 1;
        }
        assembly ("memory-safe") {
            // Fewer than there is room for.
            mstore(sequences, count)
        }
    }
}
