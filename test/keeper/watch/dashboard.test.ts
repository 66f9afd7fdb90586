import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

import { Metrics } from "../../../scripts/keeper/watch/metrics.ts";

const docs = join(import.meta.dirname, "../../../docs");
const NAME = /plimsoll_keeper_\w+/g;

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}

describe("dashboard", () => {
  const dashboard = JSON.parse(readFileSync(join(docs, "keeper/dashboard.json"), "utf8")) as {
    readonly panels: readonly Panel[];
  };
  const exported = async (): Promise<string[]> =>
    (await new Metrics().registry.getMetricsAsJSON()).map(({ name }) => name).sort();

  it("shows every metric that a keeper exports, and no other", async () => {
    const shown = dashboard.panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => expr.match(NAME) ?? []));
    const names = new Set(shown.map((name) => name.replace(/_bucket$/, "")));

    expect([...names].sort()).to.deep.equal(await exported());
  });

  it("has panels that do not overlap, each with an id of its own", () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).to.equal(ids.length);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, place) => `${x + (place % w)},${y + Math.floor(place / w)}`),
    );
    expect(new Set(cells).size).to.equal(cells.length);
  });

  it("and the operations guide name only metrics that there are", async () => {
    const names = readFileSync(join(docs, "operations.md"), "utf8").match(NAME) ?? [];

    expect(names).not.to.be.empty;
    expect(await exported()).to.include.members([...new Set(names)]);
  });
});
