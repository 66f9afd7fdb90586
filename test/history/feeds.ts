/** A chain on which a recorded feed has its whole history: the rounds behind a real proxy, at their own times. */
import { network } from "hardhat";

import { loadRecorded, type RecordedRound } from "../../scripts/history/rounds.ts";
import type { Round } from "../oracles/settlement.ts";
import { Kind } from "../parameters.ts";

/** A feed as the oracle lists it. */
export interface Listing {
  /** How long after its boundary an order may settle, s. */
  window: number;
  /** 1e-6. */
  jump: number;
}

/** The hint and its neighbours that an oracle was asked to accept. */
export interface Probe {
  /** Bitmaps; bit 0 is the hint itself. */
  accepted: bigint;
  refused: bigint;
  /** Of the accepted ones, as `settlementOf` writes them. */
  settlements: string[];
}

export interface Hint {
  /** Numbers of rounds in the phase; 0: none. */
  round: number;
  before: number;
}

/** Of every feed, WAD: wider than anything recorded. */
export const BOUNDS = { minAnswer: 10n ** 15n, maxAnswer: 10n ** 24n };

export const REACH = 10;
/** Bits of a hint and all its neighbours. */
export const ALL_HINTS = (1n << BigInt(6 * REACH + 4)) - 1n;

const DAY = 86_400;
const ENTRY_BYTES = 16;
const FIRST_TABLE = 0x7ab1en << 64n;
const PRICE_UNIT = 10n ** 10n;

export function phasesOf(rounds: readonly RecordedRound[]): number[] {
  return [...new Set(rounds.map(({ phase }) => phase))];
}

/** The rounds of a phase as the model of settlement takes them. */
export function ofPhase(rounds: readonly RecordedRound[], phase: number): (Round & { number: number })[] {
  return rounds
    .filter((round) => round.phase === phase)
    .map(({ number, answer, startedAt, updatedAt }) => ({ number, price: answer * PRICE_UNIT, startedAt, updatedAt }));
}

/** When the proxy passes from the first recorded phase to the second; undefined if there is only one. */
export function switchTimeOf(rounds: readonly RecordedRound[]): number | undefined {
  const [first, second] = phasesOf(rounds);
  if (first === undefined || second === undefined) return undefined;
  const last = ofPhase(rounds, first).at(-1);
  if (last === undefined) return undefined;
  // Not recorded: an hour after the last round that the proxy gave in the old phase.
  return last.updatedAt + 3_600;
}

/**
 * A chain whose clock stands an hour after the first recorded round, with an oracle that lists the feed once for each
 * listing. Each is a proxy of its own over the same aggregators, in the phases that were recorded.
 */
