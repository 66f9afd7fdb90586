/** `npm run solvency`: see `USAGE` in `config.ts`. Exit codes: `EXIT` there. */
import { connect, UnreachableError } from "../deploy/endpoint.ts";
import { messageOf, PlimsollError } from "../deploy/PlimsollError.ts";
import { ConfigError, EXIT, parseConfig, USAGE } from "./config.ts";
import { readSolvency, WrongChainError } from "./reading.ts";
import { findBreaches, render, toJson } from "./report.ts";

async function main(argv: readonly string[]): Promise<number> {
  const { book, rpc, json } = parseConfig(argv);
  const provider = await connect(rpc);
  try {
    const reading = await readSolvency(provider, book);
    const breaches = findBreaches(reading);
    console.log(json ? toJson(reading, breaches) : render(reading, breaches));
    return breaches.length === 0 ? EXIT.sound : EXIT.unsound;
  } finally {
    provider.destroy();
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigError) return EXIT.config;
  if (error instanceof WrongChainError) return EXIT.wrongChain;
  if (error instanceof UnreachableError) return EXIT.unreachable;
  return EXIT.unexpected;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(messageOf(error));
  if (error instanceof ConfigError) console.error(USAGE);
  if (!(error instanceof PlimsollError)) console.error(error);
  process.exitCode = exitCodeOf(error);
}
