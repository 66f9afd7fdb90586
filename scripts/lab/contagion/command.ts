/** `npm run lab -- contagion`: failures of connected protocols, into ours and back. */
import { loadParameters } from "../../deploy/parameters.ts";
import { PPM, WAD } from "../../model/fixed.ts";
import { LISTED } from "../compare/command.ts";
import { readFlags, readWhole } from "../options.ts";
import { barPlot, linePlot } from "../output/plots.ts";
import { hashParameters, readCommit } from "../output/provenance.ts";
import type { Report, Table } from "../output/report.ts";
import type { Shell } from "../shell.ts";
import { graphOf, graphPlot } from "./graph.ts";
import { type Round, SHOCKS, spread, type Spread } from "./propagate.ts";
import { type Isolation, ISOLATIONS, type World, worldOf } from "./world.ts";

export const usage = `npm run lab -- contagion [options]
  A vault whose shares are collateral here, a lender that takes shares of our pool, a stablecoin and one pool of
  liquidators' capital: rounds of failure, and what sub-accounts, a cap and a group of its own keep of them.

  --parameters FILE    rules (default deploy/parameters/arbitrum.ts)
  --seed N             of the users (default 1)
  --users N            (default 48)
  --pool USD           of liquidity (default 12000000)
  --liquidators USD    capital of all liquidators together (default 2000000)`;

const FLAGS = {
  parameters: { type: "string", default: LISTED },
  seed: { type: "string", default: "1" },
  users: { type: "string", default: "48" },
  pool: { type: "string", default: "12000000" },
  liquidators: { type: "string", default: "2000000" },
} as const;

interface Result extends Spread {
  readonly isolation: Isolation;
  readonly world: World;
}

export async function run(args: readonly string[], shell: Shell): Promise<Report> {
  const { values } = readFlags(args, FLAGS);
  const seed = readWhole("seed", values.seed, { minimum: 0, maximum: 2 ** 31 });
  const users = readWhole("users", values.users, { minimum: 1, maximum: 10_000 });
  const pool = BigInt(readWhole("pool", values.pool, { minimum: 1, maximum: 1e12 })) * WAD;
  const liquidators = BigInt(readWhole("liquidators", values.liquidators, { minimum: 1, maximum: 1e12 })) * WAD;
  const parameters = await loadParameters(values.parameters);
  const insuranceShare = parameters.insurance.targetShare;

  const results: Result[] = [];
  for (const isolation of ISOLATIONS) {
    const world = worldOf({ parameters, isolation, seed, users, pool, insuranceShare, liquidators });
    for (const shock of SHOCKS) {
      await shell.checkpoint();
      results.push({ ...spread(world, shock), isolation, world });
      shell.progress.advance(results.length / (ISOLATIONS.length * SHOCKS.length), `${isolation}: ${shock.name}`);
    }
  }
  const worst = SHOCKS.at(-1)?.name ?? "";
  const drawn = results.find(({ isolation, shock }) => isolation === "none" && shock.name === worst);
  return {
    command: "contagion",
    title: "Failures of connected protocols",
    seed,
    parameterHash: hashParameters(parameters),
    commit: readCommit(),
    settings: { parameters: values.parameters, users, pool, liquidators, insuranceShare, shocks: SHOCKS },
    tables: [endsTable(results), roundsTable(results), ...(drawn === undefined ? [] : [edgesTable(drawn)])],
    plots: [
      ...(drawn === undefined ? [] : [graphPlot("graph", drawn.world, drawn)]),
      barPlot({
        name: "bad-debt",
        title: "Bad debt of ours by what isolates the shares",
        y: { title: "USD", format: "~s" },
        groups: SHOCKS.map(({ name }) => ({
          label: name,
          bars: results
            .filter(({ shock }) => shock.name === name)
            .map(({ isolation, rounds }) => ({ label: isolation, value: usd(rounds.at(-1)?.badDebt) })),
        })),
      }),
      linePlot({
        name: "rounds",
        title: `How it spreads, nothing isolated: ${worst}`,
        x: { title: "round" },
        y: { title: "of the start", format: ".0%", zero: true },
        series: drawn === undefined ? [] : seriesOf(drawn),
      }),
    ],
    notes: [
      ...ISOLATIONS.map((isolation) => sentenceOf(results, isolation)),
      "Users bring the same money and size their positions to the same multiple of their own requirement, so that what isolates also makes smaller.",
      "Prices are live all the time, a round is an hour; other protocols are as coarse as written in docs/lab/contagion.md.",
    ],
    json: results.map(({ world, ...result }) => ({ ...result, graph: graphOf(world, result) })),
  };
}

