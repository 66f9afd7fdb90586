// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";
import {NoncesKeyed} from "@openzeppelin/contracts/utils/NoncesKeyed.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {Closing, ESCROW_UNIT, FillResult, IClearingHouse, Leg} from "./interfaces/IClearingHouse.sol";
import {IOracle, RoundHint, Verdict} from "./interfaces/IOracle.sol";
import {
    Cause,
    Execution,
    IOrders,
    LegInput,
    LegView,
    MAX_LEGS,
    OrderInput,
    OrderView,
    Outcome,
    TriggerInput,
    TriggerView
} from "./interfaces/IOrders.sol";
import {PPM} from "./libraries/Fixed.sol";
import {AccountId} from "./types/AccountId.sol";
import {Conditions} from "./types/Conditions.sol";
import {RIGHT_TRADE, OperatorGrant} from "./types/OperatorGrant.sol";
import {EXPIRY_UNIT, MAX_EXPIRY, NO_ORDER, Order, OrderTerms, toBasket, toSingleOrder} from "./types/Order.sol";
import {NO_LEG, OrderLeg, toOrderLeg} from "./types/OrderLeg.sol";
import {GAS_UNIT, OrderParameters, OrderSettings, TIP_UNIT, toOrderParameters} from "./types/OrderParameters.sol";
import {NO_TRIGGER, OrderTrigger, toOrderTrigger} from "./types/OrderTrigger.sol";
import {NO_PRICE, PackedFloat, packFloatDown, packFloatUp} from "./types/PackedFloat.sol";
import {Price} from "./types/Price.sol";

