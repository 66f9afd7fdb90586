import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { LabError } from "../../../scripts/lab/errors.ts";
import {
  barPlot,
  cdfPlot,
  fanPlot,
  heatPlot,
  linePlot,
  type Plot,
  scatterPlot,
  thin,
  waterfallPlot,
} from "../../../scripts/lab/output/plots.ts";
import type { Report } from "../../../scripts/lab/output/report.ts";
import { renderSvg } from "../../../scripts/lab/output/svg.ts";
import { writeReport } from "../../../scripts/lab/output/write.ts";

const REPORT: Report = {
  command: "size",
  title: "a <title>",
  seed: 7,
  parameterHash: "0xabc",
  commit: "c0ffee",
  block: 12n,
  settings: { runs: 3 },
  tables: [
    {
      name: "losses",
      columns: [{ name: "who" }, { name: "loss", unit: "USD" }],
      rows: [
        ['a "b", c', 10n ** 20n],
        [undefined, 1.5],
      ],
    },
  ],
  plots: [],
  notes: ["a note & more"],
  json: { deep: [2n ** 70n] },
};

const AXIS = { title: "axis" };
const POINTS = [
  [1, 2],
  [2, 3],
] as const;

const PLOTS: readonly Plot[] = [
  linePlot({ name: "line", title: "l", x: { ...AXIS, time: true }, y: AXIS, series: [{ label: "a", points: POINTS }] }),
  fanPlot({
    name: "fan",
    title: "f",
    x: AXIS,
    y: AXIS,
    bands: [1, 2].map((x) => ({ x, p5: 0, p25: 1, p50: 2, p75: 3, p95: 4 })),
  }),
  cdfPlot({ name: "cdf", title: "c", x: AXIS, series: [{ label: "a", values: [3, 1, 2] }] }),
  heatPlot({ name: "heat", title: "h", x: AXIS, y: AXIS, value: AXIS, cells: [{ x: 1, y: 2, value: 3 }] }),
  waterfallPlot({ name: "waterfall", title: "w", y: AXIS, steps: [{ label: "a", change: -2 }], total: "all" }),
  barPlot({ name: "bars", title: "b", y: AXIS, groups: [{ label: "g", bars: [{ label: "a", value: 1 }] }] }),
  scatterPlot({ name: "scatter", title: "s", x: AXIS, y: AXIS, line: true, series: [{ label: "a", points: POINTS }] }),
];

describe("a report", () => {
  let parent: string;
  let folder: string;

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), "lab-"));
    folder = join(parent, "reports", "size");
  });

  afterEach(() => {
    rmSync(parent, { recursive: true });
  });

  const read = (name: string): string => readFileSync(join(folder, name), "utf8");

  it("says in JSON what it is about, with whole numbers in full", async () => {
    await writeReport(folder, REPORT);
    expect(JSON.parse(read("report.json"))).to.deep.include({
      command: "size",
      seed: 7,
      parameterHash: "0xabc",
      commit: "c0ffee",
      block: "12",
      data: { deep: ["1180591620717411303424"] },
    });
  });

  it("writes tables as CSV, quoted where they must be", async () => {
    await writeReport(folder, REPORT);
    expect(read("losses.csv")).to.equal('who,loss [USD]\r\n"a ""b"", c",100000000000000000000\r\n,1.5\r\n');
  });

  it("writes a page that needs nothing from elsewhere and takes no text for HTML", async () => {
    await writeReport(folder, { ...REPORT, plots: PLOTS });
    const page = read("report.html");
    expect(page)
      .to.contain("a &#60;title&#62;")
      .and.to.contain("seed 7")
      .and.to.contain("0xabc")
      .and.to.contain("block 12");
    expect(page.match(/<svg role="img"/g)).to.have.length(PLOTS.length);
    expect(page).not.to.contain("a <title>");
    expect(page).not.to.match(/<script|<link|src=|url\((?!#)/);
  });

  it("gives the definitions of each drawing names of their own", async () => {
    await writeReport(folder, { ...REPORT, plots: PLOTS });
    const ids = [...read("report.html").matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id);
    expect(ids.length).to.be.greaterThan(0);
    expect(new Set(ids).size).to.equal(ids.length);
  });

  it("draws the same for the same plot", async () => {
    for (const plot of PLOTS) expect(await renderSvg(plot)).to.equal(await renderSvg(plot));
  });

  it("replaces the report before it, all of it", async () => {
    await writeReport(folder, { ...REPORT, files: { "old.txt": "old" } });
    await writeReport(folder, REPORT);
    expect(readdirSync(folder).sort()).to.deep.equal(["losses.csv", "report.html", "report.json"]);
    expect(readdirSync(join(parent, "reports"))).to.deep.equal(["size"]);
  });

  it("does not replace what is no report", async () => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "thesis.txt"), "years of work");
    await rejected(writeReport(folder, REPORT), "it is not replaced");
    expect(readdirSync(folder)).to.deep.equal(["thesis.txt"]);
  });

  it("leaves nothing, and what was there, where it cannot be drawn", async () => {
    await writeReport(folder, REPORT);
    const broken: Plot = { name: "broken", title: "b", spec: { mark: "nothing" } as never };
    await rejected(writeReport(folder, { ...REPORT, seed: 8, plots: [broken] }));
    expect(JSON.parse(read("report.json"))).to.have.property("seed", 7);
    expect(readdirSync(join(parent, "reports"))).to.deep.equal(["size"]);
  });

  it("leaves nothing where a file has no name that can be", async () => {
    await rejected(writeReport(folder, { ...REPORT, files: { "../escape": "" } }), "no name of a file");
    await rejected(writeReport(folder, { ...REPORT, files: { "losses.csv": "" } }), "there twice");
    expect(existsSync(folder)).to.equal(false);
  });
});

describe("thin", () => {
  it("keeps the extremes and the ends of a long line", () => {
    const points = Array.from(
      { length: 10_000 },
      (_, x) => [x, x === 4_321 ? 99 : x === 8_765 ? -99 : Math.sin(x)] as const,
    );
    const kept = thin(points, 500);
    expect(kept.length).to.be.at.most(500);
    expect(kept).to.deep.include.members([points[0], points[4_321], points[8_765], points.at(-1)]);
    expect(kept.map(([x]) => x)).to.deep.equal(kept.map(([x]) => x).toSorted((a, b) => a - b));
  });
});

async function rejected(promise: Promise<void>, message = ""): Promise<void> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (message === "") expect(error).to.be.instanceOf(Error);
  else expect(error).to.be.instanceOf(LabError).with.property("message").that.contains(message);
}
