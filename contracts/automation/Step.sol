// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Reduction, Sale} from "../interfaces/IClearingHouse.sol";
import {RoundHint} from "../interfaces/IOracle.sol";
import {AccountId} from "../types/AccountId.sol";

/// @dev Seized collateral is bought at a discount of 1 %: a tenth of six hours after the last of it came.
uint256 constant BARGAIN_AGE = 36 minutes;

/// @notice All that an upkeep can do: what anyone may do at the protocol, and its own register.
enum Verb {
    Watch, // takes an account into the register, or trigger orders of it (words: their sequences)
    Forget, // takes an account out of it
    Update, // number: bitmap of assets
    Advance, // number: asset; words: rounds
    Execute, // number: sequence; words: a hint for each leg
    Abandon, // number: sequence
    Poke, // number: sequence
    Liquidate, // number: how many of the words are reductions; the others are sales
    Convert, // words: sales
    FlagInsolvent,
    ClearInsolvency,
    Seize,
    SettleDeficit,
    MarkPool,
    Fulfill, // number: last batch
    FlagDeleveraging, // number: asset
    Deleverage, // number: asset; words: the hint
    CloseMarket, // number: asset; words: the hint
    CutProfits,
    WatchSource, // number: asset
    Realise,
    BuySeized, // words: the sale
    WriteOff // number: token
}

/// @notice One thing to do.
/// @param account Zero for what is done to no account.
/// @param number Below 2^96.
/// @param words At most 255, each below 2^160: hints, reductions, sales, rounds or sequences.
struct Step {
    Verb verb;
    AccountId account;
    uint256 number;
    uint256[] words;
}

/// @title Steps
/// @notice Steps as bytes: verb 1 | words 1 | number 12 | account 32 | 20 for each word. A registry limits the data of a
/// perform to one or two thousand bytes, and rollups charge for each of them: ABI encoding takes five times as much.
library Steps {
    uint256 internal constant HEADER_BYTES = 46;
    uint256 internal constant WORD_BYTES = 20;

    /// @notice The data ends in the middle of a step, or names a verb that there is not.
    error MalformedSteps(uint256 length);
    error NumberTooLarge(uint256 number);
    error TooManyWords(uint256 count);

    // ---------------------------------------------------------------- bytes

    /// @notice Bytes that a step takes.
    function size(Step memory step) internal pure returns (uint256) {
        return HEADER_BYTES + step.words.length * WORD_BYTES;
    }

    function encode(Step memory step) internal pure returns (bytes memory data) {
        require(step.number <= type(uint96).max, NumberTooLarge(step.number));
        uint256 count = step.words.length;
        require(count <= type(uint8).max, TooManyWords(count));
        data = abi.encodePacked(step.verb, uint8(count), uint96(step.number), step.account);
        for (uint256 i = 0; i < count; ++i) {
            require(step.words[i] <= type(uint160).max, NumberTooLarge(step.words[i]));
            data = abi.encodePacked(data, uint160(step.words[i]));
        }
    }

    /// @notice The step that begins at `start`, and where the next one does.
    function decode(bytes calldata data, uint256 start) internal pure returns (Step memory step, uint256 end) {
        end = start + HEADER_BYTES;
        require(end <= data.length, MalformedSteps(data.length));
        require(uint8(data[start]) <= uint8(type(Verb).max), MalformedSteps(data.length));
        step.verb = Verb(uint8(data[start]));
        uint256 count = uint8(data[start + 1]);
        step.number = uint96(bytes12(data[start + 2:start + 14]));
        step.account = AccountId.wrap(bytes32(data[start + 14:end]));
        step.words = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            start = end;
            end += WORD_BYTES;
            require(end <= data.length, MalformedSteps(data.length));
            step.words[i] = uint160(bytes20(data[start:end]));
        }
    }

    // ---------------------------------------------------------------- words

    function fromHint(RoundHint memory hint) internal pure returns (uint256) {
        return (uint256(hint.round) << 80) | hint.before;
    }

    function toHint(uint256 word) internal pure returns (RoundHint memory) {
        return RoundHint({round: uint80(word >> 80), before: uint80(word)});
    }

    function toHints(uint256[] memory words) internal pure returns (RoundHint[] memory hints) {
        hints = new RoundHint[](words.length);
        for (uint256 i = 0; i < words.length; ++i) hints[i] = toHint(words[i]);
    }

    /// @dev Sizes and amounts have at most 128 bits in the books.
    function fromReduction(Reduction memory reduction) internal pure returns (uint256) {
        return (reduction.asset << 128) | uint128(int128(reduction.delta));
    }

    function toReduction(uint256 word) internal pure returns (Reduction memory) {
        return Reduction({asset: word >> 128, delta: int128(uint128(word))});
    }

    function fromSale(Sale memory sale) internal pure returns (uint256) {
        return (sale.token << 128) | uint128(sale.amount);
    }

    function toSale(uint256 word) internal pure returns (Sale memory) {
        return Sale({token: word >> 128, amount: uint128(word)});
    }

    function toSales(uint256[] memory words, uint256 from) internal pure returns (Sale[] memory sales) {
        sales = new Sale[](words.length - from);
        for (uint256 i = 0; i < sales.length; ++i) sales[i] = toSale(words[from + i]);
    }

    function toReductions(uint256[] memory words, uint256 count) internal pure returns (Reduction[] memory reductions) {
        reductions = new Reduction[](count);
        for (uint256 i = 0; i < count; ++i) reductions[i] = toReduction(words[i]);
    }

    function toRounds(uint256[] memory words) internal pure returns (uint80[] memory rounds) {
        rounds = new uint80[](words.length);
        for (uint256 i = 0; i < words.length; ++i) rounds[i] = uint80(words[i]);
    }
}
