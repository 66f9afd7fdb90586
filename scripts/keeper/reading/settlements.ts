/** The rounds and reports by which orders, deleveragings and closings settle: `contracts/interfaces/IOracle.sol`. */
import { findSettlement, type Report, type Settlement } from "../rounds.ts";
import type { StreamFeed } from "../../../typechain-types/index.ts";
import { revertDataOf } from "../contracts.ts";
import type { Feeds, Source } from "./feeds.ts";
import type { At, ReadingContext } from "./isolated.ts";
import type { ReportSource, SignedReport } from "./reports.ts";

/** Longest delay of an order, s: over a change of source what has its boundary within it is void, as in Feeds.sol. */
const LONGEST_DELAY = 240n;
/** Rounds that bear the time of their observation are written within so long, s, as in ChainlinkPush.sol. */
const OBSERVED_LAG = 3_600n;
/** Ids of reports, as in IStreamFeed.sol. */
const IN_ORDER = 1n << 64n;
const BY_TIME = 2n << 64n;

const WAITING: Settlement = { kind: "waiting" };
const VOID: Settlement = { kind: "void", hint: { round: 0n, before: 0n }, settledAt: 0n };

export interface Wanted {
  readonly phase: bigint;
  /** Unix seconds. */
  readonly boundary: bigint;
}

interface Stream {
  readonly feed: StreamFeed;
  readonly id: string;
}

/** What a report proves, wherever it is. */
interface Window {
  readonly round: bigint;
  readonly observed: bigint;
}

export class Settlements {
  readonly #context: ReadingContext;
  readonly #feeds: Feeds;
  readonly #reports: ReportSource | undefined;
  readonly #streams = new Map<string, Stream>();
  /** Reports that have been fetched, by stream and boundary: a signed report never changes. */
  readonly #fetched = new Map<string, SignedReport>();
  /** By stream, window and boundary, what a stored report says: until a fork it stays. */
  readonly #stored = new Map<string, Settlement>();
  /** What has been found in this cycle: orders of the same second share it. */
  readonly #found = new Map<string, Promise<Settlement>>();
  readonly #said = new Set<string>();

  constructor({
    reports,
    feeds,
    ...context
  }: ReadingContext & { readonly feeds: Feeds; readonly reports: ReportSource | undefined }) {
    this.#context = context;
    this.#feeds = feeds;
    this.#reports = reports;
  }

  /** Another cycle begins. */
  renew(): void {
    this.#found.clear();
  }

  /** Forgets what was read in blocks that may be no more. */
  forget(): void {
    this.#found.clear();
    this.#stored.clear();
  }

  /** @param now Time of the block `at`. */
  async find(source: Source, wanted: Wanted, when: { at: At; now: bigint }): Promise<Settlement> {
    const key = [source.asset, wanted.phase, wanted.boundary].join("/");
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    const found = this.#find(source, wanted, when);
    this.#found.set(key, found);
    return found;
  }

