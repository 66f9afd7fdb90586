// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AccountId} from "../types/AccountId.sol";
import {OrderSettings} from "../types/OrderParameters.sol";
import {Refusal} from "../types/Price.sol";
import {IClearingHouse} from "./IClearingHouse.sol";
import {IOracle, RoundHint} from "./IOracle.sol";

/// @notice A single order.
struct OrderInput {
    uint256 asset;
    int256 delta; // base units, WAD; positive buys
    uint256 acceptablePrice; // highest oracle price of a buy, lowest of a sell, WAD; 0: any
    bool reduceOnly;
    uint256 expiry; // last second at which a round may settle it; 0: whatever the feed's window allows
}

/// @notice A leg of a basket.
struct LegInput {
    uint256 asset;
    int256 delta; // base units, WAD; positive buys
}

/// @notice A trigger order; always reduce-only.
struct TriggerInput {
    uint256 asset;
    int256 delta; // base units, WAD
    uint256 triggerPrice; // WAD
    bool above; // fires at or above `triggerPrice`; otherwise at or below it
    uint256 acceptablePrice; // as of an order, once poked
    uint256 expiry; // last second at which it may be poked; 0: none
}

/// @notice An order to execute in a batch.
struct Execution {
    AccountId account;
    uint256 sequence;
    RoundHint[] hints;
}

/// @notice How an order ended.
enum Outcome {
    Filled,
    Cancelled,
    Refunded // void: no admissible round, or the sequencer was down meanwhile
}

/// @notice Why an order was cancelled.
enum Cause {
    None,
    PriceNotAcceptable, // free
    OutsideBand, // free
    MarketReduceOnly, // free; the protocol was paused, too
    Expired, // its round came after its own expiry; forfeits, as all that follow
    TooLate, // nobody executed it within the execution window
    InsufficientMargin,
    ReductionRefused,
    OpenInterestExceeded,
    SkewExceeded,
    PositionTooSmall,
    TooManyAssets,
    NothingToReduce,
    InsufficientLiquidity // what the account would have borrowed was not there
}

/// @notice A pending order as views return it.
struct OrderView {
    uint256 asset; // of a basket: 0
    int256 delta; // of a basket: 0
    uint256 acceptablePrice; // WAD, as packed; 0: any
    uint256 phase; // of the feed at submission; of a basket: 0
    uint256 submittedAt;
    uint256 boundary; // only a round later than this settles it
    uint256 expiry; // 0: none
    uint256 pay; // escrowed, WAD
    uint256 charge; // escrowed, WAD
    uint256 legs; // of a basket; 0: a single order
    bool reduceOnly;
}

/// @notice A leg of a pending basket.
struct LegView {
    uint256 asset;
    int256 delta;
    uint256 phase;
    uint256 middle; // of the band: last price at submission, WAD, as packed
}

/// @notice A resting trigger order.
struct TriggerView {
    uint256 asset;
    int256 delta;
    uint256 triggerPrice; // WAD, as packed
    bool above;
    uint256 acceptablePrice; // WAD, as packed
    uint256 expiry;
}

