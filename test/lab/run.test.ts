import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { EXIT, LabError } from "../../scripts/lab/errors.ts";
import { readChoice, readFlags, readNumber, readPair, readTime, readWhole } from "../../scripts/lab/options.ts";
import type { Report } from "../../scripts/lab/output/report.ts";
import { runLab } from "../../scripts/lab/run.ts";
import type { Command } from "../../scripts/lab/shell.ts";

const REPORT: Report = {
  command: "size",
  title: "t",
  parameterHash: "0x",
  commit: "c",
  settings: {},
  tables: [],
  plots: [],
  notes: ["noted"],
  json: null,
};

describe("runLab", () => {
  let parent: string;
  let said: string[];
  let complained: string[];

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), "lab-"));
    [said, complained] = [[], []];
  });

  afterEach(() => {
    rmSync(parent, { recursive: true });
  });

  const start = (argv: readonly string[], run: Command["run"], interrupt = new AbortController()) =>
    runLab(argv, {
      load: () => Promise.resolve({ usage: "how to", run }),
      signal: interrupt.signal,
      streams: { out: (text) => said.push(text), error: (text) => complained.push(text), terminal: process.stderr },
    });

  const folder = (): string => join(parent, "out");
  const argv = (...more: string[]): string[] => ["size", "--quiet", "--out", folder(), ...more];

  it("gives a command what is its own, and writes its report", async () => {
    let given: readonly string[] = [];
    const code = await start(argv("--runs", "3"), (args) => {
      given = args;
      return Promise.resolve(REPORT);
    });
    expect(code).to.equal(EXIT.ok);
    expect(given).to.deep.equal(["--runs", "3"]);
    expect(JSON.parse(readFileSync(join(folder(), "report.json"), "utf8"))).to.have.property("command", "size");
    expect(said).to.deep.equal(["noted", `written to ${folder()}`]);
  });

  it("writes a report of what does not hold, and says so by its exit code", async () => {
    const code = await start(argv(), () => Promise.resolve({ ...REPORT, failures: ["bad debt"] }));
    expect(code).to.equal(EXIT.failed);
    expect(complained).to.deep.equal(["bad debt"]);
    expect(existsSync(join(folder(), "report.json"))).to.equal(true);
  });

  it("writes nothing for bad input", async () => {
    const code = await start(argv(), () => Promise.reject(new LabError("f.csv:3: gap: too long")));
    expect(code).to.equal(EXIT.usage);
    expect(complained).to.deep.equal(["f.csv:3: gap: too long"]);
    expect(existsSync(folder())).to.equal(false);
  });

  it("tells what nobody expected apart", async () => {
    expect(await start(argv(), () => Promise.reject(new TypeError("x")))).to.equal(EXIT.unexpected);
    expect(complained.join()).to.contain("TypeError: x");
  });

  it("ends and writes nothing when it is interrupted", async () => {
    const interrupt = new AbortController();
    let wentOn = false;
    const code = await start(
      argv(),
      async (_, shell) => {
        await shell.checkpoint();
        interrupt.abort();
        await shell.checkpoint();
        wentOn = true;
        return REPORT;
      },
      interrupt,
    );
    expect({ code, wentOn }).to.deep.equal({ code: EXIT.interrupted, wentOn: false });
    expect(existsSync(folder())).to.equal(false);
  });

  it("does not begin what could not be written", async () => {
    let begun = false;
    const code = await start(["size", "--out", process.cwd(), "--quiet"], () => {
      begun = true;
      return Promise.resolve(REPORT);
    });
    expect({ code, begun }).to.deep.equal({ code: EXIT.usage, begun: false });
  });

  for (const [what, args] of [
    ["no command", []],
    ["an unknown command", ["explode"]],
    ["an empty folder", ["size", "--out"]],
  ] as const) {
    it(`refuses ${what}`, async () => {
      expect(await start(args, () => Promise.resolve(REPORT))).to.equal(EXIT.usage);
      expect(complained.join("\n")).to.contain("see --help");
    });
  }

  it("shows the usage of all and of one", async () => {
    expect(await start(["--help"], () => Promise.resolve(REPORT))).to.equal(EXIT.ok);
    expect(await start(["size", "--help"], () => Promise.resolve(REPORT))).to.equal(EXIT.ok);
    expect(said[0]).to.contain("npm run lab");
    expect(said[1]).to.equal("how to");
  });
});

describe("options of the lab", () => {
  it("are read", () => {
    expect(readFlags(["--a", "1"], { a: { type: "string" } }).values).to.deep.include({ a: "1" });
    expect(readWhole("n", "12", { minimum: 1, maximum: 12 })).to.equal(12);
    expect(readNumber("n", "-1.5", { minimum: -2, maximum: 2 })).to.equal(-1.5);
    expect(readTime("t", "2023-08-17T21:42:00Z")).to.equal(1_692_308_520);
    expect(readTime("t", "2023-08-17T23:42:00+02:00")).to.equal(1_692_308_520);
    expect(readTime("t", "1692308520")).to.equal(1_692_308_520);
    expect(readChoice("c", "b", ["a", "b"])).to.equal("b");
    expect(readPair("p", "ETH=a=b.csv")).to.deep.equal(["ETH", "a=b.csv"]);
  });

  const bad: [what: string, read: () => unknown][] = [
    ["an unknown flag", () => readFlags(["--b", "1"], { a: { type: "string" } })],
    ["a stray argument", () => readFlags(["b"], { a: { type: "string" } })],
    ["a fraction for a whole number", () => readWhole("flag", "1.5", { minimum: 1, maximum: 12 })],
    ["a number above its range", () => readWhole("flag", "13", { minimum: 1, maximum: 12 })],
    ["a word for a number", () => readNumber("flag", "ten", { minimum: 1, maximum: 12 })],
    ["a time without a zone", () => readTime("flag", "2023-08-17T21:42:00")],
    ["milliseconds", () => readTime("flag", "1692308520000")],
    ["another word", () => readChoice("flag", "c", ["a", "b"])],
    ["half a pair", () => readPair("flag", "ETH=")],
  ];
  for (const [what, read] of bad) {
    it(`are refused: ${what}`, () => {
      expect(read).to.throw(LabError).with.property("exitCode", EXIT.usage);
    });
  }
});
