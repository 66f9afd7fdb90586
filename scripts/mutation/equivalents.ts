/** Mutants that nobody can kill, because they do what the original does: each with the reason, in `equivalent.json`. */
import { readFileSync } from "node:fs";

import type { Mutant } from "./mutants.ts";

interface Equivalent {
  readonly file: string;
  /** As `--list` shows them. */
  readonly original: string;
  readonly mutated: string;
  readonly reason: string;
}

/** Throws if an entry has no reason, or no mutant is what it describes any more. */
export function withoutEquivalents(mutants: readonly Mutant[]): Mutant[] {
  const declared = read();
  const byText = new Map(declared.map((entry) => [textOf(entry), entry]));
  const stale = new Set(byText.keys());
  for (const mutant of mutants) stale.delete(textOf(mutant));
  for (const text of stale) throw new Error(`equivalent.json describes what is no longer there:\n${text}`);
  return mutants.filter((mutant) => !byText.has(textOf(mutant)));
}

function read(): Equivalent[] {
  const path = new URL("equivalent.json", import.meta.url);
  const entries = JSON.parse(readFileSync(path, "utf8")) as Partial<Equivalent>[];
  return entries.map((entry) => {
    const { file, original, mutated, reason } = entry;
    if (!file || !original || !mutated || !reason)
      throw new Error(`equivalent.json: incomplete ${JSON.stringify(entry)}`);
    return { file, original, mutated, reason };
  });
}

function textOf({ file, original, mutated }: { file: string; original: string; mutated: string }): string {
  return `${file}\n  - ${original}\n  + ${mutated}`;
}
