/** Events that are asked for by their topics, where there are few of them. */
import type { Log } from "ethers";

import { PlimsollError } from "../../deploy/PlimsollError.ts";
import type { Contracts } from "../contracts.ts";

/** Blocks in one request; halved where an endpoint finds it too many. */
const RANGE = 50_000;

interface Query {
  readonly address: string;
  readonly topics: readonly (string | readonly string[])[];
  /** Blocks, both included. */
  readonly from: number;
  readonly to: number;
}

/** In the order of the chain. Throws a PlimsollError for a block whose events cannot be read. */
export async function readLogs({ provider }: Contracts, { address, topics, from, to }: Query): Promise<Log[]> {
  const found: Log[] = [];
  let range = RANGE;
  for (let start = from; start <= to;) {
    const end = Math.min(to, start + range - 1);
    try {
      const wanted = topics.map((topic) => (typeof topic === "string" ? topic : [...topic]));
      found.push(...(await provider.getLogs({ address, topics: wanted, fromBlock: start, toBlock: end })));
      start = end + 1;
    } catch (cause) {
      if (range === 1) throw new PlimsollError(`cannot read the events of block ${start}`, { cause });
      range = Math.ceil(range / 2);
    }
  }
  return found;
}
