// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {TestToken} from "./TestToken.sol";

/// @notice For tests: burns a share of every transfer, so that the receiver gets less than the sender named.
contract FeeOnTransferToken is TestToken {
    uint256 public feeBps;

    constructor(uint8 decimals_, uint256 feeBps_) TestToken("Fee on transfer", "FEE", decimals_) {
        feeBps = feeBps_;
    }

    /// @notice A token may be listed without a fee and switch it on later.
    function setFeeBps(uint256 feeBps_) external {
        feeBps = feeBps_;
    }

    function _update(address from, address to, uint256 amount) internal override {
        uint256 fee = from == address(0) || to == address(0) ? 0 : (amount * feeBps) / 10_000;
        super._update(from, to, amount - fee);
        if (fee != 0) super._update(from, address(0), fee);
    }
}

/// @notice For tests: refuses transfers from and to listed addresses, as USDC and USDT do.
contract BlacklistToken is TestToken {
    mapping(address account => bool) public isBlacklisted;

    error Blacklisted(address account);

    constructor(uint8 decimals_) TestToken("Blacklist", "BLK", decimals_) {}

    function setBlacklisted(address account, bool blacklisted) external {
        isBlacklisted[account] = blacklisted;
    }

    function _update(address from, address to, uint256 amount) internal override {
        require(!isBlacklisted[from], Blacklisted(from));
        require(!isBlacklisted[to], Blacklisted(to));
        super._update(from, to, amount);
    }
}

/// @notice For tests: calls out in the middle of a transfer, as a token with hooks can.
contract ReentrantToken is TestToken {
    address private target;
    bytes private data;
    bool private bubbles;

    /// @notice How often the call was made, and how the last one ended.
    uint256 public attempts;
    bool public lastSuccess;
    bytes public lastResult;

    constructor(uint8 decimals_) TestToken("Reentrant", "REE", decimals_) {}

    /// @notice Arms one call, made within the next `transfer` or `transferFrom`.
    /// @param bubbles_ A failed call reverts the transfer; otherwise it is only recorded.
    function arm(address target_, bytes calldata data_, bool bubbles_) external {
        target = target_;
        data = data_;
        bubbles = bubbles_;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        super.transfer(to, amount);
        _attack();
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        super.transferFrom(from, to, amount);
        _attack();
        return true;
    }

    function _attack() private {
        address target_ = target;
        if (target_ == address(0)) return;
        // Disarmed first: the attack must not recurse when the target moves this token again.
        target = address(0);
        ++attempts;
        (lastSuccess, lastResult) = target_.call(data);
        if (bubbles && !lastSuccess) {
            bytes memory reason = lastResult;
            assembly ("memory-safe") {
                revert(add(reason, 32), mload(reason))
            }
        }
    }
}

/// @notice For tests: its `transfer`, `transferFrom` and `approve` return nothing, as those of USDT.
/// @dev Not an ERC20 by type, since the signatures differ.
contract NoReturnToken {
    uint8 public immutable decimals;
    uint256 public totalSupply;
    mapping(address account => uint256) public balanceOf;
    mapping(address owner => mapping(address spender => uint256)) public allowance;

    error InsufficientBalance(address from, uint256 balance, uint256 amount);
    error InsufficientAllowance(address spender, uint256 allowed, uint256 amount);
    error AllowanceNotZero(uint256 allowed);

    event Transfer(address indexed from, address indexed to, uint256 amount);
    event Approval(address indexed owner, address indexed spender, uint256 amount);

    constructor(uint8 decimals_) {
        decimals = decimals_;
    }

    function name() external pure returns (string memory) {
        return "No return value";
    }

    function symbol() external pure returns (string memory) {
        return "NRV";
    }

    function mint(address to, uint256 amount) external {
        totalSupply += amount;
        balanceOf[to] += amount;
        emit Transfer(address(0), to, amount);
    }

    /// @dev An allowance changes only from or to zero, as that of USDT.
    function approve(address spender, uint256 amount) external {
        uint256 allowed = allowance[msg.sender][spender];
        require(amount == 0 || allowed == 0, AllowanceNotZero(allowed));
        allowance[msg.sender][spender] = amount;
        emit Approval(msg.sender, spender, amount);
    }

    function transfer(address to, uint256 amount) external {
        _transfer(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external {
        uint256 allowed = allowance[from][msg.sender];
        require(allowed >= amount, InsufficientAllowance(msg.sender, allowed, amount));
        if (allowed != type(uint256).max) allowance[from][msg.sender] = allowed - amount;
        _transfer(from, to, amount);
    }

    function _transfer(address from, address to, uint256 amount) private {
        uint256 balance = balanceOf[from];
        require(balance >= amount, InsufficientBalance(from, balance, amount));
        balanceOf[from] = balance - amount;
        balanceOf[to] += amount;
        emit Transfer(from, to, amount);
    }
}
