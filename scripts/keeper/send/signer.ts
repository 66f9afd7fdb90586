/** Who signs: a key in memory, a key in an encrypted file, or a signer that keeps the key to itself. */
import { getAddress, Transaction, Wallet } from "ethers";

import { messageOf, PlimsollError } from "../../deploy/PlimsollError.ts";
import type { Endpoint } from "../rpc/endpoint.ts";

/** The signer does not sign, or signs something else. */
export class SignerError extends PlimsollError {}

/** EIP-1559. Wei and gas. */
export interface UnsignedTransaction {
  readonly chainId: bigint;
  readonly nonce: number;
  readonly to: string;
  readonly data: string;
  readonly value: bigint;
  readonly gasLimit: bigint;
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

export interface Signer {
  readonly address: string;
  /** The raw transaction. Throws a SignerError. */
  sign(transaction: UnsignedTransaction): Promise<string>;
}

/** @param key 0x and 64 hex digits. */
export function keySigner(key: string): Signer {
  return walletSigner(new Wallet(key));
}

/** Throws a SignerError for a file that is no keystore, or another password's. */
export async function keystoreSigner(json: string, password: string): Promise<Signer> {
  try {
    const wallet = await Wallet.fromEncryptedJson(json, password);
    return keySigner(wallet.privateKey);
  } catch (cause) {
    throw new SignerError("the keystore cannot be opened with this password", { cause });
  }
}

function walletSigner(wallet: Wallet): Signer {
  return {
    address: wallet.address,
    sign: async (transaction) => wallet.signTransaction({ type: 2, ...transaction }),
  };
}

/**
 * A signer that is asked by `eth_signTransaction`, as Web3Signer and clef are. What it sends back is compared with what
 * was asked: a signer that changes the call, the nonce or the fees is not trusted with the next one either.
 */
export function externalSigner(endpoint: Endpoint, account: string): Signer {
  const address = getAddress(account);
  return {
    address,
    sign: async (transaction) => {
      const { chainId, nonce, to, data, value, gasLimit, maxFeePerGas, maxPriorityFeePerGas } = transaction;
      const request = {
        from: address,
        to,
        data,
        value: quantity(value),
        nonce: quantity(BigInt(nonce)),
        gas: quantity(gasLimit),
        maxFeePerGas: quantity(maxFeePerGas),
        maxPriorityFeePerGas: quantity(maxPriorityFeePerGas),
        chainId: quantity(chainId),
      };
      let answer: unknown;
      try {
        answer = await endpoint.request("eth_signTransaction", [request]);
      } catch (cause) {
        throw new SignerError(`the signer does not sign: ${messageOf(cause)}`, { cause });
      }
      const raw = rawOf(answer);
      checkSigned(raw, transaction, address);
      return raw;
    },
  };
}

/** Some answer the raw transaction, others an object around it. */
function rawOf(answer: unknown): string {
  const raw = typeof answer === "object" && answer !== null ? (answer as { raw?: unknown }).raw : answer;
  if (typeof raw !== "string") throw new SignerError("the signer answers no transaction");
  return raw;
}

function checkSigned(raw: string, asked: UnsignedTransaction, address: string): void {
  let signed: Transaction;
  try {
    signed = Transaction.from(raw);
  } catch (cause) {
    throw new SignerError("the signer answers no transaction", { cause });
  }
  const pairs: readonly [string, unknown, unknown][] = [
    ["from", signed.from, address],
    ["type", signed.type, 2],
    ["chainId", signed.chainId, asked.chainId],
    ["nonce", signed.nonce, asked.nonce],
    ["to", signed.to, getAddress(asked.to)],
    ["value", signed.value, asked.value],
    ["data", signed.data, asked.data.toLowerCase()],
    ["gasLimit", signed.gasLimit, asked.gasLimit],
    ["maxFeePerGas", signed.maxFeePerGas, asked.maxFeePerGas],
    ["maxPriorityFeePerGas", signed.maxPriorityFeePerGas, asked.maxPriorityFeePerGas],
  ];
  for (const [name, is, should] of pairs) {
    if (is !== should) throw new SignerError(`the signer has signed ${name} ${String(is)}, not ${String(should)}`);
  }
}

/** Without leading zeros, as JSON-RPC wants it. */
function quantity(value: bigint): string {
  return `0x${value.toString(16)}`;
}
