/** What a run comes to: figures in USD and in shares, as numbers. */
import { fundingSince } from "../../replay/journal.ts";
import type { ProtocolParts } from "../../replay/protocol.ts";
import type { Trader } from "./cast.ts";
import type { RunResult, Sample } from "./run.ts";
import type { Stage } from "./stage.ts";

export interface Findings {
  /** Where the pool's value went, USD. */
  readonly pool: {
    readonly opening: number;
    readonly providers: number;
    readonly fees: number;
    readonly badDebt: number;
    /** All else: what traders have won or lost against it, and interest. */
    readonly traders: number;
    readonly closing: number;
    /** Largest fall of the value of a share from a high, and what the value of one has gained, as shares of it. */
    readonly drawdown: number;
    readonly perShare: number;
  };
  readonly badDebt: {
    readonly booked: number;
    readonly fromInsurance: number;
    readonly fromPool: number;
    /** What accounts are short of at the end, and nobody has booked. */
    readonly left: number;
    /** What neither insurance nor pool had: negative value of the pool at its worst. */
    readonly uncovered: number;
  };
  readonly insurance: { readonly opening: number; readonly least: number; readonly closing: number };
  readonly liquidations: {
    readonly count: number;
    readonly accounts: number;
    readonly healthy: number;
    /** Notional of what was closed, USD. */
    readonly notional: number;
    readonly penalties: number;
    /** Of all, from when it was seen unhealthy, s. */
    readonly medianWait: number;
    readonly longestWait: number;
  };
  readonly deleveraging: {
    readonly count: number;
    readonly notional: number;
    readonly profitCuts: number;
    /** Largest share of a side that one closed. */
    readonly largestShare: number;
  };
  readonly pushed: number;
  readonly faults: number;
  /** Loss of those who were liquidated, over what they had opened with. */
  readonly lossGivenLiquidation: number;
  readonly funding: number;
  readonly mostUnhealthy: number;
}

const DOLLAR = 1e18;

/** WAD as a number of whole units. */
export function whole(wad: bigint): number {
  return Number(wad / 10n ** 10n) / 1e8;
}

/** To the cent. */
export function cents(amount: number): number {
  return Math.round(amount * 100) / 100;
}

export function findingsOf(
  result: RunResult,
  { protocol, traders: cast }: Pick<Stage, "protocol" | "traders">,
  traders: readonly Trader[],
): Findings {
  const { journal, samples, judgements, health, opened, providerFlows, markets } = result;
  const [first, last] = [samples[0], samples.at(-1)];
  const flows = [...journal.flows.values()];
  const total = (pick: (flow: (typeof flows)[number]) => bigint): number =>
    whole(flows.reduce((sum, flow) => sum + pick(flow), 0n));
  const fees = total((flow) => flow.fees);
  const shares = protocol.parameters.globals;
  const poolShare = 1 - (Number(shares.insuranceFeeShare) + Number(shares.protocolFeeShare)) / 1e6;
  const forfeited = total((flow) => flow.orderCosts) - whole(journal.keeperPay);
  const providers = providerFlows.reduce((sum, { what, amount }) => {
    if (what === "deposits") return sum + whole(amount);
    return what === "redeems" ? sum - whole(amount) : sum;
  }, 0);
  const opening = whole(first?.poolEquity ?? 0n);
  const closing = whole(last?.poolEquity ?? 0n);
  const fromInsurance = whole(journal.badDebtFromInsurance);
  const booked = whole(journal.badDebt);
  const earned = fees * poolShare + forfeited;
  const waits = judgements.map(({ waited }) => waited).sort((a, b) => a - b);
  const liquidated = new Set(judgements.map(({ account }) => account));
  const ends = cast.map(({ account }, index) => ({
    account,
    before: whole(opened[index]?.equity ?? 0n),
    after: Math.max(0, whole(health.after[index]?.equity ?? 0n)),
  }));
  const hit = ends.filter(({ account }) => liquidated.has(account));
  const sides = deleveragedShares(result);
  return {
    pool: {
      opening,
      providers,
      fees: earned,
      badDebt: -(booked - fromInsurance),
      traders: closing - opening - providers - earned + (booked - fromInsurance),
      closing,
      drawdown: drawdownOf(samples.map(shareValue)),
      perShare: first === undefined || last === undefined ? 0 : shareValue(last) / shareValue(first) - 1,
    },
    badDebt: {
      booked,
      fromInsurance,
      fromPool: booked - fromInsurance,
      left: whole(last?.underwater ?? 0n),
      uncovered: Math.max(0, -Math.min(...samples.map(({ poolEquity }) => whole(poolEquity)))),
    },
    insurance: {
      opening: whole(first?.insurance ?? 0n),
      least: Math.min(...samples.map(({ insurance }) => whole(insurance))),
      closing: whole(last?.insurance ?? 0n),
    },
    liquidations: {
      count: judgements.length,
      accounts: liquidated.size,
      healthy: judgements.filter(({ healthy }) => healthy).length,
      notional: journal.fills
        .filter(({ liquidation }) => liquidation)
        .reduce((sum, { delta, price }) => sum + Math.abs(Number(delta) / DOLLAR) * (Number(price) / DOLLAR), 0),
      penalties: judgements.reduce((sum, { penalty }) => sum + whole(penalty), 0),
      medianWait: waits[Math.floor(waits.length / 2)] ?? 0,
      longestWait: waits.at(-1) ?? 0,
    },
    deleveraging: {
      count: journal.deleveragings.length,
      notional: journal.deleveragings.reduce((sum, { closed, price }) => sum + whole(closed) * whole(price), 0),
      profitCuts: journal.profitCuts.length,
      largestShare: Math.max(0, ...sides),
    },
    pushed: result.pushed.length,
    faults: result.faults.length,
    lossGivenLiquidation: lossOf(hit, result, traders, cast),
    funding: flows.reduce(
      (sum, { funding, open }) =>
        sum +
        whole(funding) +
        [...open].reduce((owed, [asset, held]) => {
          const index = markets.get(asset)?.funding.index ?? held.index;
          return owed + whole(fundingSince(held, index));
        }, 0),
      0,
    ),
    mostUnhealthy: Math.max(...samples.map(({ unhealthy }) => unhealthy)),
  };
}

