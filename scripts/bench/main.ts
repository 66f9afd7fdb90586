/**
 * `npm run bench:keeper`: how fast a keeper is, in absolute figures and beside what they compare with.
 *
 *   npm run bench:keeper -- [--only screen,index,latency] [--accounts N] [--samples N] [--json]
 */
import { cpus } from "node:os";
import { parseArgs } from "node:util";

import { messageOf, PlimsollError } from "../deploy/PlimsollError.ts";
import { type Figure, figuresOf, renderFigures } from "./figures.ts";
import { benchLatency } from "./latency.ts";

const BENCHES = ["screen", "index", "latency"] as const;
type Bench = (typeof BENCHES)[number];

/** A flag that cannot be. */
class UsageError extends PlimsollError {}

const { values } = parseArgs({
  options: {
    only: { type: "string", default: BENCHES.join(",") },
    accounts: { type: "string", default: "10000" },
    samples: { type: "string", default: "100" },
    json: { type: "boolean", default: false },
  },
});

const say = (what: string): void => {
  // Figures alone go to standard output.
  process.stderr.write(`  ${what}\n`);
};

async function run(bench: Bench): Promise<readonly Figure[]> {
  process.stderr.write(`${bench}\n`);
  switch (bench) {
    case "screen":
      return figuresOf(bench, await call("screen.ts", "benchScreen"));
    case "index":
      return figuresOf(bench, await call("index.ts", "benchIndex"));
    case "latency": {
      const result = await benchLatency({ ...sizes(), onProgress: say });
      const what = `price seen → transaction sent, ${result.accounts} accounts`;
      return [
        { what: `${what}, median`, value: result.seenToSent.median, unit: "ms" },
        { what: `${what}, p99 of ${result.samples}`, value: result.seenToSent.p99, unit: "ms" },
        { what: "block made → transaction sent, median", value: result.minedToSent.median, unit: "ms" },
        { what: "block made → transaction sent, p99", value: result.minedToSent.p99, unit: "ms" },
      ];
    }
  }
}

/** One at a time, so that what one holds in memory weighs on no other. */
async function call(file: string, name: string): Promise<unknown> {
  const benches = (await import(new URL(file, import.meta.url).href)) as Readonly<Record<string, () => unknown>>;
  const bench = benches[name];
  if (bench === undefined) throw new PlimsollError(`${file} has no ${name}`);
  return bench();
}

function sizes(): { accounts: number; samples: number } {
  return { accounts: whole("accounts", values.accounts), samples: whole("samples", values.samples) };
}

function whole(flag: string, text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1) throw new UsageError(`--${flag} needs a whole number above 0, not "${text}"`);
  return value;
}

function chosen(): readonly Bench[] {
  return values.only.split(",").map((name) => {
    const bench = BENCHES.find((candidate) => candidate === name);
    if (bench === undefined) throw new UsageError(`--only knows no "${name}"`);
    return bench;
  });
}

try {
  const figures: Figure[] = [];
  for (const bench of chosen()) figures.push(...(await run(bench)));
  const cores = cpus();
  const machine = `${cores.length} cores (${cores[0]?.model.trim() ?? "unknown"}), Node ${process.version}`;
  console.log(values.json ? JSON.stringify({ machine, figures }, undefined, 2) : renderFigures(machine, figures));
} catch (error) {
  console.error(error instanceof PlimsollError ? messageOf(error) : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
