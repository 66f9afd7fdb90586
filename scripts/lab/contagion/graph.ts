/** The protocols and what they hold of each other, drawn. */
import { mulDivDown, PPM, WAD } from "../../model/fixed.ts";
import type { Plot } from "../output/plots.ts";
import type { Spread } from "./propagate.ts";
import { SHARE, type World } from "./world.ts";

export interface GraphNode {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  /** Share of what it had that is lost at the end. */
  readonly lost: number;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** What stands behind it at the start, USD. */
  readonly value: number;
  readonly text: string;
}

/** What is connected, and what a shock has made of it. */
export function graphOf(world: World, { shock, rounds, lostByBystanders, lostByHolders, equity }: Spread) {
  const last = rounds.at(-1);
  const share = (part: bigint | undefined): number => Number(part ?? PPM) / Number(PPM);
  const shares = sum(world.members.flatMap(({ book }) => book.exposures.map(({ collateral }) => collateral)));
  const sharePrice = world.prices.get(SHARE) ?? 0n;
  const lentOnShares = sum(world.lender.loans.map(({ poolShares }) => poolShares));
  const lentOnEth = sum(world.lender.loans.map(({ eth }) => eth));
  const capital = share(mulDivDown(last?.capital ?? 0n, PPM, world.liquidators));
  const eth = world.prices.get("ETH") ?? 1n;
  const nodes: readonly GraphNode[] = [
    { name: "vault", x: 0, y: 2, lost: 1 - share(last?.vaultRate) },
    { name: "accounts", x: 2, y: 2, lost: ratio(lostByHolders + lostByBystanders, equity) },
    { name: "pool and insurance", x: 4, y: 2, lost: 1 - share(last?.poolShare) },
    { name: "lender", x: 2, y: 0, lost: ratio(last?.lenderBadDebt ?? 0n, world.lender.deposits) },
    { name: "liquidators", x: 4, y: 0, lost: Math.max(0, 1 - capital) },
    { name: "stablecoin", x: 0, y: 0, lost: 1 - Number(shock.stable) / Number(WAD) },
    { name: "ETH", x: 2, y: 3.2, lost: 1 - share(mulDivDown(last?.ethPrice ?? eth, PPM, eth)) },
  ];
  const usd = (amount: bigint): number => Number(amount / WAD);
  const edges: readonly GraphEdge[] = [
    { from: "vault", to: "accounts", value: usd((shares * sharePrice) / WAD), text: "shares as collateral" },
    { from: "accounts", to: "pool and insurance", value: usd(equity), text: "deficits" },
    { from: "pool and insurance", to: "lender", value: usd(lentOnShares), text: "pool shares as collateral" },
    { from: "lender", to: "vault", value: usd(world.lender.deposits), text: "deposits of the vault" },
    { from: "liquidators", to: "accounts", value: usd(world.liquidators), text: "buy collateral" },
    { from: "liquidators", to: "lender", value: usd(world.liquidators), text: "repay loans" },
    { from: "ETH", to: "accounts", value: usd(equity), text: "price" },
    { from: "ETH", to: "lender", value: usd(lentOnEth), text: "collateral" },
    { from: "stablecoin", to: "lender", value: usd(world.lender.deposits), text: "debts" },
  ];
  return { nodes, edges };
}

export function graphPlot(name: string, world: World, result: Spread): Plot {
  const { nodes, edges } = graphOf(world, result);
  const placeOf = new Map(nodes.map((node) => [node.name, node]));
  const lines = edges.map(({ from, to, value, text }) => {
    const [start, end] = [placeOf.get(from), placeOf.get(to)];
    return { x: start?.x, y: start?.y, x2: end?.x, y2: end?.y, value, text };
  });
  const hidden = { axis: null, scale: { domain: [-0.7, 4.9] } };
  const heights = { axis: null, scale: { domain: [-0.6, 3.7] } };
  const x = { field: "x", type: "quantitative" as const, ...hidden };
  const y = { field: "y", type: "quantitative" as const, ...heights };
  return {
    name,
    title: `What holds what, and what is lost: ${result.shock.name}`,
    note: "Width of a line: what stands behind it. Colour of a circle: the share of it that is lost in the end.",
    spec: {
      width: 560,
      height: 320,
      background: "transparent",
      config: { view: { stroke: null }, font: "system-ui, sans-serif" },
      layer: [
        {
          data: { values: lines },
          mark: { type: "rule", color: "#8b97a5", opacity: 0.55 },
          encoding: {
            x,
            y,
            x2: { field: "x2" },
            y2: { field: "y2" },
            size: { field: "value", type: "quantitative", scale: { range: [1, 9] }, legend: null },
          },
        },
        {
          data: { values: nodes.map((node) => ({ ...node })) },
          mark: { type: "circle", size: 1_400, opacity: 1, stroke: "#8b97a5" },
          encoding: {
            x,
            y,
            color: {
              field: "lost",
              type: "quantitative",
              scale: { scheme: "orangered", domain: [0, 0.6], clamp: true },
              legend: { title: "lost", format: ".0%" },
            },
          },
        },
        {
          data: {
            values: nodes.map(({ name: label, lost, ...at }) => ({ ...at, label: `${label}  ${percent(lost)}` })),
          },
          mark: { type: "text", dy: 27, fontSize: 11, color: "currentColor" },
          encoding: { x, y, text: { field: "label", type: "nominal" } },
        },
      ],
    },
  };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function ratio(part: bigint, whole: bigint): number {
  return whole === 0n ? 0 : Number((part * PPM) / whole) / Number(PPM);
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n);
}