/** What neither insurance nor pool could pay, and what is not over yet; what must not be. */
export function failuresOf(findings: Findings, { faults, pushed }: RunResult): readonly string[] {
  const { badDebt, liquidations } = findings;
  const failures: string[] = [];
  if (faults.length > 0) failures.push(`the books do not add up, ${faults.length} times: ${faults[0] ?? ""}`);
  if (liquidations.healthy > 0) failures.push(`${liquidations.healthy} liquidations of healthy accounts`);
  if (pushed.length > 0) {
    const kinds = [...new Set(pushed.map(({ kind }) => kind))].join(", ");
    failures.push(`${pushed.length} healthy accounts were pushed over by what was done with others (${kinds})`);
  }
  if (badDebt.uncovered > 0) failures.push(`${cents(badDebt.uncovered)} USD of bad debt that nobody could pay`);
  return failures;
}

/** Equity that is lost of what was there when the record began and what was added since. */
function lossOf(
  hit: readonly { readonly account: string; readonly before: number; readonly after: number }[],
  { journal }: RunResult,
  traders: readonly Trader[],
  cast: Stage["traders"],
): number {
  if (traders.length !== cast.length || hit.length === 0) return 0;
  const added = new Map<string, number>();
  const from = Math.min(...journal.fills.map(({ time }) => time));
  for (const { account, time, token, amount, swap } of journal.movements) {
    if (token !== 255 || swap || time < from) continue;
    added.set(account, (added.get(account) ?? 0) + whole(amount));
  }
  const had = hit.reduce((sum, { account, before }) => sum + before + (added.get(account) ?? 0), 0);
  const kept = hit.reduce((sum, { after }) => sum + after, 0);
  return had === 0 ? 0 : 1 - kept / had;
}

/** Share of its side that each deleveraging closed. */
function deleveragedShares({ journal, samples }: RunResult): number[] {
  return journal.deleveragings.map(({ time, asset, long, closed }) => {
    const before = samples.findLast((sample) => sample.time < time)?.markets.find((market) => market.asset === asset);
    const side = whole((long ? before?.long : before?.short) ?? 0n);
    return side === 0 ? 0 : whole(closed) / side;
  });
}

/** Value of a share of the pool, USD. */
export function shareValue({ poolEquity, shares }: Sample): number {
  return shares === 0n ? 0 : Number((poolEquity * 10n ** 9n) / shares) / 1e9;
}

/** Largest fall from a high, as a share of it. */
function drawdownOf(values: readonly number[]): number {
  let [high, worst] = [0, 0];
  for (const value of values) {
    high = Math.max(high, value);
    worst = Math.max(worst, high === 0 ? 0 : 1 - value / high);
  }
  return worst;
}

/** Symbols of the markets by index. */
export function symbolsOf({ parameters }: Pick<ProtocolParts, "parameters">): readonly string[] {
  return parameters.assets.map(({ symbol }) => symbol);
}
