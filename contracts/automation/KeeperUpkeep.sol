// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AutomationCompatibleInterface} from "@chainlink/contracts/src/v0.8/automation/interfaces/AutomationCompatibleInterface.sol";
import {ILogAutomation, Log} from "@chainlink/contracts/src/v0.8/automation/interfaces/ILogAutomation.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";

import {IClearingHouse, Sale} from "../interfaces/IClearingHouse.sol";
import {ILens} from "../interfaces/ILens.sol";
import {ILiquidityPool} from "../interfaces/ILiquidityPool.sol";
import {IOrders} from "../interfaces/IOrders.sol";
import {IVault} from "../interfaces/IVault.sol";
import {IPriceOracle} from "../oracles/IPriceOracle.sol";
import {AccountId} from "../types/AccountId.sol";
import {AccountRegister} from "./AccountRegister.sol";
import {Check, IKeeperUpkeep, IReportReceiver} from "./IKeeperUpkeep.sol";
import {IUpkeepFinder} from "./IUpkeepFinder.sol";
import {BARGAIN_AGE, Step, Steps, Verb} from "./Step.sol";

/// @title KeeperUpkeep
/// @dev Holds nothing but its register; its account is at the clearing house, which checks every call as it checks anyone's.
contract KeeperUpkeep is IKeeperUpkeep, AccountRegister, Ownable2Step, ERC165 {
    /// @dev Gas that a check keeps for trying what has been found: most of what a perform may take.
    uint256 private constant CHECK_RESERVE = 4_000_000;
    /// @dev Gas of a perform around its steps, and around each of them.
    uint256 private constant PERFORM_GAS = 30_000;
    uint256 private constant STEP_GAS = 15_000;

    IClearingHouse public immutable override clearingHouse;
    IOrders public immutable override orders;
    IUpkeepFinder public immutable override finder;
    ILiquidityPool private immutable _pool;
    IPriceOracle private immutable _oracle;

    /// @inheritdoc IKeeperUpkeep
    bool public isBuying;

    /// @param lens Of the protocol that is to be kept.
    /// @param owner Takes out what is earned.
    constructor(
        ILens lens,
        IUpkeepFinder finder_,
        address owner
    ) AccountRegister(lens.clearingHouse(), IOrders(lens.clearingHouse().orders())) Ownable(owner) {
        clearingHouse = lens.clearingHouse();
        orders = IOrders(clearingHouse.orders());
        finder = finder_;
        _pool = ILiquidityPool(clearingHouse.pool());
        _oracle = IPriceOracle(address(clearingHouse.oracle()));
    }

    // ---------------------------------------------------------------- check

    /// @inheritdoc AutomationCompatibleInterface
    /// @dev For simulations, but a transaction does no harm: whatever is tried is undone.
    function checkUpkeep(bytes calldata checkData) external returns (bool upkeepNeeded, bytes memory performData) {
        Check memory check = abi.decode(checkData, (Check));
        bool valid = check.shard < check.shards && check.page != 0 && check.period != 0 && check.gas > PERFORM_GAS;
        require(valid, InvalidCheck(check));
        performData = _select(check, finder.find(check, this, CHECK_RESERVE));
        upkeepNeeded = performData.length != 0;
    }

    /// @inheritdoc ILogAutomation
    /// @dev For events that name an account first: it is registered, and the trigger order where it is about one.
    function checkLog(Log calldata log, bytes memory) external returns (bool upkeepNeeded, bytes memory performData) {
        bool ours = log.source == address(orders) || log.source == address(clearingHouse);
        if (!ours || log.topics.length < 2) return (false, "");
        Step memory step;
        step.account = AccountId.wrap(log.topics[1]);
        if (log.topics[0] == IOrders.TriggerSubmitted.selector) {
            step.words = new uint256[](1);
            step.words[0] = uint256(log.topics[2]);
        }
        (upkeepNeeded, ) = _succeeds(step, gasleft());
        if (upkeepNeeded) performData = Steps.encode(step);
    }

    /// @dev The steps that succeed, as many as fit into a perform.
    function _select(Check memory check, Step[] memory steps) private returns (bytes memory data) {
        uint256 left = check.gas - PERFORM_GAS;
        AccountId liquidated;
        for (uint256 i = 0; i < steps.length; ++i) {
            Step memory step = steps[i];
            if (data.length + Steps.size(step) > check.size || left <= STEP_GAS) continue;
            // Of alternatives one is enough.
            bool liquidates = step.verb == Verb.Liquidate;
            if (liquidates && !(step.account != liquidated)) continue;
            // As much as the step will have: a 64th stays with the caller (EIP-150).
            (bool succeeds, uint256 used) = _succeeds(step, ((left - STEP_GAS) * 63) / 64);
            if (!succeeds) continue;
            if (liquidates) liquidated = step.account;
            data = bytes.concat(data, Steps.encode(step));
            used += STEP_GAS;
            left = left > used ? left - used : 0;
        }
    }

    function _succeeds(Step memory step, uint256 gasLimit) private returns (bool succeeds, uint256 used) {
        used = gasleft();
        (, bytes memory reason) = address(this).call{gas: gasLimit}(abi.encodeCall(this.tryStep, (step)));
        used -= gasleft();
        succeeds = bytes4(reason) == Tried.selector;
    }

    /// @notice Takes a step and undoes it: reverts with `Tried`, or as the step does.
    function tryStep(Step calldata step) external {
        _act(step);
        revert Tried();
    }

    // ---------------------------------------------------------------- perform

    /// @inheritdoc IKeeperUpkeep
    function performUpkeep(bytes calldata performData) external {
        _perform(performData);
    }

    /// @inheritdoc IReportReceiver
    /// @dev From any forwarder, of any workflow: what anyone may do needs no proof of who wants it.
    function onReport(bytes calldata, bytes calldata report) external {
        _perform(report);
    }

    function _perform(bytes calldata data) private {
        bool done = false;
        uint256 next = 0;
        while (next < data.length) {
            Step memory step;
            (step, next) = Steps.decode(data, next);
            try this.act(step) {
                done = true;
            } catch (bytes memory reason) {
                emit StepFailed(step.verb, step.account, step.number, reason);
            }
        }
        require(done, NothingDone());
    }

    /// @notice A step of a perform; callable only by the contract itself.
    function act(Step calldata step) external {
        require(msg.sender == address(this), OnlySelf(msg.sender));
        _act(step);
    }

    function _act(Step memory step) private {
        (Verb verb, AccountId account, uint256 number) = (step.verb, step.account, step.number);
        uint256[] memory words = step.words;
        if (verb == Verb.Watch) _watch(account, words);
        else if (verb == Verb.Forget) _forget(account);
        else if (verb == Verb.Update) _update(number);
        else if (verb == Verb.Advance) _oracle.advance(number, Steps.toRounds(words));
        else if (verb == Verb.Execute) orders.execute(account, number, Steps.toHints(words), ownAccount());
        else if (verb == Verb.Abandon) orders.abandon(account, number, ownAccount());
        else if (verb == Verb.Poke) orders.poke(account, number, ownAccount());
        else if (verb == Verb.Liquidate) _liquidate(account, number, words);
        else if (verb == Verb.Convert) clearingHouse.convert(account, _salesIn(words, 0), ownAccount());
        else if (verb == Verb.FlagInsolvent) clearingHouse.flagInsolvent(account);
        else if (verb == Verb.ClearInsolvency) clearingHouse.clearInsolvency(account);
        else if (verb == Verb.Seize) clearingHouse.seize(account);
        else if (verb == Verb.SettleDeficit) clearingHouse.settleDeficit(account);
        else if (verb == Verb.MarkPool) clearingHouse.markPool();
        else if (verb == Verb.Fulfill) _pool.fulfill(number);
        else if (verb == Verb.FlagDeleveraging) clearingHouse.flagDeleveraging(number);
        else if (verb == Verb.Deleverage) clearingHouse.deleverage(number, Steps.toHint(words[0]));
        else if (verb == Verb.CloseMarket) clearingHouse.closeMarket(number, Steps.toHint(words[0]));
        else if (verb == Verb.CutProfits) clearingHouse.cutProfits();
        else if (verb == Verb.WatchSource) _oracle.watchSource(number);
        else if (verb == Verb.Realise) require(clearingHouse.realise(account) != 0, NothingDone());
        else if (verb == Verb.BuySeized) _buySeized(words);
        else clearingHouse.writeOff(number);
    }

    /// @dev Not before it is a bargain, whoever performs.
    function _buySeized(uint256[] memory words) private {
        Sale memory sale = _salesIn(words, 0)[0];
        (, , uint256 since) = clearingHouse.seizedOf(sale.token);
        require(block.timestamp >= since + BARGAIN_AGE, NoBargain(sale.token, since, BARGAIN_AGE));
        clearingHouse.buySeized(sale, ownAccount());
    }

    function _liquidate(AccountId account, uint256 reductions, uint256[] memory words) private {
        clearingHouse.liquidate({
            account: account,
            reductions: Steps.toReductions(words, reductions),
            sales: _salesIn(words, reductions),
            liquidator: ownAccount()
        });
    }

    function _salesIn(uint256[] memory words, uint256 from) private view returns (Sale[] memory sales) {
        sales = Steps.toSales(words, from);
        require(isBuying || sales.length == 0, NotBuying());
    }

    /// @dev `update` reverts for no feed: without a change there was nothing to do.
    function _update(uint256 assets) private {
        bytes32 before = _pricesOf(assets);
        _oracle.update(assets);
        require(_pricesOf(assets) != before, NothingDone());
    }

    /// @dev A digest of the accepted rounds, and of the recorded jumps.
    function _pricesOf(uint256 assets) private view returns (bytes32 digest) {
        for (uint256 asset = 0; assets >> asset != 0; ++asset) {
            if ((assets >> asset) & 1 == 0) continue;
            (, uint80 round, , , , bool halted) = _oracle.stateOf(asset);
            (, uint80 jump, , , ) = _oracle.haltOf(asset);
            digest = keccak256(abi.encode(digest, round, halted, jump));
        }
    }

    // ---------------------------------------------------------------- owner

    /// @inheritdoc IKeeperUpkeep
    function setBuying(bool buying) external onlyOwner {
        isBuying = buying;
        emit BuyingSet(buying);
    }

    /// @inheritdoc IKeeperUpkeep
    function withdraw(uint256 token, uint256 amount, address recipient) external onlyOwner {
        emit Withdrawn(token, amount, recipient);
        IVault(clearingHouse.vault()).withdraw(ownAccount(), token, amount, recipient);
    }

    /// @inheritdoc IKeeperUpkeep
    function ownAccount() public view returns (AccountId) {
        return AccountId.wrap(bytes32(uint256(uint160(address(this))) << 96));
    }

    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(IReportReceiver).interfaceId || super.supportsInterface(interfaceId);
    }
}
