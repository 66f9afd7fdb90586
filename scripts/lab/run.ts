import { join } from "node:path";

import { messageOf, PlimsollError } from "../deploy/PlimsollError.ts";
import { createProgress } from "../replay/progress.ts";
import { EXIT, type ExitCode, InterruptedError, LabError, UsageError } from "./errors.ts";
import type { Report } from "./output/report.ts";
import { checkReplaceable, writeReport } from "./output/write.ts";
import { type Command, createShell } from "./shell.ts";

/** What each command does, in the order of the usage text. */
export const COMMANDS = {
  calibrate: "parameters from price files, tested out of sample, and a file that `gov plan` takes",
  replay: "recorded markets through the real contracts",
  stress: "thousands of random runs, faults and adversaries; the worst confirmed on the real bytecode",
  contagion: "failures of connected protocols, into this one and back",
  compare: "isolated, plain cross and joint margin on the same portfolios",
  size: "insurance fund and budget of the pool",
} as const;

export type CommandName = keyof typeof COMMANDS;

export const USAGE = `npm run lab -- COMMAND [options]
${Object.entries(COMMANDS)
  .map(([name, text]) => `  ${name.padEnd(10)} ${text}`)
  .join("\n")}

  --out DIR   folder of report.json, report.html and CSV tables (default reports/lab/COMMAND)
  --quiet     no progress bar
  --help      this text, or that of a command

Exit codes: 0 ok, 1 something does not hold (the report says what), 2 bad options or input, 5 unexpected, 130 interrupted.`;

export interface Streams {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  /** Where progress is shown. */
  readonly terminal: NodeJS.WriteStream;
}

/** Runs a command and writes its report. Throws nothing: the exit code says how it went. */
export async function runLab(
  argv: readonly string[],
  { load, streams, signal }: { load: (name: CommandName) => Promise<Command>; streams: Streams; signal: AbortSignal },
): Promise<ExitCode> {
  try {
    const { name, args, out, quiet, help } = parse(argv);
    if (name === undefined) {
      if (!help) throw new UsageError(`a command is missing: ${Object.keys(COMMANDS).join(", ")}`);
      streams.out(USAGE);
      return EXIT.ok;
    }
    const command = await load(name);
    if (help) {
      streams.out(command.usage);
      return EXIT.ok;
    }
    const folder = out ?? join("reports/lab", name);
    checkReplaceable(folder);
    const progress = createProgress(streams.terminal, { quiet });
    let report: Report;
    try {
      report = await command.run(args, createShell({ progress, out: folder, signal }));
    } finally {
      progress.end();
    }
    if (signal.aborted) throw new InterruptedError();
    await writeReport(folder, report);
    for (const note of report.notes) streams.out(note);
    for (const failure of report.failures ?? []) streams.error(failure);
    streams.out(`written to ${folder}`);
    return (report.failures ?? []).length === 0 ? EXIT.ok : EXIT.failed;
  } catch (error) {
    streams.error(describe(error));
    if (error instanceof UsageError) streams.error("(see --help)");
    return signal.aborted ? EXIT.interrupted : exitCodeOf(error);
  }
}

/** Splits off what all commands have. */
function parse(argv: readonly string[]) {
  const [first, ...rest] = argv;
  if (first === undefined || first === "--help") {
    return { name: undefined, args: [], out: undefined, quiet: false, help: first !== undefined };
  }
  const name = (Object.keys(COMMANDS) as CommandName[]).find((known) => known === first);
  if (name === undefined) throw new UsageError(`no command ${first}: ${Object.keys(COMMANDS).join(", ")}`);
  const args: string[] = [];
  let out: string | undefined;
  let [quiet, help] = [false, false];
  for (let index = 0; index < rest.length; index++) {
    const arg = rest[index] ?? "";
    if (arg === "--quiet") quiet = true;
    else if (arg === "--help") help = true;
    else if (arg === "--out" || arg.startsWith("--out=")) {
      out = arg === "--out" ? rest[++index] : arg.slice("--out=".length);
      if (out === undefined || out === "" || out.startsWith("--")) throw new UsageError("--out needs a folder");
    } else args.push(arg);
  }
  return { name, args, out, quiet, help };
}

function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof LabError) return error.exitCode;
  return error instanceof PlimsollError ? EXIT.usage : EXIT.unexpected;
}

/** With the reasons behind it; what nobody expected with its place. */
function describe(error: unknown): string {
  if (!(error instanceof PlimsollError)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  const { cause } = error;
  return cause === undefined ? error.message : `${error.message}\n  because: ${messageOf(cause)}`;
}
