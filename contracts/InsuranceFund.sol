// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

import {IClearingHouse, Ledger, UNATTRIBUTED} from "./interfaces/IClearingHouse.sol";
import {
    IInsuranceFund,
    InsuranceRoom,
    MAX_TARGET_SHARE,
    MIN_TARGET_SHARE,
    SeizedLot
} from "./interfaces/IInsuranceFund.sol";
import {Fixed, PPM, WAD} from "./libraries/Fixed.sol";
import {AccountId} from "./types/AccountId.sol";
import {GlobalParameters} from "./types/GlobalParameters.sol";

/// @title InsuranceFund
contract InsuranceFund is IInsuranceFund, AccessManaged {
    /// @inheritdoc IInsuranceFund
    IClearingHouse public immutable clearingHouse;

    /// @inheritdoc IInsuranceFund
    uint256 public targetShare;

    constructor(address authority, IClearingHouse clearingHouse_, uint256 targetShare_) AccessManaged(authority) {
        clearingHouse = clearingHouse_;
        _setTargetShare(targetShare_);
    }

    // ---------------------------------------------------------------- money

    /// @inheritdoc IInsuranceFund
    function contribute(AccountId account, uint256 amount) external {
        clearingHouse.lock();
        clearingHouse.fundInsurance(account, msg.sender, amount);
        clearingHouse.unlock();
        emit Contributed(account, msg.sender, amount);
    }

    // ---------------------------------------------------------------- governance

    /// @inheritdoc IInsuranceFund
    function payOut(AccountId account, uint256 amount) external restricted {
        require(amount != 0, ZeroAmount());
        require(account.owner() != address(this), OwnAccount(account));
        // The books are read before the lock, under which they do not answer; nothing is called in between.
        Ledger memory ledger = clearingHouse.ledger();
        _requireCalm(ledger);
        uint256 target = _targetDown(ledger.markValue);
        uint256 surplus_ = _surplus(ledger.insurance, target);
        require(amount <= surplus_, SurplusExceeded(amount, surplus_));
        clearingHouse.lock();
        clearingHouse.drainInsurance(account, amount);
        clearingHouse.unlock();
        emit PaidOut(account, amount, ledger.insurance - amount, target);
    }

    function _requireCalm(Ledger memory ledger) private view {
        require(
            (ledger.pendingLosses | ledger.flaggedMarkets | ledger.seizedOwed) == 0,
            LossPending(ledger.pendingLosses, ledger.flaggedMarkets, ledger.seizedOwed)
        );
        (GlobalParameters globals, , ) = clearingHouse.globals();
        require(
            block.timestamp - ledger.markTime <= globals.markMaxAge(),
            MarkTooOld(ledger.markTime, globals.markMaxAge())
        );
        // A pool in the red has a target of nothing.
        require(ledger.markValue >= 0, PoolInsolvent(ledger.markValue));
    }

    /// @inheritdoc IInsuranceFund
    function setTargetShare(uint256 targetShare_) external restricted {
        _setTargetShare(targetShare_);
    }

    function _setTargetShare(uint256 targetShare_) private {
        require(
            targetShare_ >= MIN_TARGET_SHARE && targetShare_ <= MAX_TARGET_SHARE,
            TargetShareOutOfRange(targetShare_, MIN_TARGET_SHARE, MAX_TARGET_SHARE)
        );
        targetShare = targetShare_;
        emit TargetShareChanged(targetShare_);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IInsuranceFund
    function balance() external view returns (uint256) {
        return clearingHouse.ledger().insurance;
    }

    /// @inheritdoc IInsuranceFund
    function targetBalance() external view returns (uint256) {
        return _targetDown(clearingHouse.ledger().markValue);
    }

    /// @inheritdoc IInsuranceFund
    function surplus() external view returns (uint256) {
        Ledger memory ledger = clearingHouse.ledger();
        return _surplus(ledger.insurance, _targetDown(ledger.markValue));
    }

    /// @inheritdoc IInsuranceFund
    function coverage() external view returns (uint256) {
        Ledger memory ledger = clearingHouse.ledger();
        uint256 target = _targetDown(ledger.markValue);
        return target == 0 ? type(uint256).max : Fixed.mulDivDown(ledger.insurance, WAD, target);
    }

    /// @inheritdoc IInsuranceFund
    function rooms() external view returns (InsuranceRoom[] memory result) {
        (uint256 assets, ) = clearingHouse.listed();
        result = new InsuranceRoom[](assets + 1);
        for (uint256 i = 0; i <= assets; ++i) {
            uint256 market = i == assets ? UNATTRIBUTED : i;
            (uint256 room, uint256 cap) = clearingHouse.insuranceRoomOf(market);
            result[i] = InsuranceRoom({market: market, room: room, cap: cap});
        }
    }

    /// @inheritdoc IInsuranceFund
    function inventory() external view returns (SeizedLot[] memory result) {
        (, uint256 tokens) = clearingHouse.listed();
        result = new SeizedLot[](tokens);
        uint256 count = 0;
        for (uint256 token = 0; token < tokens; ++token) {
            (uint256 amount, uint256 owed, uint256 since) = clearingHouse.seizedOf(token);
            if (amount == 0 && owed == 0) continue;
            result[count++] = SeizedLot({token: token, amount: amount, owed: owed, since: since});
        }
        assembly ("memory-safe") {
            // Fewer than there is room for.
            mstore(result, count)
        }
    }

    /// @notice floor(max(mark, 0)·share).
    function _targetDown(int256 mark) private view returns (uint256) {
        return mark > 0 ? Fixed.mulDivDown(uint256(mark), targetShare, PPM) : 0;
    }

    function _surplus(uint256 insurance, uint256 target) private pure returns (uint256) {
        return insurance > target ? insurance - target : 0;
    }
}
