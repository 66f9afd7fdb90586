/** `npm run bench:keeper`: see `USAGE` in `options.ts`. */
import { cpus } from "node:os";

import { messageOf, PlimsollError } from "../deploy/PlimsollError.ts";
import { type Figure, figuresOf, renderFigures } from "./figures.ts";
import { benchLatency } from "./latency.ts";
import { type Bench, type Options, OptionsError, parseOptions, USAGE } from "./options.ts";

const say = (what: string): void => {
  // Figures alone go to standard output.
  process.stderr.write(`  ${what}\n`);
};

async function run(bench: Bench, { accounts, samples }: Options): Promise<readonly Figure[]> {
  process.stderr.write(`${bench}\n`);
  switch (bench) {
    case "screen":
      return figuresOf(bench, await call("screen.ts", "benchScreen"));
    case "index":
      return figuresOf(bench, await call("index.ts", "benchIndex"));
    case "latency": {
      const result = await benchLatency({ accounts, samples, onProgress: say });
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

async function main(options: Options): Promise<void> {
  const figures: Figure[] = [];
  for (const bench of options.benches) figures.push(...(await run(bench, options)));
  const cores = cpus();
  const machine = `${cores.length} cores (${cores[0]?.model.trim() ?? "unknown"}), Node ${process.version}`;
  console.log(options.json ? JSON.stringify({ machine, figures }, undefined, 2) : renderFigures(machine, figures));
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) console.log(USAGE);
  else await main(options);
} catch (error) {
  console.error(error instanceof PlimsollError ? messageOf(error) : error);
  process.exitCode = error instanceof OptionsError ? 2 : 1;
}
