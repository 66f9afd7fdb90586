/** What must be so before a keeper begins: the chain, the contracts, how they are linked, and the signer's balance. */
import { formatEther, getAddress, Interface, type JsonRpcApiProvider, type Provider, ZeroAddress } from "ethers";

import type { AddressBook } from "../deploy/addressBook.ts";
import { PlimsollError } from "../deploy/PlimsollError.ts";
import type { Built } from "../gov/artifacts.ts";
import { isBuiltAs, linksIn } from "./bytecode.ts";
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

export interface CheckContractsOptions {
  readonly provider: Provider;
  readonly book: AddressBook;
  /** What this tree builds, by the name of a contract, of a part or of a library. */
  readonly builtOf: (name: string) => Built;
}

/**
 * Throws a WrongContractsError unless at every address is the code that this tree builds, linked with the deployment's
 * libraries, and each contract points at the others; an EndpointsError before the block of the deployment.
 */
export async function checkContracts({ provider, book, builtOf }: CheckContractsOptions): Promise<void> {
  const { contracts, libraries, block } = book;
  const latest = await provider.getBlockNumber();
  // An endpoint that still catches up has no code there: no mistake of whoever has written the book.
  if (BigInt(latest) < block) {
    throw new EndpointsError(`the endpoints are at block ${latest}, the deployment began in ${String(block)}`);
  }
  const check = async ([name, address]: readonly [string, string]): Promise<void> => {
    const [code, built] = [await provider.getCode(address), builtOf(name)];
    if (code === "0x") throw new WrongContractsError(`no code of ${name} at ${address}`);
    if (!isBuiltAs(code, built)) {
      throw new WrongContractsError(`the code at ${address} is not that of ${name} as it is built here`);
    }
    for (const [library, linked] of linksIn(code, built)) {
      const meant = libraries[library] ?? ZeroAddress;
      if (linked !== getAddress(meant)) {
        throw new WrongContractsError(`${name} is linked with ${library} at ${linked}, the deployment says ${meant}`);
      }
    }
  };
  const deployed = Object.entries({ ...contracts, ...libraries, ...reportsOf(book) });
  await Promise.all(deployed.map(check));
  const extension = await addressIn(provider, { name: "oracle", address: contracts.oracle, link: "extension" });
  await check(["oracleExtension", extension]);
  await checkLinks(provider, book);
}

/** What settles by reports, where anything does. */
function reportsOf({ reportRelay, streamReports }: AddressBook): Readonly<Record<string, string>> {
  const parts = Object.entries({ reportRelay, streamReports });
  return Object.fromEntries(parts.filter(([, address]) => address !== ZeroAddress));
}

/** What each points at. Parts of the clearing house run on its storage, but with links of their own. */
const LINKS: Readonly<Record<string, readonly string[]>> = {
  clearingHouse: ["authority", "extension", "oracle", "orders", "pool", "insuranceFund", "vault"],
  extension: ["governance", "oracle", "orders", "pool", "insuranceFund", "vault"],
  governance: ["oracle", "orders", "pool", "insuranceFund", "vault"],
  oracle: ["authority"],
  orders: ["authority", "clearingHouse", "oracle"],
  pool: ["authority", "clearingHouse", "vault"],
  insuranceFund: ["authority", "clearingHouse"],
  vault: ["authority", "clearingHouse"],
  lens: ["clearingHouse"],
  governanceLens: ["clearingHouse"],
  oracleHealth: ["oracle"],
  reportRelay: ["clearingHouse", "orders", "reports"],
  streamReports: ["verifier"],
};

async function checkLinks(provider: Provider, book: AddressBook): Promise<void> {
  const { contracts, streamReports, verifier } = book;
  const deployed: Readonly<Record<string, string>> = { ...contracts, ...reportsOf(book) };
  const meant: Readonly<Record<string, string>> = { ...contracts, reports: streamReports, verifier };
  const links = Object.entries(LINKS).flatMap(([from, names]) => names.map((link) => ({ from, link })));
  await Promise.all(
    links.map(async ({ from, link }) => {
      const address = deployed[from];
      if (address === undefined) return;
      const [found, should] = [await addressIn(provider, { name: from, address, link }), meant[link] ?? ZeroAddress];
      if (found !== getAddress(should)) {
        throw new WrongContractsError(`${from}.${link} is ${found}, the deployment says ${should}`);
      }
    }),
  );
}

/** The address that a contract says under a name. */
async function addressIn(
  provider: Provider,
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
