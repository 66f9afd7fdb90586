/** `npm run lab -- replay`. */
import type { Parameters } from "../../deploy/parameters.ts";
import { isoTime } from "../../replay/report.ts";
import { loadPrices } from "../data/prices.ts";
import { roundsOf } from "../data/synthetic.ts";
import { hashParameters, readCommit } from "../output/provenance.ts";
import type { Report } from "../output/report.ts";
import type { Shell } from "../shell.ts";
import { castOf, type CastOptions, type Trader } from "./cast.ts";
import type { KeeperProfile } from "./crew.ts";
import { failuresOf, findingsOf } from "./findings.ts";
import { notesOf } from "./notes.ts";
import { parseOptions, type ReplayOptions, USAGE } from "./options.ts";
import { plotsOf } from "./plots.ts";
import { completed, loadEvent, MARKETS, partOf, paused, priceAt, type Recording, recordingOf } from "./recording.ts";
import { play, type RunOptions, type RunResult } from "./run.ts";
import { Stage } from "./stage.ts";
import { tablesOf } from "./tables.ts";
import { loadTerms } from "./terms.ts";

export const usage = USAGE;

const WAD = 10n ** 18n;
const WEI_PER_GWEI = 1e9;
const KEEPER_CASH = 2_000_000n * WAD;
/** Of what the pool begins with: what a provider brings who comes later. */
const LATER_PART = 6n;
/** Shares of the record after which a provider comes and another leaves. */
const ENTERS = 0.3;
const LEAVES = 0.35;
/** Health of before is kept of so long before the largest fall, s; not of a time before books are open. */
const CALM = 900;
const OPENED = 1_800;

/** What is replayed, and everything that was found. */
export interface Replayed {
  readonly recording: Recording;
  readonly parameters: Parameters;
  readonly traders: readonly Trader[];
  readonly keepers: readonly KeeperProfile[];
  readonly stage: Stage;
  readonly result: RunResult;
}

export async function run(args: readonly string[], shell: Shell): Promise<Report> {
  const options = parseOptions(args);
  const recording = recordingFor(options);
  const opening = openingOf(recording);
  const parameters = await loadTerms(options.parameters, opening);
  const { progress } = shell;
  progress.phase(`deploying; ${recording.name} from ${isoTime(recording.from)} to ${isoTime(recording.to)}`);
  const replayed = await replay(options, { recording, parameters, opening, shell });
  try {
    return reportOf(options, replayed);
  } finally {
    await replayed.stage.chain.close();
  }
}

/** One replay; the chain is left open. */
export async function replay(
  options: ReplayOptions,
  {
    recording,
    parameters,
    opening,
    shell,
  }: { recording: Recording; parameters: Parameters; opening: ReadonlyMap<string, bigint>; shell: Shell },
): Promise<Replayed> {
  const pool = BigInt(options.pool) * WAD;
  const insurance =
    options.insurance === undefined
      ? (pool * parameters.insurance.targetShare) / 1_000_000n
      : BigInt(options.insurance) * WAD;
  const { seed, accounts, load, bias } = options;
  const cast: CastOptions = { parameters, recording, seed, accounts, load, bias, pool };
  const traders = castOf(cast);
  const keepers = keepersOf(options);
  const providers = providersOf(recording);
  const later = pool / LATER_PART;
  const stage = await Stage.set({
    parameters,
    from: recording.from,
    opening,
    traders,
    keepers,
    pool,
    insurance,
    providers: providers.length - 1,
    later,
    baseFee: BigInt(Math.round(options.gas * WEI_PER_GWEI)),
  });
  try {
    const result = await play({
      stage,
      recording,
      traders,
      keepers,
      providers,
      later,
      calmAt: Math.max(fallOf(recording) - CALM, recording.from + OPENED),
      seed,
      onProgress: (done, time) => {
        shell.progress.advance(done, isoTime(time));
      },
      checkpoint: shell.checkpoint,
    });
    return { recording, parameters, traders, keepers, stage, result };
  } catch (error) {
    await stage.chain.close();
    throw error;
  }
}

export function recordingFor(options: ReplayOptions): Recording {
  const recorded = options.event === undefined ? fromFiles(options) : loadEvent(options.event);
  const part = partOf(recorded, options);
  return completed(options.pause === 0 ? part : paused(part, options.pause));
}

function fromFiles({ prices, feed, gap }: ReplayOptions): Recording {
  const limits = gap === undefined ? {} : { maxGap: gap };
  const series = [...prices].map(([symbol, file]) => [symbol, roundsOf(loadPrices(file, limits), feed)] as const);
  return recordingOf("price files", new Map(series));
}

/** Answers of the first second. */
export function openingOf(recording: Recording): ReadonlyMap<string, bigint> {
  return new Map(
    [...recording.rounds.keys()].map((symbol) => [symbol, priceAt(recording, symbol, recording.from) / 10n ** 10n]),
  );
}

/** Two that compete for what is paid, and the project's own that does whatever is due. */
export function keepersOf({ latency }: Pick<ReplayOptions, "latency">): readonly KeeperProfile[] {
  return [
    {
      name: "fast",
      roles: ["liquidate"],
      latency: 3 + latency,
      margin: WAD,
      duties: false,
      cash: KEEPER_CASH,
    },
    {
      name: "patient",
      roles: ["liquidate"],
      latency: 12 + latency,
      margin: WAD / 5n,
      duties: false,
      cash: KEEPER_CASH,
    },
    {
      name: "house",
      roles: ["orders", "liquidate", "pool", "deleverage"],
      latency: 8 + latency,
      margin: -1_000n * WAD,
      duties: true,
      cash: KEEPER_CASH,
    },
  ];
}

function providersOf({ from, to }: Recording): RunOptions["providers"] {
  const at = (share: number): number => Math.round(from + share * (to - from));
  return [
    { name: "provider 1" },
    { name: "provider 2", leavesAt: at(LEAVES) },
    { name: "provider 3", entersAt: at(ENTERS) },
  ];
}

/** When ETH began its largest fall within an hour. */
function fallOf(recording: Recording): number {
  const HOUR = 3_600;
  let [at, worst] = [recording.from, 0];
  for (const { updatedAt, answer } of recording.rounds.get("ETH") ?? []) {
    const start = Math.max(recording.from, updatedAt - HOUR);
    const change = Number(answer * 10n ** 10n) / Number(priceAt(recording, "ETH", start)) - 1;
    if (updatedAt <= recording.to && change < worst) [at, worst] = [start, change];
  }
  return at;
}

function reportOf(options: ReplayOptions, replayed: Replayed): Report {
  const { recording, parameters, traders, stage, result } = replayed;
  const findings = findingsOf(result, stage, traders);
  const rate = result.actions.transactions / result.actions.seconds;
  return {
    command: "replay",
    title: `${recording.name}: ${isoTime(recording.from)} to ${isoTime(recording.to)} through the contracts`,
    seed: options.seed,
    parameterHash: hashParameters(parameters),
    commit: readCommit(),
    block: result.lastBlock,
    settings: { ...options, prices: Object.fromEntries(options.prices), traders: traders.length },
    tables: tablesOf(replayed, findings),
    plots: plotsOf(replayed, findings),
    notes: notesOf(replayed, findings),
    failures: failuresOf(findings, result),
    json: {
      findings,
      measured: {
        transactions: result.actions.transactions,
        secondsOfTransactions: result.actions.seconds,
        transactionsPerSecond: rate,
        steps: result.steps,
      },
      markets: MARKETS,
    },
  };
}
