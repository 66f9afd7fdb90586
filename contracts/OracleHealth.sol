// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AggregatorV3Interface} from "@chainlink/contracts/src/v0.8/shared/interfaces/AggregatorV3Interface.sol";

import {
    EnvironmentReading,
    FeedReading,
    HaltReading,
    IOracleHealth,
    RoundReading,
    SourceReading
} from "./interfaces/IOracleHealth.sol";
import {Environment, FeedLimits, IPriceOracle, Proposal} from "./oracles/IPriceOracle.sol";
import {Conditions} from "./types/Conditions.sol";
import {FeedSessions} from "./types/FeedSessions.sol";
import {FeedKind} from "./types/FeedSource.sol";
import {Price} from "./types/Price.sol";

/// @title OracleHealth
contract OracleHealth is IOracleHealth {
    /// @dev In place of decimals: the feed says none.
    uint256 private constant NO_DECIMALS = 255;
    uint256 private constant WAD_DECIMALS = 18;
    /// @dev Of one call: more than any feed takes that the oracle can read.
    uint256 private constant CALL_GAS = 200_000;

    /// @inheritdoc IOracleHealth
    IPriceOracle public immutable oracle;

    constructor(IPriceOracle oracle_) {
        oracle = oracle_;
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IOracleHealth
    function health() external view returns (EnvironmentReading memory environment, FeedReading[] memory feeds) {
        uint256 count = oracle.assetCount();
        (Conditions conditions, Price[] memory prices) = oracle.peek((1 << count) - 1, true);
        feeds = new FeedReading[](count);
        for (uint256 asset = 0; asset < count; ++asset) feeds[asset] = _feed(asset, prices[asset]);
        environment = _environment(conditions);
    }

    /// @inheritdoc IOracleHealth
    function feed(uint256 asset) external view returns (FeedReading memory) {
        uint256 count = oracle.assetCount();
        require(asset < count, IPriceOracle.UnknownAsset(asset, count));
        (, Price[] memory prices) = oracle.peek(1 << asset, false);
        return _feed(asset, prices[0]);
    }

    function _environment(Conditions conditions) private view returns (EnvironmentReading memory) {
        Environment memory environment = oracle.environment();
        return
            EnvironmentReading({
                sequencer: environment.sequencer,
                up: conditions.sequencerUp(),
                settled: conditions.sequencerSettled(),
                upSince: conditions.upSince(),
                sequencerGrace: environment.sequencerGrace,
                pegHeld: conditions.pegHeld(),
                settlementPrice: conditions.settlementPrice(),
                pegLow: environment.pegLow,
                pegHigh: environment.pegHigh
            });
    }

    function _feed(uint256 asset, Price price) private view returns (FeedReading memory reading) {
        (reading.refusal, reading.settling, reading.dead) = (price.refusal(), price.settling(), price.dead());
        (reading.low, reading.high) = (price.low(), price.high());
        (reading.price, reading.round, reading.updatedAt, reading.checkedAt, reading.graceUntil, ) = oracle.stateOf(
            asset
        );
        reading.halt = _halt(asset);

        (address proxy, uint256 decimals, FeedLimits memory limits) = oracle.feedOf(asset);
        (FeedKind kind, address stream, uint256 window, uint256 sessions, uint256 changedAt) = oracle.sourceOf(asset);
        reading.source = _source(proxy, kind, decimals);
        reading.limits = limits;
        (reading.sessions, reading.open) = (sessions, FeedSessions.wrap(sessions).isOpen(block.timestamp));
        (reading.window, reading.changedAt) = (window, changedAt);
        // The oracle keeps a stream's decimals to itself; they are what it says, as its code never changes.
        if (stream != address(0)) reading.stream = _source(stream, FeedKind.Stream, _decimals(stream));

        Proposal memory proposal = oracle.proposalOf(asset);
        reading.proposal = proposal;
        if (proposal.proxy != address(0)) {
            reading.proposed = _source(proposal.proxy, proposal.kind, proposal.decimals);
        }
    }

    function _halt(uint256 asset) private view returns (HaltReading memory halt) {
        (, , , , , halt.halted) = oracle.stateOf(asset);
        (halt.candidate, halt.round, halt.since, halt.haltedAt, halt.vetoedUntil) = oracle.haltOf(asset);
    }

    // ---------------------------------------------------------------- feeds

    function _source(address source, FeedKind kind, uint256 decimals) private view returns (SourceReading memory) {
        return
            SourceReading({
                source: source,
                aggregator: _aggregator(source),
                kind: kind,
                decimals: decimals,
                currentDecimals: _decimals(source),
                latest: _latest(source, decimals)
            });
    }

    function _latest(address source, uint256 decimals) private view returns (RoundReading memory reading) {
        bytes memory data = _ask(source, AggregatorV3Interface.latestRoundData.selector, 5 * 32);
        if (data.length == 0) return reading;
        (uint256 round, int256 answer, uint256 startedAt, uint256 updatedAt) = abi.decode(
            data,
            (uint256, int256, uint256, uint256)
        );
        return
            RoundReading({
                readable: true,
                round: uint80(round),
                answer: answer,
                price: _toWadDown(answer, decimals),
                startedAt: startedAt,
                updatedAt: updatedAt
            });
    }

    function _toWadDown(int256 answer, uint256 decimals) private pure returns (uint256) {
        if (answer <= 0 || decimals > WAD_DECIMALS) return 0;
        uint256 scale = 10 ** (WAD_DECIMALS - decimals);
        uint256 positive = uint256(answer);
        return positive > type(uint256).max / scale ? 0 : positive * scale;
    }

    function _decimals(address source) private view returns (uint256) {
        bytes memory data = _ask(source, AggregatorV3Interface.decimals.selector, 32);
        return data.length == 0 ? NO_DECIMALS : abi.decode(data, (uint256));
    }

    /// @dev `aggregator()` of Chainlink's proxies.
    function _aggregator(address source) private view returns (address) {
        bytes memory data = _ask(source, bytes4(keccak256("aggregator()")), 32);
        return data.length == 0 ? address(0) : address(uint160(abi.decode(data, (uint256))));
    }

    /// @dev The answer, or nothing if the call fails or answers with less. Of limited gas, so that no feed keeps the others
    /// from being seen.
    function _ask(address source, bytes4 selector, uint256 length) private view returns (bytes memory) {
        (bool ok, bytes memory data) = source.staticcall{gas: CALL_GAS}(abi.encodeWithSelector(selector));
        return ok && data.length >= length ? data : new bytes(0);
    }
}
