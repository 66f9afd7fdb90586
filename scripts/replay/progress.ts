/** A bar on a terminal; elsewhere a line for every tenth. */
export interface Progress {
  /** Says what begins. */
  phase(text: string): void;
  /** @param done Of 0 to 1. */
  advance(done: number, label: string): void;
  end(): void;
}

const WIDTH = 32;
const TENTHS = 10;

export function createProgress(stream: NodeJS.WriteStream, { quiet }: { quiet: boolean }): Progress {
  if (quiet) return { phase: () => undefined, advance: () => undefined, end: () => undefined };
  let lastTenth = -1;
  return {
    phase: (text) => {
      stream.write(`${text}\n`);
    },
    advance: (done, label) => {
      if (stream.isTTY) {
        const full = Math.round(done * WIDTH);
        const bar = "█".repeat(full) + "░".repeat(WIDTH - full);
        stream.write(`\r${bar} ${String(Math.round(done * 100)).padStart(3)} %  ${label}`);
        return;
      }
      const tenth = Math.floor(done * TENTHS);
      if (tenth === lastTenth) return;
      lastTenth = tenth;
      stream.write(`${String(Math.round(done * 100)).padStart(3)} %  ${label}\n`);
    },
    end: () => {
      if (stream.isTTY) stream.write("\n");
    },
  };
}