/// @title IOrders
/// @notice Orders are submitted now and settle at a later price, so nobody trades on a price that they can already see.
/// An order is identified by its account and a sequence number of the account. All amounts are WAD.
///
/// How an order ends is decided in this order, so that it follows from the order and its rounds, not from who executes:
///  0. Sequencer down: nothing is executed. (Whoever gets a transaction in meanwhile could otherwise choose between a
///     fill now and the refund of 1.)
///  1. Submitted before the sequencer came up last: refunded.
///  2. A leg without an admissible round, or whose settlement price is beyond the jump limit of the price accepted last
///     (a jump that has not been accepted), or a basket whose rounds lie further apart than `legGap`: refunded.
///  3. The last leg's round is later than the owner's own expiry: cancelled, forfeits the charge.
///  4. A settlement price beyond the acceptable one, or a leg's outside the band around its price at submission:
///     cancelled, free.
///  5. The execution window after the last leg's round has passed: cancelled, forfeits the charge.
///  6. The fill: all legs or none. Refused for margin, caps or sizes: cancelled, forfeits the charge. Refused because the
///     market has been made reduce-only or the protocol paused: cancelled, free. Any other failure reverts and the order stays pending.
/// Only 5 and 6, and 2 across a jump, depend on the time of execution, and nobody but the executing is needed for any.
///
/// @dev The sequencer feed is not read at submission. Rule 1 is stronger: what was submitted while the sequencer was down
/// or before an outage never fills.
///
/// Errors that many share. Whatever changes something reverts with the clearing house's `Locked` in the middle of an
/// action of the protocol. Who acts for another's account without the right to trade, after its end, or beyond the
/// day's allowance of fees and keeper pay gets the clearing house's `NotAuthorized`, `OperatorExpired`,
/// `FeeAllowanceExceeded`. `setParameters` reverts with `AccessManagedUnauthorized` for a caller without the role; for
/// a call that must be scheduled with `AccessManagerNotScheduled`, `AccessManagerNotReady` or `AccessManagerExpired`.
/// What reads a price passes on the oracle's `InsufficientGas`.
interface IOrders {
    event OrderSubmitted(
        AccountId indexed account,
        uint256 indexed sequence,
        uint256 indexed asset,
        int256 delta,
        uint256 acceptablePrice,
        bool reduceOnly,
        uint256 expiry,
        uint256 boundary,
        uint256 phase,
        uint256 pay,
        uint256 charge
    );
    event BasketSubmitted(
        AccountId indexed account,
        uint256 indexed sequence,
        LegView[] legs,
        bool reduceOnly,
        uint256 expiry,
        uint256 boundary,
        uint256 pay,
        uint256 charge
    );
    /// @param settledAt Time of the settlement round, of a basket the latest. Prices are in the `Fill` of each leg.
    event OrderFilled(
        AccountId indexed account,
        uint256 indexed sequence,
        AccountId indexed payTo,
        uint256 settledAt,
        uint256 pay
    );
    event OrderCancelled(
        AccountId indexed account,
        uint256 indexed sequence,
        AccountId indexed payTo,
        Cause cause,
        uint256 forfeited,
        uint256 pay
    );
    event OrderRefunded(AccountId indexed account, uint256 indexed sequence, AccountId indexed payTo, uint256 pay);
    event TriggerSubmitted(
        AccountId indexed account,
        uint256 indexed sequence,
        uint256 indexed asset,
        int256 delta,
        uint256 triggerPrice,
        bool above,
        uint256 acceptablePrice,
        uint256 expiry
    );
    event TriggerCancelled(AccountId indexed account, uint256 indexed sequence);
    /// @param orderSequence Sequence of the order that it has become.
    event TriggerPoked(
        AccountId indexed account,
        uint256 indexed sequence,
        AccountId indexed payTo,
        uint256 orderSequence,
        uint256 price,
        uint256 pay
    );
    /// @notice An item of a batch failed; its order is as it was.
    event ItemFailed(AccountId indexed account, uint256 indexed sequence, bytes reason);
    event ParametersSet(OrderSettings settings);

    error UnknownOrder(AccountId account, uint256 sequence);
    error UnknownTrigger(AccountId account, uint256 sequence);
    error ZeroSize(uint256 asset);
    error ZeroTriggerPrice(uint256 asset);
    error DuplicateLeg(uint256 asset);
    error LegCount(uint256 count, uint256 maximum);
    error HintCount(uint256 count, uint256 needed);
    /// @notice The asset has never had an accepted price.
    error NoPrice(uint256 asset);
    error PriceNotLive(uint256 asset, Refusal refusal);
    error SequencerDown();
    error NotAbandoned(uint256 earliest, uint256 timestamp);
    error ExpiryOutOfRange(uint256 expiry, uint256 earliest, uint256 latest);
    error TriggerExpired(uint256 expiry, uint256 time);
    error ConditionNotMet(uint256 price, uint256 triggerPrice);
    error SignatureExpired(uint256 deadline, uint256 time);
    error InvalidSignature(address owner);
    error InsufficientGas(uint256 gas, uint256 minimum);
    error OnlySelf(address caller);
    error OutOfRange(bytes32 what, uint256 value, uint256 minimum, uint256 maximum);
    error NotAMultiple(bytes32 what, uint256 value, uint256 unit);

