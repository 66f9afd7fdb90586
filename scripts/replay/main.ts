/** `npm start`: see USAGE in `options.ts`. */
import { constants } from "node:os";

import { describe, EXIT, ReplayError } from "./errors.ts";
import { parseOptions, USAGE } from "./options.ts";
import { runReplay } from "./run.ts";

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => {
    process.exitCode = 128 + constants.signals[signal];
    stopping.abort(new Error(`stopped by ${signal}`));
  });
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) console.log(USAGE);
  else if (!(await runReplay(options, stopping.signal))) process.exitCode = EXIT.check;
} catch (error) {
  if (stopping.signal.aborted) console.error(describe(stopping.signal.reason));
  else if (error instanceof ReplayError) {
    console.error(`error: ${describe(error)}`);
    process.exitCode = error.exitCode;
  } else {
    console.error(error);
    process.exitCode = EXIT.process;
  }
}
// Whatever is still open (a socket, a timer) must not keep a finished run alive.
process.exit();
