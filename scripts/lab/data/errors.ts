import { LabError } from "../errors.ts";

export type DataFault =
  | "unreadable"
  | "missing column"
  | "missing field"
  | "one row"
  | "wrong unit"
  | "not a number"
  | "not positive"
  | "high below low"
  | "outside low and high"
  | "duplicate"
  | "unsorted"
  | "gap"
  | "off the grid"
  | "inconsistent";

/** A file of prices that is not what it has to be. */
export class DataError extends LabError {
  readonly fault: DataFault;
  readonly file: string;
  /** From 1, the header's. */
  readonly line: number;

  constructor(
    fault: DataFault,
    { file, line, detail, cause }: { file: string; line: number; detail: string; cause?: unknown },
  ) {
    super(`${file}:${line}: ${fault}: ${detail}`, { cause });
    this.fault = fault;
    this.file = file;
    this.line = line;
  }
}
