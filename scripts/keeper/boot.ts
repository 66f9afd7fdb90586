/** What must be so before a keeper begins: the chain, the contracts, how they are linked, and the signer's balance. */
import { formatEther, getAddress, Interface, type JsonRpcApiProvider, ZeroAddress } from "ethers";

import type { AddressBook } from "../deploy/addressBook.ts";
import { PlimsollError } from "../deploy/PlimsollError.ts";
import { EndpointsError } from "./rpc/Endpoints.ts";
import type { Endpoint } from "./rpc/endpoint.ts";

/** An endpoint is on another chain than the deployment. */
export class WrongChainError extends PlimsollError {}

/** An address of the deployment has no code, other code, or points elsewhere. */
export class WrongContractsError extends PlimsollError {}

/** The signer cannot pay for gas. */
export class FundsError extends PlimsollError {}

/** Asks every endpoint: one that does not answer is left to `Endpoints`, one on another chain is a mistake. */
export async function checkChain(endpoints: readonly Endpoint[], chainId: bigint): Promise<void> {
  let failure: unknown;
  let answered = 0;
  await Promise.all(
    endpoints.map(async (endpoint) => {
      let answer: unknown;
      try {
        answer = await endpoint.request("eth_chainId", []);
      } catch (error) {
        failure = error;
        return;
      }
      answered += 1;
      if (typeof answer !== "string" || !/^0x[0-9a-fA-F]+$/.test(answer)) {
        throw new WrongChainError(`${endpoint.name} names no chain`);
      }
      if (BigInt(answer) !== chainId) {
        throw new WrongChainError(
          `${endpoint.name} is on chain ${String(BigInt(answer))}, the deployment is on ${String(chainId)}`,
        );
      }
    }),
  );
  if (answered === 0) throw new EndpointsError("no endpoint answers", { cause: failure });
}

/** Contracts by what the keeper calls there: the functions whose selectors their code must have. */
export type Selectors = Readonly<Record<string, readonly string[]>>;

export interface CheckContractsOptions {
  readonly provider: JsonRpcApiProvider;
  readonly book: AddressBook;
  /** By name of the address book. */
  readonly selectors: Selectors;
}

/** Throws a WrongContractsError unless code of this protocol is at every address, and each points at the others. */
export async function checkContracts({ provider, book, selectors }: CheckContractsOptions): Promise<void> {
  const { contracts, reportRelay, streamReports } = book;
  const named: [string, string][] = Object.entries(contracts);
  for (const [name, address] of Object.entries({ reportRelay, streamReports })) {
    if (address !== ZeroAddress) named.push([name, address]);
  }
  const codes = new Map(
    await Promise.all(named.map(async ([name, address]) => [name, await provider.getCode(address)] as const)),
  );
  for (const [name, address] of named) {
    const code = codes.get(name) ?? "0x";
    if (code === "0x") throw new WrongContractsError(`no code of ${name} at ${address}`);
    const all = code + (await codeBehind(provider, name, address));
    const missing = (selectors[name] ?? []).find((selector) => !all.includes(trimmed(selector)));
    if (missing !== undefined) {
      throw new WrongContractsError(`the code at ${address} is not that of ${name}: it has no ${missing}`);
    }
  }
  await checkLinks(provider, contracts);
}

/** Hand what they do not know to code of another address, and that to the next. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  clearingHouse: ["extension", "governance"],
  oracle: ["extension"],
};

/** Each link is asked of the part before: the whole answers to it only if the code is right. */
async function codeBehind(provider: JsonRpcApiProvider, name: string, address: string): Promise<string> {
  let [codes, at] = ["", address];
  for (const link of PARTS[name] ?? []) {
    at = await addressIn(provider, { name, address: at, link });
    codes += await provider.getCode(at);
  }
  return codes;
}

/** As it stands in code: pushed without its leading zeros. */
function trimmed(selector: string): string {
  return selector.replace(/^0x(00)*/, "").toLowerCase();
}

const LINKS: readonly (readonly [keyof AddressBook["contracts"], string, keyof AddressBook["contracts"]])[] = [
  ["orders", "clearingHouse", "clearingHouse"],
  ["orders", "oracle", "oracle"],
  ["pool", "clearingHouse", "clearingHouse"],
  ["insuranceFund", "clearingHouse", "clearingHouse"],
  ["lens", "clearingHouse", "clearingHouse"],
  ["vault", "clearingHouse", "clearingHouse"],
  ["clearingHouse", "oracle", "oracle"],
  ["clearingHouse", "orders", "orders"],
  ["clearingHouse", "pool", "pool"],
  ["clearingHouse", "insuranceFund", "insuranceFund"],
  ["clearingHouse", "vault", "vault"],
  ["clearingHouse", "extension", "extension"],
  ["extension", "governance", "governance"],
];

async function checkLinks(provider: JsonRpcApiProvider, contracts: AddressBook["contracts"]): Promise<void> {
  await Promise.all(
    LINKS.map(async ([from, link, to]) => {
      const found = await addressIn(provider, { name: from, address: contracts[from], link });
      if (found !== getAddress(contracts[to])) {
        throw new WrongContractsError(`${from}.${link} is ${found}, the deployment says ${contracts[to]}`);
      }
    }),
  );
}

/** The address that a contract says under a name. */
async function addressIn(
  provider: JsonRpcApiProvider,
  { name, address, link }: { name: string; address: string; link: string },
): Promise<string> {
  const getter = new Interface([`function ${link}() view returns (address)`]);
  try {
    const answer = await provider.call({ to: address, data: getter.encodeFunctionData(link) });
    return getAddress(String(getter.decodeFunctionResult(link, answer)[0]));
  } catch (cause) {
    if (cause instanceof EndpointsError) throw cause;
    throw new WrongContractsError(`${name} at ${address} does not answer ${link}()`, { cause });
  }
}

/** @returns Wei. Throws a FundsError for less than `minBalance`, or nothing. */
export async function checkFunds(
  provider: JsonRpcApiProvider,
  { address, minBalance }: { address: string; minBalance: bigint },
): Promise<bigint> {
  const balance = await provider.getBalance(address);
  if (balance < minBalance || balance === 0n) {
    const [has, needs] = [balance, minBalance].map((wei) => formatEther(wei));
    throw new FundsError(`the signer ${address} has ${String(has)}, --min-balance is ${String(needs)}`);
  }
  return balance;
}
