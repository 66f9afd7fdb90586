import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { loadParameters } from "../../../scripts/deploy/parameters.ts";
import * as calibrate from "../../../scripts/lab/calibrate/command.ts";
import { EXIT, type ExitCode } from "../../../scripts/lab/errors.ts";
import { runLab } from "../../../scripts/lab/run.ts";
import { candlesOf, START } from "./market.ts";

const HOUR = 3_600;
const HOURS = 600;
const FIT_HOURS = 400;
const PARAMETERS = "deploy/parameters/local.ts";

interface Written {
  readonly parameterHash: string;
  readonly failures: readonly string[];
  readonly data: {
    readonly proposedHash: string;
    readonly changes: readonly { readonly path: string; readonly before: string; readonly after: string }[];
  };
}

describe("calibrate", () => {
  let parent: string;
  let complained: string[];
  const files = candlesOf(
    [
      { symbol: "ETH", price: 2_000, slope: 1.2, own: 0.2 },
      { symbol: "BTC", price: 30_000, slope: 1, own: 0.2 },
      { symbol: "LINK", price: 15, slope: 1.5, own: 0.8 },
    ],
    { seed: 5, hours: HOURS, volatility: (hour) => (hour % 100 === 50 ? 0.02 : 0.0015) },
  );

  before(async () => {
    parent = mkdtempSync(join(tmpdir(), "lab-"));
    for (const [symbol, text] of files) writeFileSync(join(parent, `${symbol}.csv`), text);
    expect(await start("first", ...until), complained.join()).to.equal(EXIT.ok);
  });

  after(() => {
    rmSync(parent, { recursive: true });
  });

  const start = (out: string, ...more: string[]): Promise<ExitCode> => {
    complained = [];
    const prices = [...files.keys()].flatMap((symbol) => ["--prices", `${symbol}=${join(parent, `${symbol}.csv`)}`]);
    return runLab(["calibrate", "--quiet", "--out", join(parent, out), ...prices, ...more], {
      load: () => Promise.resolve(calibrate),
      signal: new AbortController().signal,
      streams: { out: () => undefined, error: (text) => complained.push(text), terminal: process.stderr },
    });
  };
  const until = ["--fit-until", String(START + FIT_HOURS * HOUR)];
  const read = (out: string): Written => JSON.parse(readFileSync(join(parent, out, "report.json"), "utf8")) as Written;
  const tableOf = (out: string, name: string): string[][] =>
    readFileSync(join(parent, out, `${name}.csv`), "utf8")
      .trim()
      .split("\r\n")
      .map((line) => line.split(","));

  it("proposes a file that is one of parameters, changed as the report says and nowhere else", async () => {
    const proposed = await loadParameters(join(parent, "first", "parameters.mjs"));
    const base = await loadParameters(PARAMETERS);
    const { changes } = read("first").data;
    expect(changes.length).to.be.greaterThan(3);
    const changed = proposed.assets.filter(({ listing, limits }, index) => {
      const before = base.assets[index];
      return text(before?.listing) !== text(listing) || text(before?.limits) !== text(limits);
    });
    const named = changes.flatMap(({ path }) => /^assets\.(\w+)\./.exec(path)?.[1] ?? []);
    expect(changed.map(({ symbol }) => symbol).sort()).to.deep.equal([...new Set(named)].sort());
    const sigma = changes.find(({ path }) => path === "assets.LINK.risk.sigma")?.after;
    const link = proposed.assets.find(({ symbol }) => symbol === "LINK");
    expect(sigma).to.equal(`${String(Number(link?.listing.risk.sigma) / 10_000)} %`);
  });

  it("covers what it was fitted on at the confidence", () => {
    const [head = [], ...rows] = tableOf("first", "coverage");
    const at = (name: string): number => head.indexOf(name);
    const fitted = rows.filter(
      (row) =>
        row[at("parameters")] === "proposed" &&
        row[at("period")] === "fit" &&
        row[at("requirement")] === "initial" &&
        row[at("kind")] === "outright",
    );
    expect(fitted).to.have.length(6);
    for (const row of fitted) {
      expect(Number(row[at("failures")]), row.join()).to.be.at.most(0.005 * Number(row[at("windows")]));
    }
  });

  it("gives the same report for the same files", async () => {
    await start("twice", ...until);
    for (const name of ["report.json", "report.html", "coverage.csv", "parameters.mjs"]) {
      const [once, twice] = ["first", "twice"].map((out) => readFileSync(join(parent, out, name), "utf8"));
      expect(once).to.equal(twice);
    }
  });

  it("fits on nothing that comes after", async () => {
    const [first = ""] = files.values();
    const lines = first.trim().split("\n");
    // The candles of the test period fall by half in its last hour.
    const spoilt = lines.map((line, index) => {
      if (index <= 12 * (HOURS - 1)) return line;
      const [at, ...prices] = line.split(",");
      return [at, ...prices.map((price) => Number(price) / 2)].join();
    });
    writeFileSync(join(parent, "ETH.csv"), `${spoilt.join("\n")}\n`);
    await start("spoilt", ...until);
    writeFileSync(join(parent, "ETH.csv"), first);
    expect(tableOf("spoilt", "fit")).to.deep.equal(tableOf("first", "fit"));
    expect(tableOf("spoilt", "coverage")).not.to.deep.equal(tableOf("first", "coverage"));
  });

  const refused: [what: string, options: string[], message: string][] = [
    ["an asset that the parameters have not", ["--prices", "PEPE=pepe.csv"], "has no PEPE"],
    ["a file of another asset's prices", ["--prices", "BTC=ETH.csv"], "ETH.csv:"],
    ["too little to fit on", ["--fit-until", String(START + 50 * HOUR)], "at least 100 are needed"],
    ["a horizon that steps do not fill", ["--horizon", "1000"], "--horizon must be a multiple of --step"],
    ["parameters that are none", ["--parameters", "package.json"], "package.json"],
  ];
  for (const [what, options, message] of refused) {
    it(`refuses ${what}, and writes nothing`, async () => {
      const placed = options.map((option) => option.replace("=ETH.csv", `=${join(parent, "LINK.csv")}`));
      expect(await start("refused", ...until, ...placed)).to.equal(EXIT.usage);
      expect(complained.join()).to.contain(message.replace("ETH.csv", "LINK.csv"));
      expect(existsSync(join(parent, "refused"))).to.equal(false);
    });
  }
});

function text(value: unknown): string {
  return JSON.stringify(value, (_, entry: unknown) => (typeof entry === "bigint" ? String(entry) : entry));
}
