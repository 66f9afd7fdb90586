// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IClearingHouse, SETTLEMENT} from "./interfaces/IClearingHouse.sol";
import {IVault, MAX_EXIT_WINDOWS, MAX_TOKENS} from "./interfaces/IVault.sol";
import {Fixed} from "./libraries/Fixed.sol";
import {AccountId} from "./types/AccountId.sol";
import {TokenListing, toTokenListing} from "./types/TokenListing.sol";
import {TokenReserve, toTokenReserve} from "./types/TokenReserve.sol";

/// @title Vault
/// @notice Custody: knows tokens and how many of them the books answer for, and nothing of positions.
contract Vault is IVault, AccessManaged, Multicall {
    using SafeERC20 for IERC20;

    /// @inheritdoc IVault
    IClearingHouse public immutable clearingHouse;

    mapping(uint256 token => TokenListing) private _listings;
    mapping(uint256 token => TokenReserve) private _reserves;
    mapping(address token => uint256 indexPlusOne) private _indices;

    /// @inheritdoc IVault
    uint256 public count;

    /// @dev The lock is one for all contracts, so that a token that calls back finds every verb closed. It covers
    /// governance too: a word read before a transfer is written after it.
    modifier locked() {
        clearingHouse.lock();
        _;
        clearingHouse.unlock();
    }

    constructor(
        address authority,
        IClearingHouse clearingHouse_,
        address settlementToken,
        uint256 cap,
        uint256 outflowLimit
    ) AccessManaged(authority) {
        clearingHouse = clearingHouse_;
        _list(SETTLEMENT, settlementToken, cap, outflowLimit);
    }

    // ---------------------------------------------------------------- deposit

    /// @inheritdoc IVault
    function deposit(AccountId account, uint256 token, uint256 amount) external locked {
        _deposit(account, token, _listing(token), amount);
    }

    /// @inheritdoc IVault
    function depositWithPermit(
        AccountId account,
        uint256 token,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external locked {
        TokenListing listing = _listing(token);
        // Whoever sees the permit may use it first, and a token without permits may answer the call with anything.
        try
            IERC20Permit(listing.token()).permit({
                owner: msg.sender,
                spender: address(this),
                value: amount,
                deadline: deadline,
                v: v,
                r: r,
                s: s
            })
        {} catch {}
        uint256 allowance = IERC20(listing.token()).allowance(msg.sender, address(this));
        require(allowance >= amount, PermitRefused(token, amount, allowance));
        _deposit(account, token, listing, amount);
    }

    function _deposit(AccountId account, uint256 token, TokenListing listing, uint256 amount) private {
        TokenReserve reserve = _reserves[token];
        if (amount > reserve.room()) {
            // The cap must not keep anybody from adding the margin that their account lacks.
            uint256 lack = token == SETTLEMENT ? clearingHouse.lackOf(account) : 0;
            require(
                amount <= Fixed.divUp(lack, listing.unit()),
                CapExceeded(token, amount, reserve.held(), reserve.cap())
            );
        }

        _reserves[token] = reserve.inflow(amount, listing.outflowLimit(), block.timestamp);
        IERC20 erc20 = IERC20(listing.token());
        uint256 before = erc20.balanceOf(address(this));
        erc20.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = erc20.balanceOf(address(this)) - before;
        require(received == amount, FeeOnTransfer(token, amount, received));

        clearingHouse.credit({account: account, caller: msg.sender, token: token, amount: amount * listing.unit()});
        emit Deposited(account, token, msg.sender, amount);
    }

    // ---------------------------------------------------------------- withdraw

    /// @inheritdoc IVault
    function withdraw(AccountId account, uint256 token, uint256 amount, address recipient) external locked {
        require(recipient != address(0) && recipient != address(this), InvalidRecipient(recipient));
        TokenListing listing = _listing(token);

        clearingHouse.debit({
            account: account,
            caller: msg.sender,
            token: token,
            amount: SafeCast.toUint88(amount) * listing.unit()
        });
        _release(token, amount, listing.outflowLimit());

        IERC20 erc20 = IERC20(listing.token());
        uint256 before = erc20.balanceOf(address(this));
        erc20.safeTransfer(recipient, amount);
        uint256 sent = before - erc20.balanceOf(address(this));
        require(sent == amount, WrongOutflow(token, amount, sent));
        emit Withdrawn(account, token, recipient, amount);
    }

    function _release(uint256 token, uint256 amount, uint256 outflowLimit) private {
        TokenReserve reserve = _reserves[token];
        require(amount <= reserve.held(), InsufficientHoldings(token, amount, reserve.held()));
        TokenReserve left = reserve.outflow(amount, outflowLimit, block.timestamp);
        if (!left.withinLimit()) {
            revert OutflowLimited(token, amount, reserve.availableOutflow(outflowLimit, block.timestamp));
        }
        _reserves[token] = left;
    }

    // ---------------------------------------------------------------- governance

    /// @inheritdoc IVault
    function list(address token, uint256 cap, uint256 outflowLimit) external restricted locked returns (uint256 index) {
        index = count;
        require(index < MAX_TOKENS, TooManyTokens(MAX_TOKENS));
        count = index + 1;
        _list(index, token, cap, outflowLimit);
    }

    function _list(uint256 index, address token, uint256 cap, uint256 outflowLimit) private {
        require(token.code.length != 0, NotAContract(token));
        if (_indices[token] != 0) revert AlreadyListed(token, _indices[token] - 1);
        uint256 decimals = IERC20Metadata(token).decimals();
        require(decimals <= 18, TooManyDecimals(token, decimals));
        _requireExit(index, cap, outflowLimit);
        _indices[token] = index + 1;
        _listings[index] = toTokenListing(token, decimals, outflowLimit);
        _reserves[index] = toTokenReserve({held_: 0, cap_: cap, level_: 0, time_: block.timestamp});
        emit TokenListed(index, token, decimals);
        emit CapChanged(index, cap);
        emit OutflowLimitChanged(index, outflowLimit);
    }

    /// @inheritdoc IVault
    function setCap(uint256 token, uint256 cap) external restricted locked {
        _requireExit(token, cap, _listing(token).outflowLimit());
        _reserves[token] = _reserves[token].withCap(cap);
        emit CapChanged(token, cap);
    }

    /// @inheritdoc IVault
    function setOutflowLimit(uint256 token, uint256 outflowLimit) external restricted locked {
        TokenListing listing = _listing(token);
        TokenReserve reserve = _reserves[token];
        _requireExit(token, reserve.cap(), outflowLimit);
        _listings[token] = listing.withOutflowLimit(outflowLimit);
        _reserves[token] = reserve.rescaled(listing.outflowLimit(), outflowLimit, block.timestamp);
        emit OutflowLimitChanged(token, outflowLimit);
    }

    function _requireExit(uint256 token, uint256 cap, uint256 outflowLimit) private pure {
        uint256 minimum = Fixed.divUp(cap, MAX_EXIT_WINDOWS);
        require(outflowLimit == 0 || outflowLimit >= minimum, OutflowLimitTooLow(token, outflowLimit, minimum));
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IVault
    function held(uint256 token) external view returns (uint256) {
        _listing(token);
        return _reserves[token].held();
    }

    /// @inheritdoc IVault
    function surplus(uint256 token) external view returns (int256) {
        uint256 balance = IERC20(_listing(token).token()).balanceOf(address(this));
        return SafeCast.toInt256(balance) - int256(_reserves[token].held());
    }

    /// @inheritdoc IVault
    function limitsOf(uint256 token) external view returns (uint256 cap, uint256 outflowLimit, uint256 available) {
        TokenReserve reserve = _reserves[token];
        cap = reserve.cap();
        outflowLimit = _listing(token).outflowLimit();
        available = reserve.availableOutflow(outflowLimit, block.timestamp);
    }

    /// @inheritdoc IVault
    function tokenOf(uint256 index) external view returns (address token, uint256 decimals) {
        TokenListing listing = _listing(index);
        return (listing.token(), listing.decimals());
    }

    /// @inheritdoc IVault
    function indexOf(address token) external view returns (uint256 index) {
        index = _indices[token];
        require(index != 0, NotListed(token));
        return index - 1;
    }

    function _listing(uint256 token) private view returns (TokenListing listing) {
        listing = _listings[token];
        require(listing.exists(), UnknownToken(token));
    }
}