function endsTable(results: readonly Result[]): Table {
  return {
    name: "ends",
    title: "How it ends",
    columns: [
      { name: "shock" },
      { name: "isolation" },
      { name: "rounds" },
      { name: "accounts liquidated" },
      { name: "of users without shares" },
      { name: "bad debt", unit: "USD" },
      { name: "paid by insurance", unit: "USD" },
      { name: "loss of the pool", unit: "USD" },
      { name: "lost by holders of shares", unit: "USD" },
      { name: "lost by others", unit: "USD" },
      { name: "bad debt of the lender", unit: "USD" },
      { name: "vault's rate", unit: "%" },
      { name: "ETH", unit: "USD" },
      { name: "liquidators' capital", unit: "USD" },
      { name: "unhealthy and left" },
    ],
    rows: results.map(({ shock, isolation, rounds, lostByHolders, lostByBystanders }) => {
      const last = rounds.at(-1);
      return [
        shock.name,
        isolation,
        rounds.length,
        last?.liquidatedMembers,
        last?.bystanders,
        usd(last?.badDebt),
        usd(last?.fromInsurance),
        usd(last?.poolLoss),
        usd(lostByHolders),
        usd(lostByBystanders),
        usd(last?.lenderBadDebt),
        Number(last?.vaultRate ?? 0n) / 1e4,
        usd(last?.ethPrice),
        usd(last?.capital),
        last?.unhealthy,
      ];
    }),
  };
}

function roundsTable(results: readonly Result[]): Table {
  const fields = [
    "ethPrice",
    "capital",
    "badDebt",
    "fromInsurance",
    "poolLoss",
    "lenderBadDebt",
  ] as const satisfies readonly (keyof Round)[];
  return {
    name: "rounds",
    columns: [
      { name: "shock" },
      { name: "isolation" },
      { name: "round" },
      { name: "vaultRate", unit: "%" },
      { name: "liquidatedMembers" },
      { name: "unhealthy" },
      ...fields.map((name) => ({ name, unit: "USD" })),
    ],
    rows: results.flatMap(({ shock, isolation, rounds }) =>
      rounds.map((round) => [
        shock.name,
        isolation,
        round.round,
        Number(round.vaultRate) / 1e4,
        round.liquidatedMembers,
        round.unhealthy,
        ...fields.map((name) => usd(round[name])),
      ]),
    ),
  };
}

function edgesTable({ world, ...result }: Result): Table {
  return {
    name: "edges",
    title: "What holds what at the start",
    columns: [{ name: "from" }, { name: "to" }, { name: "what" }, { name: "value", unit: "USD" }],
    rows: graphOf(world, result).edges.map(({ from, to, text, value }) => [from, to, text, value]),
  };
}

function seriesOf({ rounds, world }: Result) {
  const eth = Number(world.prices.get("ETH") ?? 1n);
  const lines: readonly (readonly [string, (round: Round) => number])[] = [
    ["vault's rate", ({ vaultRate }) => Number(vaultRate) / Number(PPM)],
    ["value of the pool", ({ poolShare }) => Number(poolShare) / Number(PPM)],
    ["liquidators' capital", ({ capital }) => Number(capital) / Number(world.liquidators)],
    ["price of ETH", ({ ethPrice }) => Number(ethPrice) / eth],
  ];
  return lines.map(([label, valueOf]) => ({
    label,
    points: rounds.map((round) => [round.round, valueOf(round)] as const),
  }));
}

function sentenceOf(results: readonly Result[], isolation: Isolation): string {
  const own = results.filter((result) => result.isolation === isolation);
  const total = (pick: (round: Round) => bigint): string =>
    Math.round(
      own.reduce((sum, { rounds }) => sum + usd(rounds.at(-1) === undefined ? 0n : pick(lastOf(rounds))), 0),
    ).toLocaleString("en");
  const bystanders = own.reduce((sum, { rounds }) => sum + lastOf(rounds).bystanders, 0);
  return (
    `Isolation ${isolation}: over ${own.length} shocks bad debt ${total(({ badDebt }) => badDebt)} USD, loss of the pool ` +
    `${total(({ poolLoss }) => poolLoss)} USD, ${bystanders} accounts liquidated of users without shares.`
  );
}

function lastOf(rounds: readonly Round[]): Round {
  const last = rounds.at(-1);
  if (last === undefined) throw new RangeError("no round");
  return last;
}

/** Whole dollars. */
function usd(amount: bigint | undefined): number {
  return Number((amount ?? 0n) / WAD);
}
