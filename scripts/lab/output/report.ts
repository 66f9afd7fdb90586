/** What a command of the lab has found, before it is written. */
import type { Plot } from "./plots.ts";

/** Undefined: there is no value, which is an empty field of a CSV file. */
export type Cell = string | number | bigint | boolean | undefined;

export interface Column {
  readonly name: string;
  /** Of its numbers: "USD", "%", "s". */
  readonly unit?: string;
}

/** Becomes `<name>.csv` and a table of the page. */
export interface Table {
  /** Small letters, digits and dashes. */
  readonly name: string;
  /** Of the page, otherwise the name. */
  readonly title?: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
}

export interface Report {
  /** Name of the command. */
  readonly command: string;
  readonly title: string;
  /** Undefined where nothing is drawn at random. */
  readonly seed?: number;
  /** Of `hashParameters`. */
  readonly parameterHash: string;
  /** Of `readCommit`. */
  readonly commit: string;
  /** Last block of the chain that was used, of recorded data the last round's time is in the settings. */
  readonly block?: number | bigint;
  /** Everything that the result depends on, as it was understood: options with their defaults, files. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly tables: readonly Table[];
  readonly plots: readonly Plot[];
  /** Sentences: what was found, assumed, left out. */
  readonly notes: readonly string[];
  /** What should hold and does not. The report is written, and the command ends with `EXIT.failed`. */
  readonly failures?: readonly string[];
  /** Files that go beside the report, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** All else for programs; bigint becomes a decimal string. */
  readonly json: unknown;
}
