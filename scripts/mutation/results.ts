/** What is known about each mutant, kept in a file from run to run. */
import { createHash } from "node:crypto";
import { globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import type { Mutant } from "./mutants.ts";
import type { Verdict } from "./pool.ts";

export type Result = Verdict & Pick<Mutant, "file" | "line" | "scope" | "operator" | "original" | "mutated">;

interface Stored {
  readonly fingerprint: string;
  readonly results: Record<string, Result>;
}

/** What a verdict depends on. */
const INPUTS = "{contracts,test,scripts/model,scripts/mutation}/**/*.{sol,ts}";

export class Results {
  readonly #path: string;
  readonly #stored: Stored;

  /** Results of other contracts or tests are dropped. */
  constructor(root: string, path: string, fresh: boolean) {
    this.#path = path;
    const fingerprint = fingerprintOf(root);
    const stored = fresh ? undefined : load(path);
    this.#stored = stored?.fingerprint === fingerprint ? stored : { fingerprint, results: {} };
  }

  get({ key }: Mutant): Result | undefined {
    return this.#stored.results[key];
  }

  set(mutant: Mutant, verdict: Verdict): void {
    const { key, file, line, scope, operator, original, mutated } = mutant;
    this.#stored.results[key] = { ...verdict, file, line, scope, operator, original, mutated };
    mkdirSync(dirname(this.#path), { recursive: true });
    // Written beside and moved, so that an interruption leaves a whole file.
    writeFileSync(`${this.#path}.new`, `${JSON.stringify(this.#stored, undefined, 2)}\n`);
    renameSync(`${this.#path}.new`, this.#path);
  }
}

function load(path: string): Stored | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Stored;
  } catch {
    return undefined;
  }
}

function fingerprintOf(root: string): string {
  const hash = createHash("sha256");
  for (const name of [...globSync(INPUTS, { cwd: root })].sort()) {
    hash.update(name).update(readFileSync(join(root, name)));
  }
  return hash.digest("hex");
}