    // ---------------------------------------------------------------- submit

    /// @notice Submits a single order for an account of the caller, or one that it may trade for.
    /// Keeper pay for twice the current base fee and the cancel charge are escrowed; what is not used comes back when
    /// the order ends. Nobody can change or cancel a pending order.
    /// @dev The acceptable price is kept with 26 significant bits, rounded against a fill: a buy's down, a sell's up.
    /// The expiry is rounded down to 32 s after submission.
    /// Reverts with `ZeroSize`; `NoPrice`; `ExpiryOutOfRange` where no round could meet the expiry, or it is more than
    /// 16,352 s away; the errors of `IClearingHouse.openOrder`; `PackedFloatOverflow` for a sell's acceptable price
    /// above 619 million; `SafeCastOverflowedIntDowncast` for a size wider than 96 bits; `ChargeTooLarge` for a charge
    /// above 107,374 USD.
    function submit(AccountId account, OrderInput calldata input) external returns (uint256 sequence);

    /// @notice Submits legs that fill all or none. In place of acceptable prices a band holds for every leg: one limit on
    /// a leg would be an option on the others.
    /// @dev The middle of a leg's band is kept with 26 significant bits, rounded down. Reverts with `LegCount` and
    /// `DuplicateLeg`; and as `submit` with `ZeroSize`, `NoPrice`, `ExpiryOutOfRange`, the errors of
    /// `IClearingHouse.openOrder`, `SafeCastOverflowedIntDowncast` and `ChargeTooLarge`.
    /// @param legs One to eight, each of another asset.
    function submitBasket(
        AccountId account,
        LegInput[] calldata legs,
        bool reduceOnly,
        uint256 expiry
    ) external returns (uint256 sequence);

    /// @notice `submit` by anyone with the signature of the account's owner (EIP-712; ERC-1271 by static call).
    /// @dev Reverts with `SignatureExpired`; `InvalidSignature`; `InvalidAccountNonce` for any nonce but the next; and
    /// with the errors of `submit` by the owner.
    /// @param nonce Next nonce of the owner under the key in its upper 192 bits.
    /// @param deadline Last second at which it may be submitted.
    function submitSigned(
        AccountId account,
        OrderInput calldata input,
        uint256 nonce,
        uint256 deadline,
        bytes calldata signature
    ) external returns (uint256 sequence);

    /// @notice Voids what the caller has signed with the next nonce.
    /// @dev Reverts with `InvalidAccountNonce` for any other.
    /// @param nonce As of `submitSigned`; must be the next of its key.
    function useNonce(uint256 nonce) external;

    // ---------------------------------------------------------------- triggers

    /// @notice Leaves a trigger order, which locks nothing.
    /// @dev The trigger price is kept with 26 significant bits, rounded so that it does not fire early.
    /// Reverts with `ZeroTriggerPrice`; `ExpiryOutOfRange` for an expiry that is past or wider than 32 bits;
    /// `ZeroSize`; `NoPrice`; the errors of `IClearingHouse.reserveSequence`; `PackedFloatOverflow` for a trigger price
    /// to rise to, or a sell's acceptable price, above 619 million; `SafeCastOverflowedIntDowncast` for a size wider
    /// than 96 bits.
    function submitTrigger(AccountId account, TriggerInput calldata input) external returns (uint256 sequence);

    /// @notice Withdraws a resting trigger order, at any time.
    /// @dev Reverts with `UnknownTrigger` where none rests.
    function cancelTrigger(AccountId account, uint256 sequence) external;

    /// @notice Turns a trigger order whose condition holds at the latest live price into a pending reduce-only order that
    /// settles like any other submitted now. (A fill at the latest price would reopen front-running.)
    /// @dev Reverts with `UnknownTrigger`; the clearing house's `NothingToReduce` where the account has no position
    /// that the order would reduce; `TriggerExpired`; `SequencerDown`; `PriceNotLive`; `ConditionNotMet`; the errors of
    /// `IClearingHouse.openOrder`; `ChargeTooLarge`.
    /// @param payTo Receives the keeper pay for the poke at once.
    function poke(AccountId account, uint256 sequence, AccountId payTo) external returns (uint256 orderSequence);

