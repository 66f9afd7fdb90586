// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice A Chainlink proxy and all its aggregators in one: cheap, and free to misbehave. An unknown round reads as
/// zeros, as in OCR2.
contract PhasedFeed {
    struct Round {
        int128 answer;
        uint64 startedAt;
        uint64 updatedAt;
    }

    uint256 private constant PHASE_OFFSET = 64;

    uint8 public immutable decimals;
    uint16 public phase = 1;
    /// @notice Number of rounds of each phase.
    mapping(uint256 phase => uint64) public count;
    mapping(uint80 id => Round) private _rounds;

    constructor(uint8 decimals_) {
        decimals = decimals_;
    }

    function push(int256 answer, uint256 startedAt, uint256 updatedAt) external returns (uint80 id) {
        id = idOf(phase, ++count[phase]);
        _rounds[id] = Round(int128(answer), uint64(startedAt), uint64(updatedAt));
    }

    /// @notice The proxy has a new aggregator; until its first round the feed answers nothing.
    function switchPhase() external {
        ++phase;
    }

    function latestId() public view returns (uint80) {
        return idOf(phase, count[phase]);
    }

    function idOf(uint256 phase_, uint256 round) public pure returns (uint80) {
        return uint80((phase_ << PHASE_OFFSET) | round);
    }

    function getRoundData(uint80 id) external view returns (uint80, int256, uint256, uint256, uint80) {
        return _read(id);
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return _read(latestId());
    }

    function _read(uint80 id) private view returns (uint80, int256, uint256, uint256, uint80) {
        Round memory round = _rounds[id];
        return (id, round.answer, round.startedAt, round.updatedAt, id);
    }
}
