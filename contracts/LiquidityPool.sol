// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IClearingHouse} from "./interfaces/IClearingHouse.sol";
import {
    EXIT_WINDOW,
    ILiquidityPool,
    MAX_COOLDOWN,
    MAX_DEVIATION,
    MIN_COOLDOWN,
    MIN_DEVIATION,
    VIRTUAL_SHARES
} from "./interfaces/ILiquidityPool.sol";
import {Fixed, PPM} from "./libraries/Fixed.sol";
import {AccountId} from "./types/AccountId.sol";

/// @title LiquidityPool
/// @notice Shares and withdrawal requests over the pool account; the account itself is the clearing house's.
contract LiquidityPool is ILiquidityPool, ERC20, AccessManaged {
    /// @dev One slot.
    struct Request {
        uint208 shares;
        uint48 maturesAt;
    }

    /// @inheritdoc ILiquidityPool
    IClearingHouse public immutable clearingHouse;

    /// @inheritdoc ILiquidityPool
    uint256 public cooldown;

    /// @inheritdoc ILiquidityPool
    uint256 public deviation;

    mapping(address owner => Request) private _requests;

    modifier locked() {
        clearingHouse.lock();
        _;
        clearingHouse.unlock();
    }

    constructor(
        address authority,
        IClearingHouse clearingHouse_,
        uint256 cooldown_,
        uint256 deviation_
    ) ERC20("Plimsoll Pool", "PLIM-LP") AccessManaged(authority) {
        clearingHouse = clearingHouse_;
        _setCooldown(cooldown_);
        _setDeviation(deviation_);
    }

    // ---------------------------------------------------------------- deposit

    /// @inheritdoc ILiquidityPool
    function deposit(AccountId account, uint256 amount, uint256 minShares) external locked returns (uint256 shares) {
        require(account.owner() == msg.sender, NotOwner(account, msg.sender));
        require(amount != 0, ZeroAmount());
        (int256 value, uint256 spread) = _value();
        uint256 supply = totalSupply();
        require(value > 0 || (value == 0 && supply == 0), PoolInsolvent(value, supply));

        shares = Fixed.mulDivDown(amount, supply + VIRTUAL_SHARES, uint256(value) + spread + VIRTUAL_SHARES);
        minShares = Math.max(minShares, 1);
        require(shares >= minShares, TooFewShares(shares, minShares));
        clearingHouse.fundPool(account, msg.sender, amount);
        _mint(msg.sender, shares);
        emit Deposited(account, amount, shares, value, spread);
    }

    // ---------------------------------------------------------------- withdraw

    /// @inheritdoc ILiquidityPool
    function requestWithdrawal(uint256 shares) external locked {
        require(shares != 0, ZeroAmount());
        _transfer(msg.sender, address(this), shares);
        Request storage request = _requests[msg.sender];
        uint256 maturesAt = block.timestamp + cooldown;
        request.shares += SafeCast.toUint208(shares);
        request.maturesAt = SafeCast.toUint48(maturesAt);
        emit WithdrawalRequested(msg.sender, request.shares, maturesAt);
    }

    /// @inheritdoc ILiquidityPool
    function withdraw(AccountId account, uint256 shares, uint256 minAmount) external locked returns (uint256 amount) {
        require(account.owner() == msg.sender, NotOwner(account, msg.sender));
        require(shares != 0, ZeroAmount());
        _take(shares);
        (int256 value, uint256 spread) = _value();
        uint256 supply = totalSupply();
        int256 net = value - SafeCast.toInt256(spread);
        require(net > 0, PoolInsolvent(net, supply));

        amount = Fixed.mulDivDown(shares, uint256(net) + VIRTUAL_SHARES, supply + VIRTUAL_SHARES);
        // With a share below one WAD the virtual shares would give the last provider more than there is.
        amount = Math.min(amount, uint256(net));
        minAmount = Math.max(minAmount, 1);
        require(amount >= minAmount, TooSmallAmount(amount, minAmount));
        _burn(address(this), shares);
        clearingHouse.drainPool(account, amount);
        emit Withdrawn(account, shares, amount, value, spread);
    }

    /// @dev Takes `shares` out of the caller's request.
    function _take(uint256 shares) private {
        Request storage request = _requests[msg.sender];
        uint256 requested = request.shares;
        require(requested != 0, NothingRequested(msg.sender));
        require(shares <= requested, BeyondRequest(shares, requested));
        uint256 maturesAt = request.maturesAt;
        require(block.timestamp >= maturesAt, NotMatured(block.timestamp, maturesAt));
        uint256 lapsesAt = maturesAt + EXIT_WINDOW;
        require(block.timestamp < lapsesAt, RequestLapsed(block.timestamp, lapsesAt));
        if (shares == requested) delete _requests[msg.sender];
        else request.shares = uint208(requested - shares);
    }

    /// @inheritdoc ILiquidityPool
    function cancelWithdrawal() external locked {
        uint256 shares = _requests[msg.sender].shares;
        require(shares != 0, NothingRequested(msg.sender));
        delete _requests[msg.sender];
        _transfer(address(this), msg.sender, shares);
        emit WithdrawalCancelled(msg.sender, shares);
    }

    /// @dev The pool's value, and by how much the prices behind it may be off.
    function _value() private returns (int256 value, uint256 spread) {
        uint256 gross;
        bool live;
        (value, gross, live) = clearingHouse.valuePool();
        require(live, PoolNotLive());
        spread = Fixed.mulDivUp(gross, deviation, PPM);
    }

    // ---------------------------------------------------------------- governance

    /// @inheritdoc ILiquidityPool
    function setCooldown(uint256 cooldown_) external restricted locked {
        _setCooldown(cooldown_);
    }

    /// @inheritdoc ILiquidityPool
    function setDeviation(uint256 deviation_) external restricted locked {
        _setDeviation(deviation_);
    }

    function _setCooldown(uint256 cooldown_) private {
        _requireRange("cooldown", cooldown_, MIN_COOLDOWN, MAX_COOLDOWN);
        cooldown = cooldown_;
        emit CooldownChanged(cooldown_);
    }

    function _setDeviation(uint256 deviation_) private {
        _requireRange("deviation", deviation_, MIN_DEVIATION, MAX_DEVIATION);
        deviation = deviation_;
        emit DeviationChanged(deviation_);
    }

    function _requireRange(bytes32 what, uint256 value, uint256 minimum, uint256 maximum) private pure {
        require(value >= minimum && value <= maximum, OutOfRange(what, value, minimum, maximum));
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc ILiquidityPool
    function requestOf(address owner) external view returns (uint256 shares, uint256 maturesAt) {
        Request memory request = _requests[owner];
        return (request.shares, request.maturesAt);
    }
}