export async function deployRecorded(files: readonly string[], listings: readonly Listing[]) {
  const rounds = loadRecorded(files);
  const phases = phasesOf(rounds);
  const [firstPhase = 0] = phases;
  const start = (rounds[0]?.updatedAt ?? 0) + 60;
  const { ethers, networkHelpers } = await network.create({
    network: "default",
    override: { allowBlocksWithSameTimestamp: true, initialDate: new Date(start * 1_000) },
  });
  const { time } = networkHelpers;

  async function deployAggregator(table: bigint) {
    return ethers.deployContract("RecordedAggregator", [8, "X / USD", ethers.toBeHex(table, 20)]);
  }

  async function writeTable(table: bigint, entries: readonly RecordedRound[]): Promise<void> {
    await networkHelpers.setCode(ethers.toBeHex(table, 20), encodeTable(entries));
  }

  const aggregators = new Map<number, Awaited<ReturnType<typeof deployAggregator>>>();
  for (const phase of phases) {
    const table = FIRST_TABLE + BigInt(phase);
    const ofThis = rounds.filter((round) => round.phase === phase);
    await writeTable(table, ofThis);
    aggregators.set(phase, await deployAggregator(table));
  }
  // What came before the recorded phases is not known: an aggregator without rounds.
  const nothing = await deployAggregator(FIRST_TABLE);
  const aggregatorOf = (phase: number) => aggregators.get(phase) ?? nothing;

  const authority = await ethers.deployContract("TestAuthority");
  const deployed = await ethers.deployContract("PriceOracle", [authority]);
  const oracle = await ethers.getContractAt("IPriceOracle", await deployed.getAddress());
  const probe = await ethers.deployContract("HintProbe");
  const proxies: { confirm: (phase: number) => Promise<void> }[] = [];
  for (const { window, jump } of listings) {
    const proxy = await ethers.deployContract("EACAggregatorProxy", [aggregatorOf(1), ethers.ZeroAddress]);
    const confirm = async (phase: number) => {
      await proxy.proposeAggregator(aggregatorOf(phase));
      await proxy.confirmAggregator(aggregatorOf(phase));
    };
    for (let phase = 2; phase <= firstPhase; phase++) await confirm(phase);
    proxies.push({ confirm });
    const limits = {
      maxAge: Math.min(window, DAY),
      window,
      jump,
      spread: 50_000,
      deadAfter: 10 * DAY,
      ...BOUNDS,
    };
    await oracle.list([{ proxy, kind: Kind.Rounds, limits }]);
  }

  /** Moves the clock on, never back. */
  async function setTime(at: number): Promise<void> {
    if (at <= (await time.latest())) return;
    await time.setNextBlockTimestamp(at);
    await networkHelpers.mine(1);
  }

  let current = firstPhase;
  /** Puts the aggregator of the next phase behind all proxies. */
  async function confirmPhase(phase: number, at: number): Promise<void> {
    await setTime(at);
    for (const { confirm } of proxies) await confirm(phase);
    current = phase;
  }

  const idOf = (phase: number, number: number) => (number === 0 ? 0n : (BigInt(phase) << 64n) + BigInt(number));

  /** Tries a hint and its neighbours, at the time of the latest block. The hint's phase is the order's unless given. */
  async function tryAround(
    { asset, phase, boundary }: { asset: number; phase: number; boundary: number },
    hint: Hint,
    hintPhase = phase,
  ): Promise<Probe> {
    const ids = { round: idOf(hintPhase, hint.round), before: idOf(hintPhase, hint.before) };
    const [accepted, refused, settlements] = await probe.probe.staticCall(oracle, asset, phase, boundary, ids, REACH);
    return { accepted, refused, settlements: settlements.map((settlement) => settlement.join(" ")) };
  }

  /** The settlements at many boundaries, each by its hint. */
  async function settleEach(
    asset: number,
    phase: number,
    orders: readonly { boundary: number; hint: Hint }[],
  ): Promise<string[]> {
    const settlements: string[] = [];
    for (let from = 0; from < orders.length; from += 100) {
      const batch = orders.slice(from, from + 100);
      const settled = await probe.settleEach.staticCall(
        oracle,
        asset,
        phase,
        batch.map(({ boundary }) => boundary),
        batch.map(({ hint }) => ({ round: idOf(phase, hint.round), before: idOf(phase, hint.before) })),
      );
      settlements.push(...settled.map((settlement) => settlement.join(" ")));
    }
    return settlements;
  }

  return {
    rounds,
    phases,
    setTime,
    confirmPhase,
    tryAround,
    settleEach,
    phaseNow: () => current,
    now: () => time.latest(),
  };
}

/** The code of a `RecordedAggregator`'s table. */
function encodeTable(rounds: readonly RecordedRound[]): string {
  const count = rounds.at(-1)?.number ?? 0;
  const code = Buffer.alloc(1 + count * ENTRY_BYTES);
  const byNumber = new Map(rounds.map((round) => [round.number, round]));
  let previous = 0;
  for (let number = 1; number <= count; number++) {
    const round = byNumber.get(number);
    const offset = 1 + (number - 1) * ENTRY_BYTES;
    code.writeBigUInt64BE(round?.answer ?? 0n, offset);
    code.writeUInt32BE(round?.startedAt ?? 0, offset + 8);
    code.writeUInt32BE(round?.updatedAt ?? previous, offset + 12);
    previous = round?.updatedAt ?? previous;
  }
  return `0x${code.toString("hex")}`;
}