/// @title Orders
/// @notice Pending, basket and trigger orders and their execution. Knows when and at which price an order settles, not
/// what an account may hold.
/// @dev Trusts the clearing house and the oracle to call no one else under the lock.
contract Orders is IOrders, AccessManaged, EIP712, NoncesKeyed, Multicall {
    /// @dev Gas that must be left before an order is executed: several times what the largest basket of the fullest
    /// account needs. With less, a call deep inside could fail for lack of gas and pass for a reason to cancel.
    uint256 private constant MIN_EXECUTION_GAS = 2_000_000;

    /// @dev Longer than the longest window of a feed, so that everything else can be proved before.
    uint256 private constant ABANDONED_AFTER = 8 days;

    uint256 private constant MIN_DELAY = 5;
    uint256 private constant MAX_DELAY = 240;
    uint256 private constant MIN_WINDOW = 60;
    uint256 private constant MAX_WINDOW = 3600;
    uint256 private constant MIN_BAND = 100;
    uint256 private constant MAX_BAND = 200_000;
    uint256 private constant MAX_FIXED_PAY = 20e18;
    uint256 private constant MAX_TIP = 100 gwei;
    uint256 private constant MAX_GAS = 2_000_000;

    bytes32 private constant ORDER_TYPEHASH = keccak256(
        "Order(bytes32 account,uint256 asset,int256 delta,uint256 acceptablePrice,bool reduceOnly,uint256 expiry,uint256 nonce,uint256 deadline)"
    );

    IClearingHouse public immutable override clearingHouse;
    IOracle public immutable override oracle;

    OrderParameters private _parameters;
    mapping(AccountId account => mapping(uint256 sequence => Order)) private _orders;
    mapping(AccountId account => mapping(uint256 sequence => mapping(uint256 index => OrderLeg))) private _legs;
    mapping(AccountId account => mapping(uint256 sequence => OrderTrigger)) private _triggers;

    /// @param clearingHouse_ May not be deployed yet: it needs the address of this contract.
    constructor(
        address authority,
        IClearingHouse clearingHouse_,
        IOracle oracle_,
        OrderSettings memory settings
    ) AccessManaged(authority) EIP712("Plimsoll", "1") {
        clearingHouse = clearingHouse_;
        oracle = oracle_;
        _setParameters(settings);
    }

    modifier locking() {
        clearingHouse.lock();
        _;
        clearingHouse.unlock();
    }

    // ---------------------------------------------------------------- submit

    /// @inheritdoc IOrders
    function submit(AccountId account, OrderInput calldata input) external locking returns (uint256 sequence) {
        return _submit(account, msg.sender, input);
    }

    /// @inheritdoc IOrders
    function submitSigned(
        AccountId account,
        OrderInput calldata input,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external locking returns (uint256 sequence) {
        require(block.timestamp <= deadline, SignatureExpired(deadline, block.timestamp));
        address owner = account.owner();
        // The fields of `input` are all of one word, so that encoding the struct encodes them one by one.
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(ORDER_TYPEHASH, account, input, nonce, deadline)));
        require(SignatureChecker.isValidSignatureNowCalldata(owner, digest, signature), InvalidSignature(owner));
        _useCheckedNonce(owner, nonce);
        return _submit(account, owner, input);
    }

    /// @inheritdoc IOrders
    function useNonce(uint256 nonce) external locking {
        _useCheckedNonce(msg.sender, nonce);
    }

    function _submit(AccountId account, address caller, OrderInput memory input) private returns (uint256 sequence) {
        OrderParameters parameters_ = _parameters;
        Leg[] memory legs = new Leg[](1);
        uint256 phase;
        uint256 nativePrice;
        (legs[0], phase, nativePrice) = _openLeg(input.asset, input.delta);
        OrderTerms memory terms;
        (sequence, terms) = _open({
            account: account,
            caller: caller,
            parameters_: parameters_,
            legs: legs,
            pay: parameters_.escrowAt(parameters_.singleGas(), block.basefee, nativePrice),
            reduceOnly: input.reduceOnly,
            expiry: input.expiry
        });

        OrderLeg leg = toOrderLeg(input.asset, input.delta, phase, _packAcceptable(input.delta, input.acceptablePrice));
        Order order = toSingleOrder(leg, terms);
        _orders[account][sequence] = order;
        emit OrderSubmitted({
            account: account,
            sequence: sequence,
            asset: input.asset,
            delta: input.delta,
            acceptablePrice: leg.price().decode(),
            reduceOnly: input.reduceOnly,
            expiry: order.expiresAt(),
            boundary: order.boundary(),
            phase: phase,
            pay: terms.pay,
            charge: terms.charge
        });
    }

    /// @inheritdoc IOrders
    function submitBasket(
        AccountId account,
        LegInput[] calldata inputs,
        bool reduceOnly,
        uint256 expiry
    ) external locking returns (uint256 sequence) {
        uint256 count = inputs.length;
        require(count != 0 && count <= MAX_LEGS, LegCount(count, MAX_LEGS));
        OrderParameters parameters_ = _parameters;
        Leg[] memory legs = new Leg[](count);
        OrderLeg[] memory words = new OrderLeg[](count);
        uint256 nativePrice;
        uint256 seen = 0;
        for (uint256 i = 0; i < count; ++i) {
            uint256 asset = inputs[i].asset;
            uint256 phase;
            (legs[i], phase, nativePrice) = _openLeg(asset, inputs[i].delta);
            words[i] = toOrderLeg(asset, inputs[i].delta, phase, packFloatDown(legs[i].price));
            require(seen & (1 << asset) == 0, DuplicateLeg(asset));
            seen |= 1 << asset;
        }
        OrderTerms memory terms;
        (sequence, terms) = _open({
            account: account,
            caller: msg.sender,
            parameters_: parameters_,
            legs: legs,
            pay: parameters_.escrowAt(parameters_.orderGas(count), block.basefee, nativePrice),
            reduceOnly: reduceOnly,
            expiry: expiry
        });

        Order order = toBasket(count, terms);
        _orders[account][sequence] = order;
        for (uint256 i = 0; i < count; ++i) _legs[account][sequence][i] = words[i];
        emit BasketSubmitted({
            account: account,
            sequence: sequence,
            legs: _viewLegs(words),
            reduceOnly: reduceOnly,
            expiry: order.expiresAt(),
            boundary: order.boundary(),
            pay: terms.pay,
            charge: terms.charge
        });
    }

    /// @dev The leg at its last accepted price, the phase of its feed and the native token's price.
    function _openLeg(
        uint256 asset,
        int256 delta
    ) private returns (Leg memory leg, uint256 phase, uint256 nativePrice) {
        require(delta != 0, ZeroSize(asset));
        uint256 price;
        (price, phase, nativePrice) = oracle.stored(asset);
        require(price != 0, NoPrice(asset));
        leg = Leg({asset: asset, delta: delta, price: price});
    }

    /// @dev Escrows, and returns what there is to store beside the legs.
    function _open(
        AccountId account,
        address caller,
        OrderParameters parameters_,
        Leg[] memory legs,
        uint256 pay,
        bool reduceOnly,
        uint256 expiry
    ) private returns (uint256 sequence, OrderTerms memory terms) {
        uint256 delay = parameters_.delay();
        terms = OrderTerms({
            submittedAt: block.timestamp,
            delay: delay,
            pay: pay,
            charge: 0,
            lifetime: expiry == 0 ? 0 : _lifetime(expiry, delay),
            reduceOnly: reduceOnly
        });
        (sequence, terms.charge) = clearingHouse.openOrder({
            account: account,
            caller: caller,
            legs: legs,
            pay: pay,
            reduceOnly: reduceOnly
        });
    }

    /// @dev An expiry that no round could meet would only forfeit the charge; one too late to be stored would be moved.
    function _lifetime(uint256 expiry, uint256 delay) private view returns (uint256) {
        uint256 earliest = block.timestamp + (delay / EXPIRY_UNIT + 1) * EXPIRY_UNIT;
        uint256 latest = block.timestamp + MAX_EXPIRY;
        require(expiry >= earliest && expiry <= latest, ExpiryOutOfRange(expiry, earliest, latest));
        return expiry - block.timestamp;
    }

    /// @dev Against a fill: a buy's bound down, a sell's up.
    function _packAcceptable(int256 delta, uint256 price) private pure returns (PackedFloat) {
        if (price == 0) return NO_PRICE;
        return delta > 0 ? packFloatDown(price) : packFloatUp(price);
    }

    // ---------------------------------------------------------------- triggers

    /// @inheritdoc IOrders
    function submitTrigger(AccountId account, TriggerInput calldata input) external locking returns (uint256 sequence) {
        uint256 asset = input.asset;
        require(input.triggerPrice != 0, ZeroTriggerPrice(asset));
        require(
            input.expiry == 0 || (input.expiry >= block.timestamp && input.expiry <= type(uint32).max),
            ExpiryOutOfRange(input.expiry, block.timestamp, type(uint32).max)
        );
        OrderParameters parameters_ = _parameters;
        uint256 nativePrice;
        Leg[] memory legs = new Leg[](1);
        (legs[0], , nativePrice) = _openLeg(asset, input.delta);
        // It may only fire there, and pays the fee of that price.
        if (input.above && input.triggerPrice > legs[0].price) legs[0].price = input.triggerPrice;
        sequence = clearingHouse.reserveSequence({
            account: account,
            caller: msg.sender,
            legs: legs,
            pay: parameters_.escrowAt(parameters_.singleGas() + parameters_.pokeGas(), block.basefee, nativePrice) +
                parameters_.fixedPay()
        });

        OrderTrigger trigger = toOrderTrigger({
            asset_: asset,
            delta_: input.delta,
            triggerPrice_: input.above ? packFloatUp(input.triggerPrice) : packFloatDown(input.triggerPrice),
            above_: input.above,
            acceptable_: _packAcceptable(input.delta, input.acceptablePrice),
            expiry_: input.expiry
        });
        _triggers[account][sequence] = trigger;
        emit TriggerSubmitted({
            account: account,
            sequence: sequence,
            asset: asset,
            delta: input.delta,
            triggerPrice: trigger.triggerPrice(),
            above: input.above,
            acceptablePrice: trigger.acceptable(),
            expiry: input.expiry
        });
    }

    /// @inheritdoc IOrders
    function cancelTrigger(AccountId account, uint256 sequence) external locking {
        _requireTrader(account);
        require(_triggers[account][sequence].exists(), UnknownTrigger(account, sequence));
        _triggers[account][sequence] = NO_TRIGGER;
        emit TriggerCancelled(account, sequence);
    }

    function _requireTrader(AccountId account) private view {
        if (msg.sender == account.owner()) return;
        OperatorGrant grant = clearingHouse.operatorOf(account, msg.sender);
        require(grant.rights() & RIGHT_TRADE != 0, IClearingHouse.NotAuthorized(account, msg.sender, RIGHT_TRADE));
        require(block.timestamp <= grant.until(), IClearingHouse.OperatorExpired(account, msg.sender, grant.until()));
    }

    /// @inheritdoc IOrders
    function poke(AccountId account, uint256 sequence, AccountId payTo) external returns (uint256 orderSequence) {
        OrderTrigger trigger = _triggers[account][sequence];
        require(trigger.exists(), UnknownTrigger(account, sequence));
        // Otherwise pokes of what has been forgotten would eat up the account. Positions are not shown under the lock.
        _requireReducible(account, trigger);

        clearingHouse.lock();
        uint256 price = _firingPrice(trigger);
        _triggers[account][sequence] = NO_TRIGGER;
        uint256 pay = _payPoker(account, trigger.asset(), payTo);
        orderSequence = _submit({
            account: account,
            caller: account.owner(),
            input: OrderInput({
                asset: trigger.asset(),
                delta: trigger.delta(),
                acceptablePrice: trigger.acceptable(),
                reduceOnly: true,
                expiry: 0
            })
        });
        emit TriggerPoked({
            account: account,
            sequence: sequence,
            payTo: payTo,
            orderSequence: orderSequence,
            price: price,
            pay: pay
        });
        clearingHouse.unlock();
    }

    function _requireReducible(AccountId account, OrderTrigger trigger) private view {
        (uint256 asset, int256 delta) = (trigger.asset(), trigger.delta());
        (int256 size, ) = clearingHouse.positionOf(account, asset);
        require(size != 0 && (size < 0) != (delta < 0), IClearingHouse.NothingToReduce(account, asset, size, delta));
    }

    /// @dev The latest price, if the trigger fires at it.
    function _firingPrice(OrderTrigger trigger) private returns (uint256 price) {
        uint256 expiry = trigger.expiry();
        require(expiry == 0 || block.timestamp <= expiry, TriggerExpired(expiry, block.timestamp));
        (Conditions conditions, Price[] memory prices) = oracle.read(1 << trigger.asset(), false);
        require(conditions.sequencerUp(), SequencerDown());
        require(prices[0].live(), PriceNotLive(trigger.asset(), prices[0].refusal()));
        price = prices[0].last();
        require(trigger.holdsAt(price), ConditionNotMet(price, trigger.triggerPrice()));
    }

    function _payPoker(AccountId account, uint256 asset, AccountId payTo) private returns (uint256 pay) {
        OrderParameters parameters_ = _parameters;
        (, , uint256 nativePrice) = oracle.stored(asset);
        pay = parameters_.payAt(parameters_.pokeGas(), block.basefee, nativePrice);
        // Before the order is opened, whose margin check then covers it.
        clearingHouse.payKeeper(account, payTo, pay);
    }

    // ---------------------------------------------------------------- execute

    /// @inheritdoc IOrders
    function execute(
        AccountId account,
        uint256 sequence,
        RoundHint[] calldata hints,
        AccountId payTo
    ) external locking returns (Outcome outcome, Cause cause) {
        _requireGas();
        return _execute(account, sequence, hints, payTo);
    }

    /// @inheritdoc IOrders
    function executeBatch(Execution[] calldata items, AccountId payTo) external locking {
        for (uint256 i = 0; i < items.length; ++i) {
            _requireGas();
            try this.executeItem(items[i], payTo) {} catch (bytes memory reason) {
                emit ItemFailed(items[i].account, items[i].sequence, reason);
            }
        }
    }

    /// @inheritdoc IOrders
    function executeItem(Execution calldata item, AccountId payTo) external returns (Outcome outcome, Cause cause) {
        require(msg.sender == address(this), OnlySelf(msg.sender));
        return _execute(item.account, item.sequence, item.hints, payTo);
    }

    function _requireGas() private view {
        uint256 left = gasleft();
        require(left >= MIN_EXECUTION_GAS, InsufficientGas(left, MIN_EXECUTION_GAS));
    }

    function _execute(
        AccountId account,
        uint256 sequence,
        RoundHint[] calldata hints,
        AccountId payTo
    ) private returns (Outcome outcome, Cause cause) {
        OrderParameters parameters_ = _parameters;
        (Order order, OrderLeg[] memory words) = _take(account, sequence);
        Leg[] memory legs;
        uint256 settledAt;
        (outcome, cause, legs, settledAt) = _decide(order, words, hints, parameters_);

        Closing memory closing = _closing(order, words[0].asset(), outcome, parameters_);
        (closing.account, closing.payTo) = (account, payTo);
        if (outcome == Outcome.Filled) {
            cause = _fill(closing, legs);
            if (cause != Cause.None) outcome = Outcome.Cancelled;
        }
        if (outcome == Outcome.Filled) {
            emit OrderFilled(account, sequence, payTo, settledAt, closing.pay);
        } else {
            _close(closing, sequence, outcome, cause, order.charge());
        }
    }

    function _close(Closing memory closing, uint256 sequence, Outcome outcome, Cause cause, uint256 charge) private {
        if (cause >= Cause.Expired) {
            closing.forfeited = charge;
            closing.released -= charge;
        }
        clearingHouse.closeOrder(closing);
        (AccountId account, AccountId payTo) = (closing.account, closing.payTo);
        if (outcome == Outcome.Refunded) emit OrderRefunded(account, sequence, payTo, closing.pay);
        else emit OrderCancelled(account, sequence, payTo, cause, closing.forfeited, closing.pay);
    }

    /// @inheritdoc IOrders
    function abandon(AccountId account, uint256 sequence, AccountId payTo) external locking {
        (Order order, OrderLeg[] memory words) = _take(account, sequence);
        uint256 earliest = order.boundary() + ABANDONED_AFTER;
        require(block.timestamp >= earliest, NotAbandoned(earliest, block.timestamp));
        Closing memory closing = _closing(order, words[0].asset(), Outcome.Refunded, _parameters);
        (closing.account, closing.payTo) = (account, payTo);
        _close(closing, sequence, Outcome.Cancelled, Cause.TooLate, order.charge());
    }

    /// @dev Takes the order out of storage.
    function _take(AccountId account, uint256 sequence) private returns (Order order, OrderLeg[] memory words) {
        (order, words) = _load(account, sequence);
        _orders[account][sequence] = NO_ORDER;
        if (order.isBasket()) {
            for (uint256 i = 0; i < words.length; ++i) _legs[account][sequence][i] = NO_LEG;
        }
    }

    /// @notice What becomes of an order before anything of its account is looked at: rules 0 to 5 of `IOrders`.
    function _decide(
        Order order,
        OrderLeg[] memory words,
        RoundHint[] calldata hints,
        OrderParameters parameters_
    ) private returns (Outcome outcome, Cause cause, Leg[] memory legs, uint256 settledAt) {
        (Conditions conditions, ) = oracle.read(0, false);
        require(conditions.sequencerUp(), SequencerDown());
        if (order.submittedAt() < conditions.upSince()) return (Outcome.Refunded, Cause.None, legs, 0);

        require(hints.length == words.length, HintCount(hints.length, words.length));
        legs = new Leg[](words.length);
        uint256 earliest = type(uint256).max;
        for (uint256 i = 0; i < words.length; ++i) {
            OrderLeg word = words[i];
            (Verdict verdict, uint256 price, uint256 roundAt) = oracle.settle({
                asset: word.asset(),
                phase: word.phase(),
                boundary: order.boundary(),
                hint: hints[i]
            });
            if (verdict == Verdict.Void || !oracle.accepts(word.asset(), price)) {
                return (Outcome.Refunded, Cause.None, legs, 0);
            }
            legs[i] = Leg({asset: word.asset(), delta: word.delta(), price: price});
            earliest = Math.min(earliest, roundAt);
            settledAt = Math.max(settledAt, roundAt);
        }
        // Between them the owner could watch the first leg's price and decide whether there will be margin for it.
        if (settledAt - earliest > parameters_.legGap()) return (Outcome.Refunded, Cause.None, legs, 0);

        uint256 expiresAt = order.expiresAt();
        if (expiresAt != 0 && settledAt > expiresAt) cause = Cause.Expired;
        else cause = _refusedPrice(order, words, legs, parameters_.band());
        if (cause == Cause.None && block.timestamp > settledAt + parameters_.executionWindow()) cause = Cause.TooLate;
        outcome = cause == Cause.None ? Outcome.Filled : Outcome.Cancelled;
    }

    function _refusedPrice(
        Order order,
        OrderLeg[] memory words,
        Leg[] memory legs,
        uint256 band
    ) private pure returns (Cause) {
        if (!order.isBasket()) {
            PackedFloat acceptable = words[0].price();
            (uint256 price, uint256 bound) = (legs[0].price, acceptable.decode());
            if (acceptable.isNone()) return Cause.None;
            return (legs[0].delta > 0 ? price > bound : price < bound) ? Cause.PriceNotAcceptable : Cause.None;
        }
        for (uint256 i = 0; i < words.length; ++i) {
            (uint256 price, uint256 middle) = (legs[i].price, words[i].price().decode());
            uint256 move = price > middle ? price - middle : middle - price;
            if (move * PPM > middle * band) return Cause.OutsideBand;
        }
        return Cause.None;
    }

    /// @dev Keeper pay out of the escrow; all else goes back.
    function _closing(
        Order order,
        uint256 asset,
        Outcome outcome,
        OrderParameters parameters_
    ) private returns (Closing memory closing) {
        uint256 gas =
            outcome == Outcome.Refunded
                ? parameters_.refundGas()
                : parameters_.orderGas(order.isBasket() ? order.legCount() : 0);
        (, , uint256 nativePrice) = oracle.stored(asset);
        uint256 escrow = order.pay();
        closing.reduceOnly = order.isReduceOnly();
        closing.pay = Math.min(escrow, parameters_.payAt(gas, block.basefee, nativePrice));
        closing.released = escrow - closing.pay + order.charge();
    }

    /// @dev Cancels only for a reason that the clearing house names; any other revert (out of gas, a guard that is off
    /// for the moment, a stale pool mark) is passed on.
    function _fill(Closing memory closing, Leg[] memory legs) private returns (Cause cause) {
        try clearingHouse.executeOrder(closing, legs) returns (FillResult[] memory) {
            return Cause.None;
        } catch (bytes memory reason) {
            cause = _causeOf(reason);
            if (cause != Cause.None) return cause;
            assembly ("memory-safe") {
                revert(add(reason, 32), mload(reason))
            }
        }
    }

    function _causeOf(bytes memory reason) private pure returns (Cause) {
        bytes4 selector = bytes4(reason);
        if (selector == IClearingHouse.IncreaseRefused.selector) {
            // Other guards come back on their own; a pause is the protocol's choice, and nobody's order should pay for it.
            uint256 guard;
            assembly ("memory-safe") {
                guard := mload(add(reason, 0x64)) // third argument
            }
            return guard == 3 ? Cause.MarketReduceOnly : Cause.None;
        }
        if (selector == IClearingHouse.InsufficientMargin.selector) return Cause.InsufficientMargin;
        if (selector == IClearingHouse.ReductionRefused.selector) return Cause.ReductionRefused;
        if (selector == IClearingHouse.OpenInterestExceeded.selector) return Cause.OpenInterestExceeded;
        if (selector == IClearingHouse.SkewExceeded.selector) return Cause.SkewExceeded;
        if (selector == IClearingHouse.PositionTooSmall.selector) return Cause.PositionTooSmall;
        if (selector == IClearingHouse.TooManyAssets.selector) return Cause.TooManyAssets;
        if (selector == IClearingHouse.NothingToReduce.selector) return Cause.NothingToReduce;
        if (selector == IClearingHouse.MarketIsReduceOnly.selector) return Cause.MarketReduceOnly;
        if (selector == IClearingHouse.InsufficientLiquidity.selector) return Cause.InsufficientLiquidity;
        return Cause.None;
    }

    // ---------------------------------------------------------------- governance

    /// @inheritdoc IOrders
    function setParameters(OrderSettings calldata settings) external restricted locking {
        _setParameters(settings);
    }

    function _setParameters(OrderSettings memory settings) private {
        _requireRange("delay", settings.delay, MIN_DELAY, MAX_DELAY);
        _requireRange("executionWindow", settings.executionWindow, MIN_WINDOW, MAX_WINDOW);
        _requireRange("band", settings.band, MIN_BAND, MAX_BAND);
        _requireRange("fixedPay", settings.fixedPay, 0, MAX_FIXED_PAY);
        _requireMultiple("fixedPay", settings.fixedPay, ESCROW_UNIT);
        _requireRange("tip", settings.tip, 0, MAX_TIP);
        _requireMultiple("tip", settings.tip, TIP_UNIT);
        _requireGasEntry("singleGas", settings.singleGas);
        _requireGasEntry("basketGas", settings.basketGas);
        _requireGasEntry("legGas", settings.legGas);
        _requireGasEntry("pokeGas", settings.pokeGas);
        _requireGasEntry("refundGas", settings.refundGas);
        _requireRange("legGap", settings.legGap, 0, MAX_WINDOW);
        _parameters = toOrderParameters(settings);
        emit ParametersSet(settings);
    }

    function _requireGasEntry(bytes32 what, uint256 value) private pure {
        _requireRange(what, value, 0, MAX_GAS);
        _requireMultiple(what, value, GAS_UNIT);
    }

    function _requireRange(bytes32 what, uint256 value, uint256 minimum, uint256 maximum) private pure {
        require(value >= minimum && value <= maximum, OutOfRange(what, value, minimum, maximum));
    }

    function _requireMultiple(bytes32 what, uint256 value, uint256 unit) private pure {
        require(value % unit == 0, NotAMultiple(what, value, unit));
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IOrders
    function parameters() external view returns (OrderSettings memory) {
        return _parameters.unpack();
    }

    /// @inheritdoc IOrders
    function isPending(AccountId account, uint256 sequence) external view returns (bool) {
        return _orders[account][sequence].exists();
    }

    /// @inheritdoc IOrders
    function orderOf(AccountId account, uint256 sequence) external view returns (OrderView memory) {
        (Order order, ) = _load(account, sequence);
        return _viewOrder(order);
    }

    /// @inheritdoc IOrders
    function basketOf(
        AccountId account,
        uint256 sequence
    ) external view returns (OrderView memory order, LegView[] memory legs) {
        (Order word, OrderLeg[] memory words) = _load(account, sequence);
        require(word.isBasket(), UnknownOrder(account, sequence));
        return (_viewOrder(word), _viewLegs(words));
    }

    /// @inheritdoc IOrders
    function triggerOf(AccountId account, uint256 sequence) external view returns (TriggerView memory) {
        OrderTrigger trigger = _triggers[account][sequence];
        require(trigger.exists(), UnknownTrigger(account, sequence));
        return
            TriggerView({
                asset: trigger.asset(),
                delta: trigger.delta(),
                triggerPrice: trigger.triggerPrice(),
                above: trigger.isAbove(),
                acceptablePrice: trigger.acceptable(),
                expiry: trigger.expiry()
            });
    }

    /// @inheritdoc IOrders
    function payFor(
        uint256 legs,
        uint256 baseFee,
        uint256 nativePrice
    ) external view returns (uint256 escrow, uint256 execution, uint256 refund, uint256 poke_) {
        OrderParameters parameters_ = _parameters;
        uint256 gas = parameters_.orderGas(legs);
        escrow = parameters_.escrowAt(gas, baseFee, nativePrice);
        execution = Math.min(escrow, parameters_.payAt(gas, baseFee, nativePrice));
        refund = Math.min(escrow, parameters_.payAt(parameters_.refundGas(), baseFee, nativePrice));
        poke_ = parameters_.payAt(parameters_.pokeGas(), baseFee, nativePrice);
    }

    function _load(AccountId account, uint256 sequence) private view returns (Order order, OrderLeg[] memory words) {
        order = _orders[account][sequence];
        require(order.exists(), UnknownOrder(account, sequence));
        words = new OrderLeg[](order.legCount());
        if (order.isBasket()) {
            for (uint256 i = 0; i < words.length; ++i) words[i] = _legs[account][sequence][i];
        } else {
            words[0] = order.single();
        }
    }

    function _viewOrder(Order order) private pure returns (OrderView memory result) {
        result.submittedAt = order.submittedAt();
        result.boundary = order.boundary();
        result.expiry = order.expiresAt();
        result.pay = order.pay();
        result.charge = order.charge();
        result.reduceOnly = order.isReduceOnly();
        if (order.isBasket()) {
            result.legs = order.legCount();
        } else {
            OrderLeg leg = order.single();
            result.asset = leg.asset();
            result.delta = leg.delta();
            result.phase = leg.phase();
            result.acceptablePrice = leg.price().decode();
        }
    }

    function _viewLegs(OrderLeg[] memory words) private pure returns (LegView[] memory legs) {
        legs = new LegView[](words.length);
        for (uint256 i = 0; i < words.length; ++i) {
            legs[i] = LegView({
                asset: words[i].asset(),
                delta: words[i].delta(),
                phase: words[i].phase(),
                middle: words[i].price().decode()
            });
        }
    }
}
