/**
 * Type-checks the Solidity of `contracts/` and `test/` without generating code, so that it answers in seconds.
 *
 *   npm run check:sol                        everything
 *   npm run check:sol -- contracts/oracles   only files under a path (and what they import)
 *
 * Exits 1 on any error, and on any warning in a file of this repository.
 */
import { globSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

interface Diagnostic {
  severity: "error" | "warning" | "info";
  errorCode?: string;
  message: string;
  formattedMessage: string;
  sourceLocation?: { file: string; start: number; end: number };
}

interface Solc {
  version(): string;
  compile(input: string, callbacks: { import(path: string): { contents: string } | { error: string } }): string;
}

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const OWN_FOLDERS = ["contracts", "test"];

/** Reported once per compilation by every use of `tstore`; its danger is known and handled where it is used. */
const ACCEPTED_WARNINGS = new Set(["2394"]);

const solc = createRequire(import.meta.url)("solc") as Solc;

const started = performance.now();
const sourceNames = findSources(process.argv.slice(2));
const texts = new Map<string, string>();
const diagnostics = check(sourceNames);

let errors = 0;
let warnings = 0;
for (const diagnostic of diagnostics) {
  if (diagnostic.severity === "error") errors++;
  else if (isOurs(diagnostic) && !ACCEPTED_WARNINGS.has(diagnostic.errorCode ?? "")) warnings++;
  else continue;
  report(diagnostic);
}

const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(
  `${String(sourceNames.length)} files, ${String(errors)} errors, ${String(warnings)} warnings (solc ${solc.version()}, ${seconds} s)`,
);
process.exitCode = errors + warnings > 0 ? 1 : 0;

function findSources(paths: string[]): string[] {
  const roots = paths.length === 0 ? OWN_FOLDERS : paths.map((path) => relative(ROOT, resolve(path)));
  const found = roots.flatMap((root) => (root.endsWith(".sol") ? [root] : globSync(`${root}/**/*.sol`, { cwd: ROOT })));
  return [...new Set(found.map((path) => path.split(sep).join("/")))].sort();
}

function check(names: string[]): Diagnostic[] {
  if (names.length === 0) return [];
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(names.map((name) => [name, { content: read(name) }])),
    settings: { outputSelection: { "*": { "*": ["abi"] } } },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: load })) as { errors?: Diagnostic[] };
  return output.errors ?? [];
}

/** Relative imports reach this function resolved against the importing file; every other name is an npm package. */
function load(name: string): { contents: string } | { error: string } {
  const path = OWN_FOLDERS.some((folder) => name.startsWith(`${folder}/`)) ? name : join("node_modules", name);
  try {
    return { contents: read(name, path) };
  } catch {
    return { error: `${path} not found` };
  }
}

function read(name: string, path = name): string {
  const text = readFileSync(isAbsolute(path) ? path : join(ROOT, path), "utf8");
  texts.set(name, text);
  return text;
}

function isOurs(diagnostic: Diagnostic): boolean {
  const file = diagnostic.sourceLocation?.file;
  return file === undefined || OWN_FOLDERS.some((folder) => file.startsWith(`${folder}/`));
}

function report(diagnostic: Diagnostic): void {
  const code = diagnostic.errorCode === undefined ? "" : ` ${diagnostic.errorCode}`;
  console.error(`${position(diagnostic)}: ${diagnostic.severity}${code}: ${diagnostic.message}`);
  const excerpt = diagnostic.formattedMessage.split("\n").slice(2).join("\n").trimEnd();
  if (excerpt !== "") console.error(excerpt);
  console.error();
}

function position({ sourceLocation }: Diagnostic): string {
  if (sourceLocation === undefined) return "(no file)";
  const text = texts.get(sourceLocation.file);
  if (text === undefined || sourceLocation.start < 0) return sourceLocation.file;
  // solc counts bytes, not characters.
  const before = Buffer.from(text).subarray(0, sourceLocation.start).toString().split("\n");
  return `${sourceLocation.file}:${String(before.length)}:${String((before.at(-1)?.length ?? 0) + 1)}`;
}
