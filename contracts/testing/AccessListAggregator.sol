// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AggregatorV2V3Interface} from "@chainlink/contracts/src/v0.8/shared/interfaces/AggregatorV2V3Interface.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// @notice For tests and local chains: the aggregator that stands behind a Chainlink proxy.
/// @dev Reads cost what they cost on a live chain: one slot for the latest round, one per round, one for the access list.
contract AccessListAggregator is AggregatorV2V3Interface, Ownable {
    struct Round {
        int192 answer;
        uint32 startedAt;
        uint32 updatedAt;
    }

    struct HotVars {
        uint32 latestRound;
    }

    uint8 public immutable override decimals;
    bool private immutable revertsOnMissing;
    // solhint-disable-next-line const-name-snakecase
    uint256 public constant override version = 4;
    string public override description;

    HotVars private hotVars;
    mapping(uint256 roundId => Round) private rounds;
    mapping(address reader => bool) private accessList;

    error NoAccess(address reader);
    error RoundIdZero();

    event AccessAdded(address indexed reader);

    /// @param revertsOnMissing_ An unknown round reverts with "No data present", as in a FluxAggregator;
    /// otherwise it reads as zeros, as in an OCR2 aggregator.
    constructor(uint8 decimals_, string memory description_, bool revertsOnMissing_) Ownable(msg.sender) {
        decimals = decimals_;
        description = description_;
        revertsOnMissing = revertsOnMissing_;
    }

    modifier checkAccess() {
        _checkAccess();
        _;
    }

    // ---------------------------------------------------------------- owner

    function addAccess(address reader) external onlyOwner {
        accessList[reader] = true;
        emit AccessAdded(reader);
    }

    /// @notice Writes the next round.
    function transmit(int192 answer, uint32 startedAt, uint32 updatedAt) external onlyOwner returns (uint32 roundId) {
        roundId = hotVars.latestRound + 1;
        _write(roundId, Round({answer: answer, startedAt: startedAt, updatedAt: updatedAt}));
    }

    /// @notice Writes any round: leaves a gap, or rewrites history. The latest round is the highest one written.
    function transmitAt(uint32 roundId, int192 answer, uint32 startedAt, uint32 updatedAt) external onlyOwner {
        require(roundId != 0, RoundIdZero());
        _write(roundId, Round({answer: answer, startedAt: startedAt, updatedAt: updatedAt}));
    }

    function _write(uint32 roundId, Round memory round) private {
        rounds[roundId] = round;
        if (roundId > hotVars.latestRound) hotVars.latestRound = roundId;
        emit NewRound({roundId: roundId, startedBy: msg.sender, startedAt: round.startedAt});
        emit AnswerUpdated({current: round.answer, roundId: roundId, updatedAt: round.updatedAt});
    }

    // ---------------------------------------------------------------- readers

    function hasAccess(address reader) public view returns (bool) {
        // Simulated calls may read, as in Chainlink's SimpleReadAccessController.
        // solhint-disable-next-line avoid-tx-origin
        return accessList[reader] || reader == tx.origin;
    }

    function getRoundData(
        uint80 roundId
    ) external view override checkAccess returns (uint80, int256, uint256, uint256, uint80) {
        return _read(roundId);
    }

    function latestRoundData() external view override checkAccess returns (uint80, int256, uint256, uint256, uint80) {
        return _read(hotVars.latestRound);
    }

    function latestAnswer() external view override checkAccess returns (int256) {
        return rounds[hotVars.latestRound].answer;
    }

    function latestTimestamp() external view override checkAccess returns (uint256) {
        return rounds[hotVars.latestRound].updatedAt;
    }

    function latestRound() external view override checkAccess returns (uint256) {
        return hotVars.latestRound;
    }

    function getAnswer(uint256 roundId) external view override checkAccess returns (int256) {
        return rounds[roundId].answer;
    }

    function getTimestamp(uint256 roundId) external view override checkAccess returns (uint256) {
        return rounds[roundId].updatedAt;
    }

    /// @dev An OCR2 aggregator answers an unknown round with its id and zeros, and an impossible id with zeros only.
    function _read(uint80 roundId) private view returns (uint80, int256, uint256, uint256, uint80) {
        Round memory round;
        if (roundId <= type(uint32).max) round = rounds[roundId];
        // The exact words of a FluxAggregator: code that matches on them is under test too.
        // solhint-disable-next-line gas-custom-errors
        if (revertsOnMissing) require(round.updatedAt != 0, "No data present");
        if (roundId > type(uint32).max) return (0, 0, 0, 0, 0);
        return (roundId, round.answer, round.startedAt, round.updatedAt, roundId);
    }

    function _checkAccess() private view {
        require(hasAccess(msg.sender), NoAccess(msg.sender));
    }
}
