import { expect } from "chai";

import { seeded } from "../../../scripts/history/random.ts";
import { shapesOf } from "../../../scripts/lab/compare/shapes.ts";
import { bootstrap, gapSeries } from "../../../scripts/lab/compare/sources.ts";
import { stepsOf } from "../../../scripts/lab/compare/steps.ts";
import { judge, type Row, Study } from "../../../scripts/lab/compare/study.ts";
import { HALT_GRACE, listed, parameters, rounds } from "./support.ts";

const OPTIONS = { haltGrace: HALT_GRACE, pegAsset: Number(parameters.environment.pegAsset) };
const shapes = shapesOf(listed);
const named = (name: string) => shapes.filter((shape) => shape.name === name);

describe("the comparison", () => {
  it("counts a pair that a common gap leaves alone as bad debt under isolated margin only", () => {
    const study = new Study({ listed, shapes: named("BTC/ETH by beta long"), multiple: 1, latency: 60 });
    study.add("gap", stepsOf(gapSeries({ kind: "by beta", gap: -0.3, alone: "ETH" }, parameters, listed), OPTIONS));
    const debtOf = (margin: string): number | undefined =>
      study.rows().find((row) => row.margin === margin && row.sizing === "own")?.summary.badDebt;
    expect(debtOf("isolated")).to.be.greaterThan(0.05);
    expect([debtOf("plain"), debtOf("joint")]).to.deep.equal([0, 0]);
  });

  it("gives every kind of margin the same equity in one sizing, and its own in the other", () => {
    const study = new Study({ listed, shapes: named("BTC/ETH by beta long"), multiple: 1, latency: 60 });
    study.add("calm", stepsOf(gapSeries({ kind: "equal", gap: 0, alone: "ETH" }, parameters, listed), OPTIONS));
    const capitals = (sizing: string) =>
      study
        .rows()
        .filter((row) => row.sizing === sizing)
        .map(({ summary }) => summary.capital.toFixed(6));
    expect(new Set(capitals("equal")).size).to.equal(1);
    const [isolated, plain, joint] = capitals("own");
    expect(isolated).to.equal(plain);
    expect(Number(joint)).to.be.lessThan(0.5 * Number(plain));
  });

  it("leaves out books whose assets a path has no price of", () => {
    const study = new Study({ listed, shapes, multiple: 1, latency: 60 });
    const [first] = stepsOf(
      gapSeries({ kind: "equal", gap: 0, alone: "ETH" }, parameters, listed).filter(({ asset }) => asset === 0),
      OPTIONS,
    );
    study.add("ETH alone", first === undefined ? [] : [first]);
    const names = new Set(study.rows().map(({ shape }) => shape.name));
    expect([...names]).to.deep.equal(["ETH long", "ETH short", "WETH, short ETH"]);
  });

  it("judges a book by what it needs and by every source", () => {
    const [shape] = shapes;
    if (shape === undefined) throw new Error("no shape");
    const row = (margin: Row["margin"], source: string, badDebt: number): Row => ({
      source,
      shape,
      margin,
      sizing: "own",
      summary: {
        runs: 1,
        liquidated: 0,
        capital: 0,
        badDebt,
        badDebt95: 0,
        badDebt99: 0,
        shortfall99: 0,
        worstBadDebt: 0,
        deficitGivenLiquidation: 0,
        lossGivenLiquidation: 0,
        waited: 0,
      },
    });
    const asked = (joint: number) => new Map([[shape.name, { isolated: 0.1, plain: 0.1, joint }]]);
    const safe = [row("plain", "a", 0.02), row("joint", "a", 0.01), row("plain", "b", 0), row("joint", "b", 0)];
    const unsafe = [...safe.slice(0, 3), row("joint", "b", 0.001)];
    expect(judge(safe, asked(0.05))[0]?.verdict).to.equal("less, no more bad debt");
    expect(judge(unsafe, asked(0.05))[0]?.verdict).to.equal("less, more bad debt");
    expect(judge(unsafe, asked(0.1))[0]?.verdict).to.equal("the same");
    expect(judge(safe, asked(0.2))[0]?.verdict).to.equal("more");
  });
});

describe("drawn paths", () => {
  const wave = Array.from({ length: 40 }, (_, index) => [300 * index, 4_000 + 10 * ((index * 7) % 13)] as const);
  const recording = {
    name: "wave",
    rounds: new Map([
      ["ETH", rounds(...wave)],
      ["BTC", rounds(...wave.map(([at, price]) => [at, 27.5 * price] as const))],
    ]),
  };
  const draw = (seed: number) =>
    bootstrap([recording], { parameters, symbols: ["ETH", "BTC"], scale: 1 }).sample(seeded(seed));

  it("are a function of the seed", () => {
    expect(draw(1)).to.deep.equal(draw(1));
    expect(draw(1)).to.not.deep.equal(draw(2));
  });

  it("keep the moves of one moment together", () => {
    const series = draw(3);
    const returnsOf = (asset: number) => {
      const prices = series.find((one) => one.asset === asset)?.rounds.map(({ price }) => Number(price)) ?? [];
      return prices.slice(1).map((price, index) => (price / (prices[index] ?? 1)).toFixed(7));
    };
    expect(returnsOf(0)).to.deep.equal(returnsOf(1));
    expect(new Set(returnsOf(0)).size).to.be.greaterThan(3);
  });
});
