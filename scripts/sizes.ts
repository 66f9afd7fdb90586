/**
 * Prints the bytecode sizes of the contracts that can be deployed, largest first, and exits 1 where one is over a limit.
 * Reads the artifacts of `npm run build`; contracts for tests and local chains (`contracts/testing`) do not count.
 */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

interface Artifact {
  contractName: string;
  sourceName: string;
  bytecode: string;
  deployedBytecode: string;
}

/** EIP-170 and EIP-3860. Constructor arguments count as initcode too, and come on top of what an artifact knows. */
const MAX_RUNTIME = 24_576;
const MAX_INITCODE = 49_152;

const artifactsFolder = fileURLToPath(new URL("../artifacts", import.meta.url));

const sizes = globSync("contracts/**/*.json", { cwd: artifactsFolder })
  .map((path) => JSON.parse(readFileSync(join(artifactsFolder, path), "utf8")) as Artifact)
  .filter(({ sourceName, bytecode }) => !sourceName.startsWith("contracts/testing/") && bytecode !== "0x")
  .map(({ contractName, bytecode, deployedBytecode }) => ({
    contractName,
    runtime: byteLength(deployedBytecode),
    initcode: byteLength(bytecode),
  }))
  .sort((a, b) => b.runtime - a.runtime);

if (sizes.length === 0) console.log("No contract to measure.");
else printTable();

const tooLarge = sizes.filter(({ runtime, initcode }) => runtime > MAX_RUNTIME || initcode > MAX_INITCODE);
for (const { contractName } of tooLarge) console.error(`${contractName} is too large to deploy`);
process.exitCode = tooLarge.length > 0 ? 1 : 0;

/** Placeholders of unlinked libraries are as long as the addresses that replace them. */
function byteLength(hex: string): number {
  return (hex.length - 2) / 2;
}

function printTable(): void {
  const width = Math.max(...sizes.map(({ contractName }) => contractName.length), "contract".length);
  const row = (name: string, ...columns: (number | string)[]) =>
    [name.padEnd(width), ...columns.map((column) => column.toLocaleString("en").padStart(9))].join("  ");
  console.log(row("contract", "runtime", "margin", "initcode", "margin"));
  for (const { contractName, runtime, initcode } of sizes) {
    console.log(row(contractName, runtime, MAX_RUNTIME - runtime, initcode, MAX_INITCODE - initcode));
  }
}
