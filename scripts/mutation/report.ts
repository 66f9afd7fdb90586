/** What a run prints. */
import type { Mutant } from "./mutants.ts";
import type { Verdict } from "./pool.ts";
import type { Result } from "./results.ts";

type Shown = Pick<Mutant, "file" | "line" | "scope" | "operator" | "original" | "mutated"> & Partial<Verdict>;

/** A line of state, rewritten in place on a terminal and now and then elsewhere. */
export class Progress {
  readonly #since = performance.now();
  readonly #pending: number;
  #done = 0;
  #killed = 0;

  /** @param total Of the run. @param pending Those of them that have no result yet. */
  constructor(total: number, pending: number) {
    this.#pending = pending;
    if (pending < total) this.say(`${String(total - pending)} of ${String(total)} are known from an earlier run`);
  }

  count({ status }: Verdict): void {
    this.#done++;
    if (status === "killed") this.#killed++;
    const text = `${String(this.#done)}/${String(this.#pending)} tried, ${String(this.#killed)} killed`;
    if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${this.#clock()} ${text}\r`);
    else if (this.#done % 10 === 0 || this.#done === this.#pending) this.say(text);
  }

  say(text: string): void {
    console.log(`${this.#clock()} ${text}`);
  }

  #clock(): string {
    const seconds = Math.round((performance.now() - this.#since) / 1_000);
    return `[${String(Math.floor(seconds / 60)).padStart(2)}:${String(seconds % 60).padStart(2, "0")}]`;
  }
}

const VERDICTS: Readonly<Record<Verdict["status"], string>> = {
  killed: "killed",
  survived: "survived",
  uncovered: "survived (no test gets there)",
  timeout: "unclear (a test did not end)",
  fault: "unclear (the process broke down twice)",
};

/** A mutant with its place, the original and the mutated line. */
export function printResult({ file, line, scope, operator, original, mutated, status }: Shown): void {
  const verdict = status === undefined ? "" : ` ${VERDICTS[status]}`;
  console.log(`${file}:${String(line)} ${scope}: ${operator}${verdict}\n  - ${original}\n  + ${mutated}`);
}

/** The survivors, a table of all files, and the score in percent: what is unclear counts as not killed. */
export function printSummary(results: readonly Result[]): number {
  const survivors = results.filter(({ status }) => status !== "killed");
  if (survivors.length > 0) {
    console.log("\nNot killed\n");
    for (const result of survivors.toSorted((a, b) => a.file.localeCompare(b.file) || a.line - b.line)) {
      printResult(result);
    }
  }
  const files = [...new Set(results.map(({ file }) => file))].sort();
  const width = Math.max(...files.map(({ length }) => length));
  const row = (name: string, ...columns: string[]) =>
    [name.padEnd(width), ...columns.map((column) => column.padStart(8))].join("  ");
  const rowOf = (name: string, some: readonly Result[]) => {
    const killed = killedOf(some);
    return row(
      name,
      String(some.length),
      String(killed),
      String(some.filter(isSurvivor).length),
      String(some.length - killed - some.filter(isSurvivor).length),
      `${scoreOf(some).toFixed(1)} %`,
    );
  };
  console.log(`\n${row("file", "mutants", "killed", "survived", "unclear", "score")}`);
  for (const name of files) {
    console.log(
      rowOf(
        name,
        results.filter(({ file }) => file === name),
      ),
    );
  }
  console.log(rowOf("all", results));
  return scoreOf(results);
}

function isSurvivor({ status }: Result): boolean {
  return status === "survived" || status === "uncovered";
}

function killedOf(results: readonly Result[]): number {
  return results.filter(({ status }) => status === "killed").length;
}

function scoreOf(results: readonly Result[]): number {
  return (100 * killedOf(results)) / results.length;
}
