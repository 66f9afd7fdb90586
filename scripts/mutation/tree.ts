/** The copy of the repository that has the mutants in it, so that the real one is not touched. */
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { MUTANT_VARIABLE, NONE, OPTIMIZER_VARIABLE } from "./connections.ts";
import { SWITCH_FILE } from "./schemata.ts";

const COPIED = ["contracts", "test", "scripts", "deploy", "hardhat.config.ts", "package.json"];
const CONFIG = "scripts/mutation/hardhat.config.ts";

/** The environment of what Hardhat does in the copy. */
export function environment(mutant: number): NodeJS.ProcessEnv {
  return { ...process.env, HARDHAT_CONFIG: CONFIG, [MUTANT_VARIABLE]: String(mutant) };
}

/** Copies the repository afresh; compilers' caches stay. */
export function createTree(root: string, tree: string): void {
  mkdirSync(tree, { recursive: true });
  for (const name of COPIED) {
    rmSync(join(tree, name), { recursive: true, force: true });
    cpSync(join(root, name), join(tree, name), { recursive: true });
  }
  if (!existsSync(join(tree, "node_modules"))) symlinkSync(join(root, "node_modules"), join(tree, "node_modules"));
}

/** Puts texts of one character per byte into the copy; files of an earlier program go back to what `original` says. */
export function writeProgram(
  tree: string,
  original: ReadonlyMap<string, string>,
  written: ReadonlyMap<string, string>,
  switchText: string,
): void {
  const texts = new Map([...original, ...written, [SWITCH_FILE, switchText]]);
  for (const [name, text] of texts) {
    mkdirSync(dirname(join(tree, name)), { recursive: true });
    writeFileSync(join(tree, name), text, "latin1");
  }
}

/** `shallow`: only steps of the optimizer that make no stack deeper; `full`: those of the repository, which take longer. */
export const OPTIMIZERS = ["shallow", "full"] as const;

/** Compiles the copy. Returns what the compiler says where it refuses. */
export async function build(tree: string, optimizer: (typeof OPTIMIZERS)[number]): Promise<string | undefined> {
  const { code, output } = await hardhat(tree, ["build", "--no-typechain"], NONE, { [OPTIMIZER_VARIABLE]: optimizer });
  return code === 0 ? undefined : output;
}

/** Whether Solidity tests pass with a mutant on. */
export async function passesSolidityTests(tree: string, files: readonly string[], mutant: number): Promise<boolean> {
  const { code } = await hardhat(tree, ["test", "solidity", "--no-compile", ...files], mutant);
  return code === 0;
}

async function hardhat(
  tree: string,
  args: readonly string[],
  mutant: number,
  variables: NodeJS.ProcessEnv = {},
): Promise<{ code: number | null; output: string }> {
  const env = { ...environment(mutant), ...variables };
  const child = spawn(process.execPath, [join("node_modules", ".bin", "hardhat"), ...args], { cwd: tree, env });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (output += data.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  return { code, output };
}
