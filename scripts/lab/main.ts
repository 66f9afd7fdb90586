/** `npm run lab`: see `USAGE` in `run.ts`. */
import { type CommandName, runLab } from "./run.ts";
import type { Command } from "./shell.ts";

/** Commands are loaded when they are asked for: some bring a chain. */
const load = async (name: CommandName): Promise<Command> =>
  (await import(new URL(`${name}/command.ts`, import.meta.url).href)) as Command;

const interrupt = new AbortController();
// A second one ends the process as usual.
process.once("SIGINT", () => {
  interrupt.abort();
});

process.exitCode = await runLab(process.argv.slice(2), {
  load,
  signal: interrupt.signal,
  streams: {
    out: (text) => {
      console.log(text);
    },
    error: (text) => {
      console.error(text);
    },
    terminal: process.stderr,
  },
});
