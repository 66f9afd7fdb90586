/** What signals ask of a process: first to end in order, then to end at once. */

/** `npm run` passes on what a terminal has sent to all of its group already: a signal that comes so soon is the same one. */
const SAME_MS = 500;

export interface StopperOptions {
  readonly stop: (signal: NodeJS.Signals) => void;
  readonly end: () => void;
  readonly now?: () => number;
}

/** @returns What hears all signals that ask for an end, whichever they are. */
export function stopperOf({ stop, end, now = Date.now }: StopperOptions): (signal: NodeJS.Signals) => void {
  let askedAt: number | undefined;
  return (signal) => {
    if (askedAt === undefined) {
      askedAt = now();
      stop(signal);
    } else if (now() - askedAt >= SAME_MS) end();
  };
}