    // ---------------------------------------------------------------- execute

    /// @notice Ends a pending order: fills, cancels or refunds it, by the rules above.
    /// @dev Reverts with `InsufficientGas` where less than 2,000,000 gas is left; `UnknownOrder`; `SequencerDown`;
    /// `HintCount`; the errors of `IOracle.settle` for a hint that proves nothing; and those of
    /// `IClearingHouse.executeOrder` that are no `Cause`, as `IncreaseRefused` for a guard other than a pause, or
    /// `StalePoolMark`.
    /// @param hints One for each leg, in the order of submission; none is read where rule 1 decides.
    /// @param payTo Receives the keeper pay, whatever the outcome: min(escrow, fixed + gas table·(base fee + tip)·native
    /// price). It depends on nothing that the executor chooses.
    function execute(
        AccountId account,
        uint256 sequence,
        RoundHint[] calldata hints,
        AccountId payTo
    ) external returns (Outcome outcome, Cause cause);

    /// @notice Ends an order eight days after its boundary without any proof: as one executed too late, with its charge
    /// forfeited. Only what cannot be proved (too many rounds at the boundary, a proxy that is gone) is left so long;
    /// without this it would keep the account's money for ever.
    /// @dev Reverts with `UnknownOrder` and `NotAbandoned`.
    function abandon(AccountId account, uint256 sequence, AccountId payTo) external;

    /// @notice Executes several orders. An item that fails is reported by `ItemFailed` and changes nothing.
    /// @dev Too little gas reverts the whole call, so that nobody can starve an item: `InsufficientGas` where less than
    /// 2,000,000 gas is left before one.
    function executeBatch(Execution[] calldata items, AccountId payTo) external;

    /// @notice An item of `executeBatch`; callable only by the contract itself.
    /// @dev Reverts with `OnlySelf` for any other caller; else with the errors of `execute`.
    function executeItem(Execution calldata item, AccountId payTo) external returns (Outcome outcome, Cause cause);

    // ---------------------------------------------------------------- governance

    /// @notice Sets all parameters, each within constant bounds. The delay of pending orders stays.
    /// @dev Reverts with `OutOfRange`, and `NotAMultiple` of the unit that `OrderSettings` names.
    function setParameters(OrderSettings calldata settings) external;

    // ---------------------------------------------------------------- views

    function parameters() external view returns (OrderSettings memory);
    function isPending(AccountId account, uint256 sequence) external view returns (bool);
    /// @dev Reverts with `UnknownOrder` for one that is not pending.
    function orderOf(AccountId account, uint256 sequence) external view returns (OrderView memory);
    /// @dev Reverts with `UnknownOrder` for one that is not pending, or is no basket.
    function basketOf(
        AccountId account,
        uint256 sequence
    ) external view returns (OrderView memory order, LegView[] memory legs);
    /// @dev Reverts with `UnknownTrigger` where none rests.
    function triggerOf(AccountId account, uint256 sequence) external view returns (TriggerView memory);

    /// @notice Keeper pay, WAD.
    /// @dev The escrow is rounded up to `ESCROW_UNIT`, the others are rounded down. Reverts where a product overflows.
    /// @param legs Legs of a basket; 0: a single order.
    /// @param baseFee Wei per gas. (A call outside a transaction may see a base fee of 0.)
    /// @param nativePrice USD per whole native token, WAD.
    /// @return escrow Taken at submission.
    /// @return execution Paid for a fill or cancellation, at most the escrow.
    /// @return refund Paid for a refund, at most the escrow.
    /// @return poke_ Paid for a poke, on top.
    function payFor(
        uint256 legs,
        uint256 baseFee,
        uint256 nativePrice
    ) external view returns (uint256 escrow, uint256 execution, uint256 refund, uint256 poke_);

    function clearingHouse() external view returns (IClearingHouse);
    function oracle() external view returns (IOracle);
}

/// @dev Legs that a basket may have.
uint256 constant MAX_LEGS = 8;