  async #find(source: Source, wanted: Wanted, { at, now }: { at: At; now: bigint }): Promise<Settlement> {
    const { changedAt } = source;
    const { boundary, phase } = wanted;
    if (changedAt !== 0n && boundary < changedAt) {
      return this.#find(await this.#feeds.former(source, at), wanted, { at, now });
    }
    if (changedAt !== 0n && boundary <= changedAt + LONGEST_DELAY) return VOID;
    const { kind, settlement, proxy, window } = source;
    if (settlement !== undefined) return this.#byReport(settlement.stream, settlement.window, { boundary, at, now });
    if (kind === "Derived") return VOID;
    if (kind === "Stream") return this.#byReport(proxy, window, { boundary, at, now });
    const lag = kind === "Observed" ? OBSERVED_LAG : 0n;
    return findSettlement(source.rounds, { phase, boundary, window, latest: source.latest, now, lag });
  }

  // ---------------------------------------------------------------- reports

  async #byReport(
    address: string,
    window: bigint,
    { boundary, at, now }: { boundary: bigint; at: At; now: bigint },
  ): Promise<Settlement> {
    // A later second's report is not there yet.
    if (now < boundary) return WAITING;
    const key = [address, window, boundary].join("/");
    const known = this.#stored.get(key);
    if (known !== undefined) return known;
    const stream = await this.#streamAt(address, at);
    const stored = await storedReport(stream.feed, boundary, at);
    if (stored !== undefined) {
      const settlement = settlementOf(stored, { boundary, window });
      if (this.#stored.size >= MOST_KEPT) this.#stored.clear();
      this.#stored.set(key, settlement);
      return settlement;
    }
    if (this.#reports === undefined) {
      this.#once(`reports ${address}`, "no credentials for reports: what settles by them is left", { stream: address });
      return WAITING;
    }
    const found = await this.#fetch(this.#reports, stream.id, boundary);
    if (found === undefined || found.observed > now) return WAITING;
    // One that came late is stored by its time only.
    const isStored = (await stream.feed.getRoundData(BY_TIME | found.observed, at)).updatedAt !== 0n;
    const settlement = settlementOf(
      { round: BY_TIME | found.observed, observed: found.observed },
      { boundary, window },
    );
    return isStored ? settlement : { ...settlement, report: await this.#priced(found, at) };
  }

  async #streamAt(address: string, at: At): Promise<Stream> {
    const known = this.#streams.get(address);
    if (known !== undefined) return known;
    const feed = this.#context.contracts.streamAt(address);
    const made = { feed, id: await feed.feedId(at) };
    this.#streams.set(address, made);
    return made;
  }

  async #fetch(source: ReportSource, id: string, boundary: bigint): Promise<SignedReport | undefined> {
    const key = `${id}/${String(boundary)}`;
    const known = this.#fetched.get(key);
    if (known !== undefined) return known;
    const found = await source.reportAt(id, boundary);
    if (found === undefined) return undefined;
    if (this.#fetched.size >= MOST_KEPT) this.#fetched.clear();
    this.#fetched.set(key, found);
    return found;
  }

  /** With what its verification costs: without value the contract says. Throws what else it has against the report. */
  async #priced({ data }: SignedReport, at: At): Promise<Report> {
    const { streamReports } = this.#context.contracts;
    if (streamReports === undefined) return { data, fee: 0n };
    try {
      await streamReports.submit.staticCall([data], at);
      return { data, fee: 0n };
    } catch (error) {
      const reverted = revertDataOf(error);
      const parsed = reverted === undefined ? null : streamReports.interface.parseError(reverted);
      if (parsed?.name !== "FeeNotCovered") throw error;
      return { data, fee: parsed.args.getValue("fee") as bigint };
    }
  }

  /** Says something once, as it will hold for long. */
  #once(key: string, event: string, fields: Readonly<Record<string, unknown>>): void {
    if (this.#said.has(key)) return;
    this.#said.add(key);
    this.#context.log.warn(event, fields);
  }
}

const MOST_KEPT = 4_096;

function settlementOf(
  { round, observed }: Window,
  { boundary, window }: { boundary: bigint; window: bigint },
): Exclude<Settlement, { kind: "waiting" | "unprovable" }> {
  const hint = { round, before: 0n };
  const isLate = observed > boundary + window;
  return isLate ? { kind: "void", hint, settledAt: 0n } : { kind: "settled", hint, settledAt: observed };
}

/** The stored report, of those that came in order, whose window contains `time`; their windows rise with their numbers. */
async function storedReport(feed: StreamFeed, time: bigint, at: At): Promise<Window | undefined> {
  const latest = await feed.latestRoundData(at);
  if (latest.updatedAt === 0n || latest.updatedAt < time) return undefined;
  // Numbers of a report that ends at `time` or later, and of one that ends before.
  let [above, below] = [latest.roundId, IN_ORDER];
  let found = latest;
  for (let step = 1n; found.startedAt > time && above - below > 1n; step *= 2n) {
    const isOvershot = below !== IN_ORDER || above - step <= below;
    const id: bigint = isOvershot ? (above + below) / 2n : above - step;
    const report = await feed.getRoundData(id, at);
    if (report.updatedAt < time) below = id;
    else [above, found] = [id, report];
  }
  return found.startedAt <= time && time <= found.updatedAt
    ? { round: found.roundId, observed: found.updatedAt }
    : undefined;
}
