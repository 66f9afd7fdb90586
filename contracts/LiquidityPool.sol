// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC165} from "@openzeppelin/contracts/interfaces/IERC165.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IClearingHouse, PoolValuation, SETTLEMENT} from "./interfaces/IClearingHouse.sol";
import {IERC7540Deposit, IERC7540Operator, IERC7540Redeem} from "./interfaces/IERC7540.sol";
import {IERC7575} from "./interfaces/IERC7575.sol";
import {
    BATCH_INTERVAL,
    BatchState,
    ILiquidityPool,
    MAX_COOLDOWN,
    MAX_DEVIATION,
    MIN_COOLDOWN,
    MIN_DEVIATION,
    MIN_SHARE_VALUE,
    PRICE_DELAY,
    VIRTUAL_SHARES
} from "./interfaces/ILiquidityPool.sol";
import {IVault} from "./interfaces/IVault.sol";
import {Fixed, PPM, WAD} from "./libraries/Fixed.sol";
import {RequestBook, Requests, Tally} from "./libraries/Requests.sol";
import {AccountId} from "./types/AccountId.sol";

/// @title LiquidityPool
/// @notice Shares and requests over the pool account; the account itself is the clearing house's.
contract LiquidityPool is ERC20, AccessManaged, ReentrancyGuardTransient, ILiquidityPool {
    using Requests for RequestBook;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    /// @dev One slot, unix seconds.
    struct Batch {
        uint128 closesAt;
        uint128 maturesAt;
    }

    /// @dev One slot: the latest batch, and how far each direction is settled. Redemptions are never ahead of deposits.
    struct Queue {
        uint64 latest;
        uint64 deposits;
        uint64 redemptions;
    }

    /// @dev What a fulfilment settles at.
    struct Quote {
        int256 value;
        uint256 spread;
        uint256 supply;
    }

    /// @inheritdoc ILiquidityPool
    IClearingHouse public immutable clearingHouse;

    /// @inheritdoc ILiquidityPool
    IVault public immutable vault;

    /// @inheritdoc IERC4626
    address public immutable asset;

    /// @dev WAD per token unit.
    uint256 private immutable _unit;

    /// @dev Sub-accounts of this contract in the books: deposits that wait for their batch, redemptions that wait for
    /// their claim.
    AccountId private immutable _waiting;
    AccountId private immutable _redeemed;

    /// @inheritdoc ILiquidityPool
    uint256 public cooldown;

    /// @inheritdoc ILiquidityPool
    uint256 public deviation;

    Queue private _queue;

    mapping(uint256 batch => Batch) private _batches;
    RequestBook private _deposits;
    RequestBook private _redemptions;

    /// @inheritdoc IERC7540Operator
    mapping(address controller => mapping(address operator => bool)) public isOperator;

    /// @dev Everything that does not call the vault runs under the one lock of all contracts. The vault takes it itself;
    /// what calls it is guarded by `nonReentrant`, and consistent whenever the lock is free.
    modifier locked() {
        clearingHouse.lock();
        _;
        clearingHouse.unlock();
    }

    modifier onlyFor(address principal) {
        _requireAuthorized(principal);
        _;
    }

    /// @param vault_ Has the settlement token listed.
    constructor(
        address authority,
        IClearingHouse clearingHouse_,
        IVault vault_,
        uint256 cooldown_,
        uint256 deviation_
    ) ERC20("Plimsoll Pool", "PLIM-LP") AccessManaged(authority) {
        clearingHouse = clearingHouse_;
        vault = vault_;
        (address token, uint256 tokenDecimals) = vault_.tokenOf(SETTLEMENT);
        asset = token;
        _unit = 10 ** (18 - tokenDecimals);
        uint256 first = uint256(uint160(address(this))) << 96;
        _waiting = AccountId.wrap(bytes32(first));
        _redeemed = AccountId.wrap(bytes32(first + 1));
        _setCooldown(cooldown_);
        _setDeviation(deviation_);
        // The vault takes tokens from its caller only.
        IERC20(token).forceApprove(address(vault_), type(uint256).max);
    }

    // ---------------------------------------------------------------- operators

    /// @inheritdoc IERC7540Operator
    function setOperator(address operator, bool approved) external locked returns (bool) {
        isOperator[msg.sender][operator] = approved;
        emit OperatorSet(msg.sender, operator, approved);
        return true;
    }

    function _isFor(address principal) private view returns (bool) {
        return principal == msg.sender || isOperator[principal][msg.sender];
    }

    function _requireAuthorized(address principal) private view {
        require(_isFor(principal), NotAuthorized(principal, msg.sender));
    }

    // ---------------------------------------------------------------- request

    /// @inheritdoc ILiquidityPool
    function requestDeposit(
        uint256 assets,
        address controller,
        address owner
    ) external nonReentrant onlyFor(owner) returns (uint256 requestId) {
        if (controller != owner) _requireAuthorized(controller);
        IERC20(asset).safeTransferFrom(owner, address(this), assets);
        vault.deposit(_waiting, SETTLEMENT, assets);

        // After the calls: an action that the token lets in before sees neither the request nor its cash.
        requestId = _openBatch();
        _deposits.add(controller, requestId, assets);
        emit DepositRequest(controller, owner, requestId, msg.sender, assets);
    }

    /// @inheritdoc ILiquidityPool
    function requestRedeem(
        uint256 shares,
        address controller,
        address owner
    ) external locked returns (uint256 requestId) {
        require(shares != 0, ZeroAmount());
        if (!_isFor(owner)) _spendAllowance(owner, msg.sender, shares);
        if (controller != owner) _requireAuthorized(controller);
        _transfer(owner, address(this), shares);

        requestId = _openBatch();
        _redemptions.add(controller, requestId, shares);
        emit RedeemRequest(controller, owner, requestId, msg.sender, shares);
    }

    /// @dev The batch that takes requests now; the first request of an interval opens it.
    function _openBatch() private returns (uint256 batch) {
        batch = _queue.latest;
        Batch memory latest = _batches[batch];
        if (block.timestamp < latest.closesAt) return batch;

        uint256 closesAt = (block.timestamp / BATCH_INTERVAL + 1) * BATCH_INTERVAL;
        // A cooldown that was shortened must not let a later batch overtake.
        uint256 maturesAt = Math.max(closesAt + cooldown, latest.maturesAt);
        _queue.latest = uint64(++batch);
        _batches[batch] = Batch({closesAt: uint128(closesAt), maturesAt: uint128(maturesAt)});
        emit BatchOpened(batch, closesAt, maturesAt);
    }

    // ---------------------------------------------------------------- fulfil

    /// @inheritdoc ILiquidityPool
    function fulfill(uint256 lastBatch) external locked {
        Queue memory queue_ = _queue;
        require(lastBatch != 0 && lastBatch <= queue_.latest, UnknownBatch(lastBatch, queue_.latest));
        require(lastBatch > queue_.redemptions, AlreadyFulfilled(lastBatch));
        PoolValuation memory valuation = clearingHouse.valuePool();
        _requireMature(lastBatch, valuation);
        Quote memory quote = Quote({
            value: valuation.equity,
            spread: Fixed.mulDivUp(valuation.gross, deviation, PPM),
            supply: totalSupply()
        });
        require(
            quote.value >= 0 && _isBacked(uint256(quote.value), quote.supply),
            PoolInsolvent(quote.value, quote.supply)
        );

        uint256 funded = _fulfillDeposits(queue_, lastBatch, quote);
        uint256 liquidity = valuation.redeemable + funded;
        // What was missing below zero is not known, and the deposits have to fill it first.
        if (valuation.redeemable == 0 && funded != 0) liquidity = clearingHouse.valuePool().redeemable;
        uint256 burned = _fulfillRedemptions(queue_, lastBatch, quote, liquidity);
        require(funded != 0 || burned != 0, NothingRedeemable(liquidity));
        _queue = queue_;
    }

    /// @dev Batches mature in their order, so that the last speaks for all.
    function _requireMature(uint256 lastBatch, PoolValuation memory valuation) private view {
        Batch memory batch = _batches[lastBatch];
        require(block.timestamp >= batch.maturesAt, NotMatured(lastBatch, block.timestamp, batch.maturesAt));
        require(valuation.live, PoolNotLive());
        require(!valuation.blocked, PoolBlocked());
        uint256 neededAfter = batch.closesAt + PRICE_DELAY;
        require(valuation.oldest > neededAfter, PriceTooOld(lastBatch, valuation.oldest, neededAfter));
    }

    /// @dev Whether a share of a pool worth `value` is worth anything.
    function _isBacked(uint256 value, uint256 supply) private pure returns (bool) {
        return (value + VIRTUAL_SHARES) * WAD >= (supply + VIRTUAL_SHARES) * MIN_SHARE_VALUE;
    }

    /// @return amount Moved into the pool, WAD.
    function _fulfillDeposits(
        Queue memory queue_,
        uint256 lastBatch,
        Quote memory quote
    ) private returns (uint256 amount) {
        uint256 worth = uint256(quote.value) + quote.spread + VIRTUAL_SHARES;
        uint256 minted = 0;
        for (uint256 batch = queue_.deposits + 1; batch <= lastBatch; ++batch) {
            uint256 assets = _deposits.unsettled(batch);
            if (assets == 0) continue;
            uint256 shares = Fixed.mulDivDown(assets * _unit, quote.supply + VIRTUAL_SHARES, worth);
            _deposits.settle(batch, assets, shares);
            amount += assets * _unit;
            minted += shares;
            emit DepositsFulfilled(batch, assets, shares, quote.value, quote.spread);
        }
        if (lastBatch > queue_.deposits) queue_.deposits = uint64(lastBatch);
        if (amount == 0) return 0;
        _mint(address(this), minted);
        clearingHouse.fundPool(_waiting, address(this), amount);
    }

    /// @param liquidity What may be paid, WAD.
    /// @return burned Shares.
    function _fulfillRedemptions(
        Queue memory queue_,
        uint256 lastBatch,
        Quote memory quote,
        uint256 liquidity
    ) private returns (uint256 burned) {
        uint256 worth = Math.saturatingSub(uint256(quote.value), quote.spread);
        // What the spread leaves nothing of waits rather than being burned for nothing.
        if (!_isBacked(worth, quote.supply)) return 0;
        worth += VIRTUAL_SHARES;
        uint256 supply = quote.supply + VIRTUAL_SHARES;
        uint256 left = liquidity / _unit;
        uint256 batch = queue_.redemptions;
        for (; batch < lastBatch; ++batch) {
            uint256 shares = _redemptions.unsettled(batch + 1);
            if (shares == 0) continue;
            if (left == 0) break;
            uint256 assets = Fixed.mulDivDown(shares, worth, supply) / _unit;
            bool partly = assets > left;
            if (partly) {
                assets = left;
                // Not more than all: these assets are worth less than all shares.
                shares = Fixed.mulDivUp(assets * _unit, supply, worth);
            }
            left -= assets;
            burned += shares;
            _redemptions.settle(batch + 1, shares, assets);
            emit RedemptionsFulfilled(batch + 1, shares, assets, quote.value, quote.spread);
            if (partly) break;
        }
        queue_.redemptions = uint64(batch);
        _burn(address(this), burned);
        uint256 paid = liquidity / _unit - left;
        if (paid != 0) clearingHouse.drainPool(_redeemed, paid * _unit);
    }

    // ---------------------------------------------------------------- claim

    /// @inheritdoc IERC4626
    function deposit(uint256 assets, address receiver) external returns (uint256 shares) {
        return deposit(assets, receiver, msg.sender);
    }

    /// @inheritdoc ILiquidityPool
    function deposit(
        uint256 assets,
        address receiver,
        address controller
    ) public locked onlyFor(controller) returns (uint256 shares) {
        require(assets != 0, ZeroAmount());
        shares = _deposits.claim(controller, assets);
        _give(controller, receiver, assets, shares);
    }

    /// @inheritdoc IERC4626
    function mint(uint256 shares, address receiver) external returns (uint256 assets) {
        return mint(shares, receiver, msg.sender);
    }

    /// @inheritdoc ILiquidityPool
    function mint(
        uint256 shares,
        address receiver,
        address controller
    ) public locked onlyFor(controller) returns (uint256 assets) {
        require(shares != 0, ZeroAmount());
        assets = _deposits.claimExactly(controller, shares);
        _give(controller, receiver, assets, shares);
    }

    function _give(address controller, address receiver, uint256 assets, uint256 shares) private {
        _transfer(address(this), receiver, shares);
        emit Deposit(controller, receiver, assets, shares);
    }

    /// @inheritdoc ILiquidityPool
    function redeem(
        uint256 shares,
        address receiver,
        address controller
    ) external nonReentrant onlyFor(controller) returns (uint256 assets) {
        require(shares != 0, ZeroAmount());
        assets = _redemptions.claim(controller, shares);
        _pay(controller, receiver, assets, shares);
    }

    /// @inheritdoc ILiquidityPool
    function withdraw(
        uint256 assets,
        address receiver,
        address controller
    ) external nonReentrant onlyFor(controller) returns (uint256 shares) {
        require(assets != 0, ZeroAmount());
        shares = _redemptions.claimExactly(controller, assets);
        _pay(controller, receiver, assets, shares);
    }

    function _pay(address controller, address receiver, uint256 assets, uint256 shares) private {
        emit Withdraw(msg.sender, receiver, controller, assets, shares);
        // Dust that was worth less than a unit is claimed for nothing.
        if (assets != 0) vault.withdraw(_redeemed, SETTLEMENT, assets, receiver);
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

    // ---------------------------------------------------------------- views: value

    /// @inheritdoc ILiquidityPool
    function totalAssets() external view returns (uint256) {
        return _value() / _unit;
    }

    /// @inheritdoc IERC4626
    function convertToShares(uint256 assets) external view returns (uint256) {
        return Fixed.mulDivDown(assets * _unit, totalSupply() + VIRTUAL_SHARES, _value() + VIRTUAL_SHARES);
    }

    /// @inheritdoc IERC4626
    function convertToAssets(uint256 shares) external view returns (uint256) {
        return Fixed.mulDivDown(shares, _value() + VIRTUAL_SHARES, totalSupply() + VIRTUAL_SHARES) / _unit;
    }

    function _value() private view returns (uint256) {
        int256 equity = clearingHouse.poolValuation().equity;
        return equity > 0 ? uint256(equity) : 0;
    }

    // ---------------------------------------------------------------- views: requests

    /// @inheritdoc IERC7540Deposit
    function pendingDepositRequest(uint256 requestId, address controller) external view returns (uint256) {
        return _deposits.pendingOf(requestId, controller);
    }

    /// @inheritdoc IERC7540Deposit
    function claimableDepositRequest(uint256 requestId, address controller) external view returns (uint256 assets) {
        (assets, ) = _deposits.claimableOf(requestId, controller);
    }

    /// @inheritdoc IERC7540Redeem
    function pendingRedeemRequest(uint256 requestId, address controller) external view returns (uint256) {
        return _redemptions.pendingOf(requestId, controller);
    }

    /// @inheritdoc IERC7540Redeem
    function claimableRedeemRequest(uint256 requestId, address controller) external view returns (uint256 shares) {
        (shares, ) = _redemptions.claimableOf(requestId, controller);
    }

    /// @inheritdoc IERC4626
    function maxDeposit(address controller) external view returns (uint256 assets) {
        (assets, ) = _deposits.claimable(controller, type(uint256).max);
    }

    /// @inheritdoc IERC4626
    function maxMint(address controller) external view returns (uint256 shares) {
        (, shares) = _deposits.claimable(controller, type(uint256).max);
    }

    /// @inheritdoc ILiquidityPool
    function maxRedeem(address controller) external view returns (uint256 shares) {
        (shares, ) = _payable(controller);
    }

    /// @inheritdoc ILiquidityPool
    function maxWithdraw(address controller) external view returns (uint256 assets) {
        (, assets) = _payable(controller);
    }

    function _payable(address controller) private view returns (uint256 shares, uint256 assets) {
        (, , uint256 available) = vault.limitsOf(SETTLEMENT);
        return _redemptions.claimable(controller, available);
    }

    /// @inheritdoc IERC4626
    function previewDeposit(uint256) external pure returns (uint256) {
        revert NoPreview();
    }

    /// @inheritdoc IERC4626
    function previewMint(uint256) external pure returns (uint256) {
        revert NoPreview();
    }

    /// @inheritdoc IERC4626
    function previewRedeem(uint256) external pure returns (uint256) {
        revert NoPreview();
    }

    /// @inheritdoc IERC4626
    function previewWithdraw(uint256) external pure returns (uint256) {
        revert NoPreview();
    }

    /// @inheritdoc ILiquidityPool
    function queue() external view returns (uint256 latest, uint256 deposits, uint256 redemptions) {
        Queue memory queue_ = _queue;
        return (queue_.latest, queue_.deposits, queue_.redemptions);
    }

    /// @inheritdoc ILiquidityPool
    function batchOf(uint256 batch) external view returns (BatchState memory) {
        Batch memory times = _batches[batch];
        Tally memory deposits = _deposits.tallies[batch];
        Tally memory redemptions = _redemptions.tallies[batch];
        return
            BatchState({
                closesAt: times.closesAt,
                maturesAt: times.maturesAt,
                deposited: deposits.requested,
                minted: deposits.due,
                toRedeem: redemptions.requested,
                burned: redemptions.settled,
                paid: redemptions.due
            });
    }

    // ---------------------------------------------------------------- views: standards

    /// @inheritdoc IERC7575
    function share() external view returns (address) {
        return address(this);
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return
            interfaceId == type(IERC165).interfaceId ||
            interfaceId == type(IERC7540Operator).interfaceId ||
            interfaceId == type(IERC7540Deposit).interfaceId ||
            interfaceId == type(IERC7540Redeem).interfaceId ||
            interfaceId == type(IERC4626).interfaceId ^ type(IERC7575).interfaceId;
    }
}
