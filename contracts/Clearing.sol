// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IClearingHouse, LiquidationResult, Reduction, Sale, SETTLEMENT} from "./interfaces/IClearingHouse.sol";
import {IOracle} from "./interfaces/IOracle.sol";
import {Books, BooksStorage, Flow} from "./libraries/Books.sol";
import {Liquidations} from "./libraries/Liquidations.sol";
import {ParameterTable} from "./libraries/ParameterTable.sol";
import {Exposure, Risk, Terms} from "./libraries/Risk.sol";
import {AccountId} from "./types/AccountId.sol";
import {AccountState} from "./types/AccountState.sol";
import {Conditions} from "./types/Conditions.sol";
import {GlobalParameters, GroupParameters} from "./types/GlobalParameters.sol";
import {OperatorGrant} from "./types/OperatorGrant.sol";
import {Price} from "./types/Price.sol";

/// @notice The contracts round the clearing house.
struct Links {
    address authority;
    IOracle oracle;
    address vault;
    address orders;
    address pool;
    address insuranceFund;
}

/// @title Clearing
/// @notice What the clearing house, its extension and its governance share: storage, links, the lock, authority over accounts.
/// @dev Links are immutables of all three, and must be the same; a storage link would cost 2,100 in every action.
abstract contract Clearing is AccessManaged {
    using Books for BooksStorage;
    using Liquidations for BooksStorage;
    using ParameterTable for address;
    using SafeCast for uint256;

    IOracle public immutable oracle;
    address public immutable vault;
    address public immutable orders;
    address public immutable pool;
    address public immutable insuranceFund;

    BooksStorage internal _books;
    bool internal transient _locked;

    constructor(Links memory links) AccessManaged(links.authority) {
        oracle = links.oracle;
        vault = links.vault;
        orders = links.orders;
        pool = links.pool;
        insuranceFund = links.insuranceFund;
    }

    modifier locking() {
        _lock();
        _;
        _locked = false;
    }

    /// @dev Satellites call in under the lock that they took themselves.
    modifier only(address satellite) {
        _requireSatellite(satellite);
        _;
    }

    modifier settled() {
        require(!_locked, IClearingHouse.Locked());
        _;
    }

    /// @dev Runs the call that came in by the code of `code` on this storage, and ends with what that answers.
    function _forward(address code) internal {
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, 0, calldatasize())
            let done := delegatecall(gas(), code, free, calldatasize(), 0, 0)
            returndatacopy(free, 0, returndatasize())
            switch done
            case 0 {
                revert(free, returndatasize())
            }
            default {
                return(free, returndatasize())
            }
        }
    }

    function _lock() internal {
        require(!_locked, IClearingHouse.Locked());
        _locked = true;
    }

    function _requireSatellite(address satellite) private view {
        require(msg.sender == satellite, IClearingHouse.OnlySatellite(msg.sender));
        require(_locked, IClearingHouse.NotLocked());
    }

    /// @dev Reverts unless `caller` owns the account or is an operator with `right` and `fee` left in its allowance.
    function _authorize(AccountId account, address caller, uint256 right, uint256 fee) internal {
        if (caller == account.owner()) return;
        OperatorGrant grant = _books.operators[account][caller];
        require(grant.rights() & right != 0, IClearingHouse.NotAuthorized(account, caller, right));
        require(block.timestamp <= grant.until(), IClearingHouse.OperatorExpired(account, caller, grant.until()));
        if (fee != 0) _books.operators[account][caller] = grant.spend(fee, block.timestamp);
    }

    function _liquidate(
        AccountId account,
        Reduction[] calldata reductions,
        Sale[] calldata sales,
        AccountId liquidator
    ) internal returns (LiquidationResult memory result) {
        result = _books.liquidate(oracle, account, reductions, sales, liquidator);
        if (sales.length != 0) _requireAfterPurchase(liquidator);
    }

    /// @dev A buyer has swapped cash for collateral: as after a withdrawal.
    function _requireAfterPurchase(AccountId buyer) internal {
        AccountState memory state = _books.stateOf(buyer);
        _requireNonePending(buyer, state);
        _requireInitial(buyer, state);
    }

    /// @dev Takes cash or collateral out of an account: initial requirement afterwards, no pending order.
    function _takeOut(AccountId account, uint256 token, uint256 amount, Flow memory flow) internal {
        require(amount != 0, IClearingHouse.ZeroAmount());
        AccountState memory state = _books.stateOf(account);
        _requireNonePending(account, state);
        if (token == SETTLEMENT) {
            require(state.cash >= amount.toInt256(), IClearingHouse.InsufficientCash(account, state.cash, amount));
            state.cash -= amount.toInt256();
        } else {
            require(token < _books.tokens, IClearingHouse.UnknownCollateral(token));
            uint256 held = _books.collateral[account][token];
            require(held >= amount, IClearingHouse.InsufficientCollateral(account, token, held, amount));
            _books.collateral[account][token] = held - amount;
            if (held == amount) state.collaterals ^= 1 << token;
        }
        _books.store(account, state, flow);
        _requireInitial(account, state);
    }

    function _requireNonePending(AccountId account, AccountState memory state) internal pure {
        require(state.pending == 0, IClearingHouse.OrderPending(account, state.pending));
    }

    /// @dev At the worse ends of all prices.
    function _requireInitial(AccountId account, AccountState memory state) internal {
        if (state.positions == 0 && state.cash >= 0) return; // nothing owed, nothing required
        (Terms memory terms, GlobalParameters globals_) = _assess(account, state);
        _requireMeetsInitial(account, terms, globals_);
    }

    function _requireMeetsInitial(AccountId account, Terms memory terms, GlobalParameters globals_) internal pure {
        require(
            terms.meetsInitial(globals_),
            IClearingHouse.InsufficientMargin(account, terms.weighted, terms.initial(), terms.shortfall())
        );
    }

    /// @dev Terms at the worse ends, for a check only: positions that were closed whole count as the cash that they are.
    function _assess(
        AccountId account,
        AccountState memory state
    ) internal returns (Terms memory terms, GlobalParameters globals_) {
        (Exposure[] memory exposures, ) = _load(account, state, 0, false);
        Flow memory none;
        Books.fold(state, none, exposures);
        GroupParameters groups_;
        (globals_, groups_) = _books.table.globals();
        terms = Risk.assess(exposures, state.cash + int256(state.escrow), groups_, block.timestamp, true);
    }

    /// @dev Exposures to all that the account holds and to `more`.
    function _load(
        AccountId account,
        AccountState memory state,
        uint256 more,
        bool needPeg
    ) internal returns (Exposure[] memory exposures, Conditions conditions) {
        uint256 assets = _books.assetsOf(state) | more;
        Price[] memory prices;
        (conditions, prices) = oracle.read(assets, needPeg);
        exposures = _books.exposuresOf(account, state, assets, prices);
    }
}
