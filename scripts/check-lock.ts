/**
 * Checks that `npm ci` works from the lock file for everybody; `--fix` repairs the file.
 *
 * 1. No `resolved` address: each machine installs from its own registry. (`.npmrc` keeps npm from writing them.)
 * 2. No `engines` at the native parts of Hardhat's network. npm leaves out an optional package that asks for a newer
 *    Node than the one npm runs on, and the project brings its own Node (the package `node`), which npm cannot know.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

interface LockFile {
  packages: Record<string, { resolved?: string; engines?: Record<string, string> }>;
}

const path = fileURLToPath(new URL("../package-lock.json", import.meta.url));
const lock = JSON.parse(readFileSync(path, "utf8")) as LockFile;

const problems: string[] = [];
for (const [name, entry] of Object.entries(lock.packages)) {
  if (entry.resolved !== undefined) {
    problems.push(`${name}: resolved`);
    delete entry.resolved;
  }
  if (name.includes("@nomicfoundation/edr-") && entry.engines !== undefined) {
    problems.push(`${name}: engines`);
    delete entry.engines;
  }
}

if (process.argv.includes("--fix")) {
  writeFileSync(path, `${JSON.stringify(lock, undefined, 2)}\n`);
} else if (problems.length > 0) {
  console.error(`package-lock.json (repair with \`npm run check:lock -- --fix\`):\n${problems.join("\n")}`);
  process.exitCode = 1;
}
