/** `npm run oracles`: see `USAGE` in `config.ts`. Exit codes: `EXIT` there. */
import type { JsonRpcProvider } from "ethers";

import { runCommand } from "../command.ts";
import { connect, UnreachableError } from "../deploy/endpoint.ts";
import { checkParameters, checkToJson, faultsOf, renderCheck } from "./check.ts";
import { type Config, EXIT, parseConfig, USAGE } from "./config.ts";
import { readOracles, WrongChainError } from "./reading.ts";
import { findFaults, render, toJson } from "./report.ts";

async function main(argv: readonly string[]): Promise<number> {
  const config = await parseConfig(argv);
  const provider = await connect(config.rpc);
  try {
    const { text, faults } = await reportOf(provider, config);
    console.log(text);
    return faults.length === 0 ? EXIT.healthy : EXIT.unhealthy;
  } finally {
    provider.destroy();
  }
}

async function reportOf(provider: JsonRpcProvider, config: Config): Promise<{ text: string; faults: string[] }> {
  if ("check" in config) {
    const reading = await checkParameters(provider, config.check);
    return { text: config.json ? checkToJson(reading) : renderCheck(reading), faults: faultsOf(reading) };
  }
  const reading = await readOracles(provider, config.book, config.parameters);
  const faults = findFaults(reading);
  return { text: config.json ? toJson(reading, faults) : render(reading, faults), faults };
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
