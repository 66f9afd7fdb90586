import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";

export const USAGE = `Mutates contracts/libraries and contracts/types and counts which changes the tests notice.

  npm run test:mutation -- [options]

  --sample N       so many mutants, drawn at random (default 200: about an hour on two cores)
  --all            every mutant
  --only PATH      only of files under a path; may be given several times
  --seed N         of the draw (default 1); a larger sample holds the smaller one
  --list           print the mutants, run nothing
  --fresh          forget the results of an earlier run
  --workers N      test processes (default: cores, at most 2)
  --threshold N    score below which the run fails, percent (default 90)
  --help           this text

Results are kept in reports/mutation: an interrupted run goes on where it stopped, while contracts and tests stay the
same. Exit status: 0 score reached, 1 below it, 2 bad flags or no run possible.`;

export interface Options {
  /** `undefined`: all. */
  readonly sample: number | undefined;
  readonly only: readonly string[];
  readonly seed: number;
  readonly list: boolean;
  readonly fresh: boolean;
  readonly workers: number;
  readonly threshold: number;
  readonly help: boolean;
}

export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sample: { type: "string", default: "200" },
      all: { type: "boolean", default: false },
      only: { type: "string", multiple: true, default: [] },
      seed: { type: "string", default: "1" },
      list: { type: "boolean", default: false },
      fresh: { type: "boolean", default: false },
      workers: { type: "string", default: String(Math.min(2, availableParallelism())) },
      threshold: { type: "string", default: "90" },
      help: { type: "boolean", default: false },
    },
  });
  return {
    sample: values.all ? undefined : whole("--sample", values.sample, 1),
    only: values.only.map((path) => path.replace(/^\.\//, "")),
    seed: whole("--seed", values.seed, 0),
    list: values.list,
    fresh: values.fresh,
    workers: whole("--workers", values.workers, 1),
    threshold: whole("--threshold", values.threshold, 0),
    help: values.help,
  };
}

function whole(flag: string, text: string, minimum: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < minimum) {
    throw new Error(`${flag} must be a whole number of at least ${String(minimum)}, not "${text}"`);
  }
  return value;
}
