// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IClearingHouse} from "../../contracts/interfaces/IClearingHouse.sol";
import {IInsuranceFund} from "../../contracts/interfaces/IInsuranceFund.sol";
import {ILiquidityPool} from "../../contracts/interfaces/ILiquidityPool.sol";
import {IOracle} from "../../contracts/interfaces/IOracle.sol";
import {IOrders} from "../../contracts/interfaces/IOrders.sol";
import {IVault} from "../../contracts/interfaces/IVault.sol";
import {ChainlinkPush} from "../../contracts/oracles/ChainlinkPush.sol";
import {IPriceOracle} from "../../contracts/oracles/IPriceOracle.sol";

/// @notice The errors by which each verb may refuse. Anything else that reverts is a fault: a panic, an overflow of a cast,
/// an empty revert, a lock that was left closed, a guard of another verb.
abstract contract Refusals {
    mapping(bytes4 verb => mapping(bytes4 reason => bool)) internal mayRefuse;

    constructor() {
        _allowTraders();
        _allowKeepers();
        _allowWaterfall();
        _allowProviders();
        _allowGovernor();
    }

    function _allowTraders() private {
        // What can be taken out is what is there, is not needed, and backs no order.
        bytes memory taking = abi.encodePacked(
            IClearingHouse.InsufficientCash.selector,
            IClearingHouse.InsufficientCollateral.selector,
            IClearingHouse.InsufficientMargin.selector,
            IClearingHouse.OrderPending.selector
        );
        _allow(IVault.withdraw.selector, taking);
        _allow(IClearingHouse.transfer.selector, taking);
        _allow(IInsuranceFund.contribute.selector, taking);

        bytes memory submitting = abi.encodePacked(
            IClearingHouse.IncreaseRefused.selector,
            IClearingHouse.InsufficientLiquidity.selector,
            IClearingHouse.InsufficientMargin.selector,
            IClearingHouse.MarketIsReduceOnly.selector,
            IClearingHouse.OrderPending.selector
        );
        _allow(IOrders.submit.selector, submitting);
        _allow(IOrders.submitBasket.selector, submitting);
        _allow(
            IOrders.poke.selector,
            abi.encodePacked(
                submitting,
                IClearingHouse.NothingToReduce.selector,
                IOrders.ConditionNotMet.selector,
                IOrders.PriceNotLive.selector,
                IOrders.SequencerDown.selector
            )
        );
    }

    function _allowKeepers() private {
        bytes memory settling = abi.encodePacked(
            ChainlinkPush.WrongPhase.selector,
            ChainlinkPush.RoundMissing.selector,
            ChainlinkPush.HintTooEarly.selector,
            ChainlinkPush.HintTooLate.selector,
            ChainlinkPush.HintDisordered.selector,
            ChainlinkPush.TooManyBetween.selector,
            ChainlinkPush.NotLastOfTies.selector,
            ChainlinkPush.RoundTooFresh.selector,
            ChainlinkPush.WindowOpen.selector,
            ChainlinkPush.RoundExists.selector
        );
        _allow(IOracle.settle.selector, settling);
        _allow(
            IOrders.execute.selector,
            abi.encodePacked(
                settling,
                IClearingHouse.IncreaseRefused.selector,
                IClearingHouse.StalePoolMark.selector,
                IOrders.SequencerDown.selector
            )
        );
        _allow(
            IClearingHouse.deleverage.selector,
            abi.encodePacked(settling, IClearingHouse.NotFlagged.selector, IClearingHouse.SequencerNotSettled.selector)
        );
        _allow(
            IClearingHouse.closeMarket.selector,
            abi.encodePacked(
                settling,
                IClearingHouse.ClosingLater.selector,
                IClearingHouse.NotLiquidatable.selector,
                IClearingHouse.UnknownMarket.selector,
                IClearingHouse.WrongStatus.selector
            )
        );

        bytes memory liquidating = abi.encodePacked(
            IClearingHouse.Healthy.selector,
            IClearingHouse.HealthNotImproved.selector,
            IClearingHouse.InGrace.selector,
            IClearingHouse.NotASlice.selector,
            IClearingHouse.NotLiquidatable.selector,
            IClearingHouse.PositionTooSmall.selector,
            IClearingHouse.SequencerNotSettled.selector,
            IClearingHouse.TargetPassed.selector
        );
        _allow(IClearingHouse.liquidate.selector, liquidating);
        _allow(
            IClearingHouse.takeOver.selector,
            abi.encodePacked(
                liquidating,
                IClearingHouse.InsufficientMargin.selector,
                IClearingHouse.NothingToTakeOver.selector
            )
        );
    }

    function _allowWaterfall() private {
        _allow(
            IClearingHouse.convert.selector,
            abi.encodePacked(
                IClearingHouse.HealthNotImproved.selector,
                IClearingHouse.NotLiquidatable.selector,
                IClearingHouse.SequencerNotSettled.selector,
                IClearingHouse.ShortfallWithinLimit.selector,
                IClearingHouse.TargetPassed.selector
            )
        );
        _allow(IClearingHouse.realise.selector, abi.encodePacked(IClearingHouse.SequencerNotSettled.selector));
        _allow(
            IClearingHouse.settleDeficit.selector,
            abi.encodePacked(
                IClearingHouse.CollateralLeft.selector,
                IClearingHouse.NoDeficit.selector,
                IClearingHouse.OrderPending.selector,
                IClearingHouse.PositionsLeft.selector,
                IClearingHouse.SequencerNotSettled.selector
            )
        );
        _allow(
            IClearingHouse.flagInsolvent.selector,
            abi.encodePacked(
                IClearingHouse.AlreadyInsolvent.selector,
                IClearingHouse.NotInsolvent.selector,
                IClearingHouse.SequencerNotSettled.selector
            )
        );
        _allow(
            IClearingHouse.clearInsolvency.selector,
            abi.encodePacked(
                IClearingHouse.NotInsolvent.selector,
                IClearingHouse.StillInsolvent.selector,
                IClearingHouse.SequencerNotSettled.selector
            )
        );
        _allow(
            IClearingHouse.seize.selector,
            abi.encodePacked(
                IClearingHouse.NotInsolvent.selector,
                IClearingHouse.NotLiquidatable.selector,
                IClearingHouse.NotSeizable.selector,
                IClearingHouse.OrderPending.selector,
                IClearingHouse.PositionsLeft.selector,
                IClearingHouse.SequencerNotSettled.selector
            )
        );
        _allow(
            IClearingHouse.buySeized.selector,
            abi.encodePacked(IClearingHouse.NotLiquidatable.selector, IClearingHouse.SequencerNotSettled.selector)
        );
        _allow(
            IClearingHouse.flagDeleveraging.selector,
            abi.encodePacked(
                IClearingHouse.AlreadyFlagged.selector,
                IClearingHouse.NotDue.selector,
                IClearingHouse.NotLiquidatable.selector,
                IClearingHouse.SequencerNotSettled.selector
            )
        );
        _allow(
            IClearingHouse.cutProfits.selector,
            abi.encodePacked(
                IClearingHouse.NoProfits.selector,
                IClearingHouse.PoolSolvent.selector,
                IClearingHouse.SequencerNotSettled.selector
            )
        );
    }

    function _allowProviders() private {
        _allow(
            ILiquidityPool.fulfill.selector,
            abi.encodePacked(
                ILiquidityPool.AlreadyFulfilled.selector,
                ILiquidityPool.NothingRedeemable.selector,
                ILiquidityPool.PoolBlocked.selector,
                ILiquidityPool.PoolInsolvent.selector,
                ILiquidityPool.PoolNotLive.selector,
                ILiquidityPool.PriceTooOld.selector
            )
        );
        _allow(ILiquidityPool.requestRedeem.selector, abi.encodePacked(ILiquidityPool.TooManyWaitingBatches.selector));
        _allow(ILiquidityPool.requestDeposit.selector, abi.encodePacked(ILiquidityPool.TooManyWaitingBatches.selector));
    }

    function _allowGovernor() private {
        bytes memory bounded = abi.encodePacked(
            IClearingHouse.OutOfRange.selector,
            IClearingHouse.ListingInvariantBroken.selector,
            IClearingHouse.StepTooLarge.selector,
            IClearingHouse.ChangedTooSoon.selector
        );
        _allow(IClearingHouse.setLimits.selector, bounded);
        _allow(IClearingHouse.rampRisk.selector, bounded);
        _allow(IClearingHouse.rampMargins.selector, bounded);
        _allow(IClearingHouse.setGlobals.selector, bounded);
        _allow(IClearingHouse.setMoney.selector, bounded);
        _allow(
            IClearingHouse.setDepth.selector,
            // A market whose fees are below what the step would pay to whoever trades round it.
            bytes.concat(
                bounded,
                IClearingHouse.NotLive.selector,
                IClearingHouse.StepPays.selector,
                IClearingHouse.WrongStatus.selector
            )
        );
        _allow(IClearingHouse.restrictMarket.selector, abi.encodePacked(IClearingHouse.WrongStatus.selector));
        _allow(IClearingHouse.reopenMarket.selector, abi.encodePacked(IClearingHouse.WrongStatus.selector));
        _allow(IClearingHouse.windDown.selector, abi.encodePacked(IClearingHouse.WrongStatus.selector));
        _allow(
            IInsuranceFund.payOut.selector,
            abi.encodePacked(
                IInsuranceFund.LossPending.selector,
                IInsuranceFund.MarkTooOld.selector,
                IInsuranceFund.PoolInsolvent.selector
            )
        );
        _allow(
            IPriceOracle.configure.selector,
            abi.encodePacked(IPriceOracle.RefusedNow.selector, IPriceOracle.LimitOutOfRange.selector)
        );
        _allow(IPriceOracle.setEnvironment.selector, abi.encodePacked(IPriceOracle.LimitOutOfRange.selector));
    }

    /// @param reasons Selectors, four bytes each.
    function _allow(bytes4 verb, bytes memory reasons) private {
        for (uint256 i = 0; i < reasons.length; i += 4) {
            bytes4 reason;
            assembly ("memory-safe") {
                reason := mload(add(add(reasons, 32), i))
            }
            mayRefuse[verb][reason] = true;
        }
    }
}
