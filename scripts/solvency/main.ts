/** `npm run solvency`: see `USAGE` in `config.ts`. Exit codes: `EXIT` there. */
import { runCommand } from "../command.ts";
import { connect, UnreachableError } from "../deploy/endpoint.ts";
import { EXIT, parseConfig, USAGE } from "./config.ts";
import { readSolvency, WrongChainError } from "./reading.ts";
import { findBreaches, render, toJson } from "./report.ts";

async function main(argv: readonly string[]): Promise<number> {
  const { book, rpc, json } = await parseConfig(argv);
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

await runCommand({
  main: async () => main(process.argv.slice(2)),
  usage: USAGE,
  exit: EXIT,
  codes: [
    [WrongChainError, EXIT.wrongChain],
    [UnreachableError, EXIT.unreachable],
  ],
});
