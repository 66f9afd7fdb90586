/** `npm run keeper`: see `USAGE` in `config.ts`. Exit codes: `exit.ts`. */
import { messageOf, PlimsollError } from "../deploy/PlimsollError.ts";
import { type Config, ConfigError, parseConfig, secretsOf, USAGE } from "./config.ts";
import { EXIT, exitCodeOf } from "./exit.ts";
import { createLog, type Log } from "./log.ts";
import { REPORT_VARIABLES, reportSourceOf } from "./reading/reports.ts";
import { startKeeper } from "./start.ts";
import { stopperOf } from "./stopper.ts";
import { type Redact, redactor } from "./watch/redact.ts";

async function main(config: Config, redact: Redact, log: Log): Promise<void> {
  const keeper = await startKeeper(config, { log, redact, reports: reportSourceOf(process.env) });
  const stop = stopperOf({
    stop: (signal) => {
      log.info("stopping", { signal });
      keeper.stop();
    },
    end: () => process.exit(EXIT.unexpected),
  });
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  const counters = await keeper.run();
  log.info("stopped", counters);
}

const CLOSING_MS = 10_000;

let redact: Redact = (text) => text;
try {
  const config = parseConfig(process.argv.slice(2), process.env);
  const { apiKey, userSecret } = REPORT_VARIABLES;
  redact = redactor([...secretsOf(config), process.env[apiKey], process.env[userSecret]]);
  await main(config, redact, createLog(config.logLevel, redact));
} catch (error) {
  createLog("error", redact).error("failed", { reason: messageOf(error) });
  if (error instanceof ConfigError) console.error(USAGE);
  // The unexpected is shown with where it came from.
  if (!(error instanceof PlimsollError))
    console.error(redact(error instanceof Error ? (error.stack ?? "") : String(error)));
  process.exitCode = exitCodeOf(error);
  // Nothing that does not close may keep a supervisor from starting it again.
  setTimeout(() => process.exit(), CLOSING_MS).unref();
}
