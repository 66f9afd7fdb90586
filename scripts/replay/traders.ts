/** The traders: each signs and sends its own transactions, in the order of their nonces. */
import {
  type BaseContract,
  type ContractTransaction,
  type HDNodeWallet,
  Interface,
  type JsonRpcProvider,
  MaxUint256,
  parseUnits,
} from "ethers";

import { BASE_FEE } from "./chain.ts";
import { accountId, type Protocol, SETTLEMENT } from "./protocol.ts";
import { type Action, KINDS, type TokenName, type TraderPlan, TRADERS } from "./scenario.ts";
import { FIRST_TRADER, walletAt } from "./wallets.ts";

const GAS_LIMIT = 3_000_000n;
const RIGHT_TRADE = 1n;
const OPERATOR_TIME = 7 * 86_400;
const ALLOWANCE_UNITS = 10n ** 6n;

export interface Trader {
  readonly plan: TraderPlan;
  readonly wallet: HDNodeWallet;
  readonly operator: HDNodeWallet | undefined;
  readonly account: string;
}

export interface RejectedAction {
  readonly trader: string;
  readonly time: number;
  readonly action: string;
  readonly reason: string;
}

/** Gives each plan an account, and an owner of its own unless it is somebody's sub-account. */
export function enlist(perKind: number | undefined): readonly Trader[] {
  const plans = KINDS.flatMap((kind) => TRADERS.filter((plan) => plan.kind === kind).slice(0, perKind));
  const known = new Set(plans.map(({ name }) => name));
  let next = FIRST_TRADER;
  const traders = new Map<string, Trader>();
  for (const plan of plans) {
    const owner = plan.subAccountOf === undefined ? undefined : traders.get(plan.subAccountOf);
    if (plan.subAccountOf !== undefined && known.has(plan.subAccountOf) && owner === undefined) {
      throw new Error(`${plan.name} comes before its owner's account`);
    }
    const wallet = owner?.wallet ?? walletAt(next++);
    const operator = plan.operatorAllowance === undefined ? undefined : walletAt(next++);
    const account = accountId(wallet.address, owner === undefined ? 0n : 1n);
    traders.set(plan.name, { plan, wallet, operator, account });
  }
  return [...traders.values()];
}

/** Signs and sends at once, without asking the chain for anything: the nonces are its own. */
export class Sender {
  readonly #provider: JsonRpcProvider;
  readonly #nonces = new Map<string, number>();

  constructor(provider: JsonRpcProvider) {
    this.#provider = provider;
  }

  /** Returns the hash. */
  async send(wallet: HDNodeWallet, transaction: ContractTransaction): Promise<string> {
    const nonce = this.#nonces.get(wallet.address) ?? (await this.#provider.getTransactionCount(wallet.address));
    this.#nonces.set(wallet.address, nonce + 1);
    const signed = await wallet.signTransaction({
      type: 2,
      chainId: 31_337,
      to: transaction.to,
      data: transaction.data,
      value: transaction.value ?? 0n,
      nonce,
      gasLimit: GAS_LIMIT,
      maxFeePerGas: 10n * BASE_FEE,
      maxPriorityFeePerGas: 0n,
    });
    const hash: unknown = await this.#provider.send("eth_sendRawTransaction", [signed]);
    return String(hash);
  }
}

/** Tokens, approvals and operators, before anything is deposited. */
export async function prepare(
  { plan, wallet, operator, account }: Trader,
  { protocol, sender, time }: { protocol: Protocol; sender: Sender; time: number },
): Promise<void> {
  const { usdc, weth, wbtc, vault, clearingHouse } = protocol;
  const needs = new Map<TokenName, bigint>();
  const later = plan.actions.filter((action) => action.do === "deposit");
  for (const { token, amount } of [...plan.deposits, ...later]) {
    needs.set(token, (needs.get(token) ?? 0n) + unitsOf(token, amount));
  }
  for (const [token, amount] of needs) {
    if (token === "WETH") await sender.send(wallet, await weth.deposit.populateTransaction({ value: amount }));
    else {
      const contract = token === "USDC" ? usdc : wbtc;
      await sender.send(wallet, await contract.mint.populateTransaction(wallet.address, amount));
    }
    const contract = { USDC: usdc, WETH: weth, WBTC: wbtc }[token];
    await sender.send(wallet, await contract.approve.populateTransaction(vault, MaxUint256));
  }
  if (operator !== undefined) {
    const allowance = BigInt(plan.operatorAllowance ?? 0) * ALLOWANCE_UNITS;
    const grant = clearingHouse.setOperator;
    const until = time + OPERATOR_TIME;
    await sender.send(
      wallet,
      await grant.populateTransaction(account, operator.address, RIGHT_TRADE, until, allowance),
    );
  }
}

export async function transactionOf(
  { wallet, account }: Trader,
  action: Action | { readonly do: "deposit"; readonly token: TokenName; readonly amount: string },
  { vault, orders, clearingHouse, assets }: Protocol,
): Promise<ContractTransaction> {
  const assetOf = (market: string): number => assets.get(market) ?? Number.NaN;
  switch (action.do) {
    case "order":
      return orders.submit.populateTransaction(account, {
        asset: assetOf(action.market),
        delta: parseUnits(action.size, 18),
        acceptablePrice: parseUnits(action.acceptable ?? "0", 18),
        reduceOnly: action.reduceOnly ?? false,
        expiry: 0,
      });
    case "basket":
      return orders.submitBasket.populateTransaction(
        account,
        action.legs.map(({ market, size }) => ({ asset: assetOf(market), delta: parseUnits(size, 18) })),
        action.reduceOnly ?? false,
        0,
      );
    case "trigger":
      return orders.submitTrigger.populateTransaction(account, {
        asset: assetOf(action.market),
        delta: parseUnits(action.size, 18),
        triggerPrice: parseUnits(action.price, 18),
        above: action.above,
        acceptablePrice: 0,
        expiry: 0,
      });
    case "deposit":
      return vault.deposit.populateTransaction(account, tokenOf(action.token), unitsOf(action.token, action.amount));
    case "withdraw":
      return vault.withdraw.populateTransaction(
        account,
        tokenOf(action.token),
        unitsOf(action.token, action.amount),
        wallet.address,
      );
    case "transfer":
      return clearingHouse.transfer.populateTransaction(
        account,
        accountId(wallet.address, action.toSub),
        tokenOf(action.token),
        parseUnits(action.amount, 18),
      );
  }
}

/** Why a transaction reverts, as the contracts name it. */
export function reasonOf(error: unknown, contracts: readonly BaseContract[]): string {
  const data = revertDataOf(error);
  if (data === undefined) return error instanceof Error ? error.message : String(error);
  for (const { interface: fragments } of contracts) {
    const parsed = new Interface(fragments.fragments).parseError(data);
    if (parsed !== null) return `${parsed.name}(${parsed.args.map(String).join(", ")})`;
  }
  return data;
}

function revertDataOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("data" in error)) return undefined;
  return typeof error.data === "string" ? error.data : undefined;
}

function tokenOf(token: TokenName): number {
  return { USDC: SETTLEMENT, WETH: 0, WBTC: 1 }[token];
}

function unitsOf(token: TokenName, amount: string): bigint {
  return parseUnits(amount, { USDC: 6, WETH: 18, WBTC: 8 }[token]);
}
