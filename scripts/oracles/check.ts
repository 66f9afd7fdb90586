/** Asks the feeds and tokens that a parameter file names, whether anything is deployed or not. */
import { Contract, type Provider, ZeroAddress } from "ethers";

import { type Feed, feedsBehind, LOCAL, type Parameters } from "../deploy/parameters.ts";
import { UPTIME_DESCRIPTION } from "../deploy/places.ts";
import { renderTable } from "../replay/table.ts";
import { latestBlock } from "./reading.ts";
import { ageOf, answerOf, durationOf, phaseOf, timeOf } from "./words.ts";

/** What stands at an address of the file. */
export interface Checked {
  readonly name: string;
  readonly address: string;
  /** As it describes itself; undefined if it does not. */
  readonly description: string | undefined;
  readonly decimals: bigint | undefined;
  /** Of a feed. */
  readonly aggregator: string | undefined;
  readonly latest: { readonly round: bigint; readonly answer: bigint; readonly updatedAt: bigint } | undefined;
  readonly heartbeat: bigint | undefined;
  /** What differs from the file. */
  readonly faults: readonly string[];
}

export interface CheckReading {
  readonly file: string;
  readonly chainId: bigint;
  readonly block: bigint;
  readonly time: bigint;
  readonly rows: readonly Checked[];
}

/** Throws a WrongChainError for another chain than the file's. */
export async function checkParameters(provider: Provider, parameters: Parameters): Promise<CheckReading> {
  const { file, chainId, assets, environment, verifier, settlement, collaterals } = parameters;
  const { block, time } = await latestBlock(provider, chainId, file);
  const ask = askerOf(provider, Number(block));
  const feeds = [...new Set(assets.flatMap(({ source }) => feedsBehind(source)))];
  const rows = [
    ...feeds.map(async (feed) => checkFeed(ask, feed, time)),
    ...(environment.sequencer === "none" ? [] : [checkSequencer(ask, environment.sequencer, time)]),
    ...(verifier === "none" ? [] : [checkVerifier(ask, verifier)]),
    ...assets.flatMap(({ symbol, source }) =>
      source.kind === "share" ? [checkVault(ask, `${symbol} vault`, source.vault)] : [],
    ),
    ...[settlement, ...collaterals].map(async (token) =>
      checkToken(ask, { name: `${token.symbol} token`, address: token.address, decimals: token.decimals }),
    ),
  ];
  return { file, chainId, block, time, rows: await Promise.all(rows) };
}

/** Calls a view; undefined if it cannot be called. */
type Ask = (address: string, signature: string, ...args: unknown[]) => Promise<unknown>;

function askerOf(provider: Provider, blockTag: number): Ask {
  return async (address, signature, ...args) => {
    if (address === LOCAL) return undefined;
    const contract = new Contract(address, [`function ${signature}`], provider);
    try {
      const view = contract.getFunction(signature.slice(0, signature.indexOf("(")));
      const answer: unknown = await view.staticCall(...args, { blockTag });
      return answer;
    } catch (error) {
      // Of the endpoint: not an answer of the contract.
      if (isUnanswered(error)) throw error;
      return undefined;
    }
  };
}

function isUnanswered(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return code !== "CALL_EXCEPTION" && code !== "BAD_DATA";
}

async function checkFeed(ask: Ask, feed: Feed, now: bigint): Promise<Checked> {
  const row = await readFeed(ask, feed.name, feed.proxy);
  const { description, decimals, latest } = row;
  const faults = [
    ...describe("describes itself", feed.description, description),
    ...decimalFaults(feed.decimals, decimals),
  ];
  if (latest === undefined || latest.updatedAt === 0n) faults.push("has no round");
  else {
    if (latest.answer <= 0n) faults.push(`answers ${String(latest.answer)}`);
    if (latest.updatedAt > now) faults.push(`has a round of ${timeOf(latest.updatedAt)}, which is to come`);
    else if (now - latest.updatedAt > feed.maxAge) {
      faults.push(`is ${ageOf(latest.updatedAt, now)} old, heartbeat and margin are ${durationOf(feed.maxAge)}`);
    }
  }
  return { ...row, heartbeat: feed.heartbeat, faults };
}

async function checkSequencer(ask: Ask, address: string, now: bigint): Promise<Checked> {
  const row = await readFeed(ask, "sequencer", address);
  const faults = [
    ...describe("describes itself", UPTIME_DESCRIPTION, row.description),
    ...decimalFaults(0n, row.decimals),
  ];
  if (row.latest === undefined || row.latest.updatedAt === 0n) faults.push("has no round");
  else if (row.latest.answer !== 0n)
    faults.push(`says that the sequencer is down, for ${ageOf(row.latest.updatedAt, now)}`);
  return { ...row, heartbeat: undefined, faults };
}

