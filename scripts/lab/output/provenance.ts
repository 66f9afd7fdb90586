/** Which parameters and which code a report is about. */
import { execFileSync } from "node:child_process";

import { id } from "ethers";

import type { Parameters } from "../../deploy/parameters.ts";

/** keccak256 of the parameters in canonical form: keys sorted, bigint as decimal strings; where the file lies is no part. */
export function hashParameters(parameters: Parameters): string {
  return id(canonical({ ...parameters, file: undefined }));
}

/** JSON with sorted keys and without what is undefined, bigint as decimal strings. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, entry: unknown) => {
    if (typeof entry === "bigint") return String(entry);
    if (typeof entry !== "object" || entry === null || Array.isArray(entry)) return entry;
    return Object.fromEntries(Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** The commit of this tree, with "+" if it has changes; "unknown" where git does not say. */
export function readCommit(): string {
  const git = (...args: string[]): string =>
    execFileSync("git", args, {
      cwd: import.meta.dirname,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  try {
    return git("rev-parse", "HEAD") + (git("status", "--porcelain", "--untracked-files=no") === "" ? "" : "+");
  } catch {
    return "unknown";
  }
}