async function readFeed(ask: Ask, name: string, address: string): Promise<Omit<Checked, "heartbeat" | "faults">> {
  const [description, decimals, aggregator, round] = await Promise.all([
    ask(address, "description() view returns (string)"),
    ask(address, "decimals() view returns (uint8)"),
    ask(address, "aggregator() view returns (address)"),
    ask(
      address,
      "latestRoundData() view returns (uint80 round, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 inRound)",
    ),
  ]);
  const [id = 0n, answer = 0n, , updatedAt = 0n] = (round as readonly bigint[] | undefined) ?? [];
  return {
    name,
    address,
    description: description as string | undefined,
    decimals: decimals as bigint | undefined,
    aggregator: aggregator === ZeroAddress ? undefined : (aggregator as string | undefined),
    latest: round === undefined ? undefined : { round: id, answer, updatedAt },
  };
}

const VERIFIER = "VerifierProxy";

async function checkVerifier(ask: Ask, address: string): Promise<Checked> {
  const says = (await ask(address, "typeAndVersion() view returns (string)")) as string | undefined;
  const faults = says?.startsWith(`${VERIFIER} `) === true ? [] : describe("is", VERIFIER, says);
  return { ...PLAIN, name: "verifier", address, description: says, faults };
}

async function checkVault(ask: Ask, name: string, address: string): Promise<Checked> {
  const places = (await ask(address, "decimals() view returns (uint8)")) as bigint | undefined;
  const one = 10n ** (places ?? 0n);
  const assets = (await ask(address, "convertToAssets(uint256) view returns (uint256)", one)) as bigint | undefined;
  const faults = assets === undefined || assets === 0n ? ["says no rate of its shares"] : [];
  return { ...PLAIN, name, address, description: await nameOf(ask, address), decimals: places, faults };
}

async function checkToken(
  ask: Ask,
  { name, address, decimals }: { name: string; address: string; decimals: bigint },
): Promise<Checked> {
  const has = (await ask(address, "decimals() view returns (uint8)")) as bigint | undefined;
  const faults = decimalFaults(decimals, has);
  return { ...PLAIN, name, address, description: await nameOf(ask, address), decimals: has, faults };
}

const PLAIN = {
  description: undefined,
  decimals: undefined,
  aggregator: undefined,
  latest: undefined,
  heartbeat: undefined,
};

async function nameOf(ask: Ask, address: string): Promise<string | undefined> {
  return (await ask(address, "symbol() view returns (string)")) as string | undefined;
}

function describe(verb: string, expected: string, actual: string | undefined): string[] {
  if (actual === expected) return [];
  return [actual === undefined ? `is not there, or not ${expected}` : `${verb} "${actual}", not "${expected}"`];
}

function decimalFaults(expected: bigint, actual: bigint | undefined): string[] {
  if (actual === expected) return [];
  return [`has ${actual === undefined ? "no" : String(actual)} decimals, not ${String(expected)}`];
}

/** Lines of what differs, with their names. */
export function faultsOf({ rows }: CheckReading): string[] {
  return rows.flatMap(({ name, address, faults }) => faults.map((fault) => `${name} (${address}) ${fault}`));
}

export function renderCheck(reading: CheckReading): string {
  const faults = faultsOf(reading);
  const { rows, time } = reading;
  const table = renderTable(
    [
      { title: "what", align: "left" },
      { title: "address", align: "left" },
      { title: "describes itself", align: "left" },
      { title: "decimals", align: "right" },
      { title: "aggregator", align: "left" },
      { title: "phase", align: "right" },
      { title: "answer", align: "right" },
      { title: "age", align: "right" },
      { title: "heartbeat", align: "right" },
      { title: "", align: "left" },
    ],
    rows.map(({ name, address, description, decimals, aggregator, latest, heartbeat, faults: wrong }) => [
      name,
      address,
      description ?? "-",
      decimals === undefined ? "-" : String(decimals),
      aggregator ?? "-",
      latest === undefined ? "-" : phaseOf(latest.round)[0],
      latest === undefined || decimals === undefined ? "-" : answerOf(latest.answer, decimals),
      latest === undefined ? "-" : ageOf(latest.updatedAt, time),
      heartbeat === undefined ? "-" : durationOf(heartbeat),
      wrong.length === 0 ? "" : "✗",
    ]),
  );
  const verdict =
    faults.length === 0
      ? "as the file says"
      : ["NOT AS THE FILE SAYS", ...faults.map((fault) => `  ${fault}`)].join("\n");
  const header = `${reading.file} at block ${String(reading.block)} of chain ${String(reading.chainId)}, ${timeOf(time)}`;
  return [header, table, verdict].join("\n\n");
}

/** One JSON object. */
export function checkToJson(reading: CheckReading): string {
  const faults = faultsOf(reading);
  const report = { healthy: faults.length === 0, faults, ...reading };
  return JSON.stringify(report, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value), 2);
}
