/**
 * Writes many mutants into one program, each behind a switch: `(on(7) ? a - b : a + b)`. The program is compiled once,
 * and a run of the tests chooses one mutant.
 */
import { posix } from "node:path";

import type { Diagnostic, Program } from "./ast.ts";
import { check, enclosing, walk } from "./ast.ts";
import { applyEdits, type Mutant, type Site } from "./mutants.ts";

/** Where the switch is in the written program. */
export const SWITCH_FILE = "contracts/MutantSwitch.sol";

interface Host {
  readonly start: number;
  readonly end: number;
  readonly kind: "expression" | "statement";
  readonly cast: string | undefined;
  readonly alternatives: { readonly number: number; readonly site: Site }[];
  readonly inner: Host[];
}

/**
 * The files of `program` that change when mutant i is written into it as number i + 1. Texts have one character per
 * byte.
 */
export function write(program: Program, mutants: readonly Mutant[]): Map<string, string> {
  const hosts = new Map<string, Map<string, Host>>();
  mutants.forEach(({ sites }, index) => {
    for (const site of sites) {
      const ofFile = hosts.get(site.file) ?? new Map<string, Host>();
      hosts.set(site.file, ofFile);
      const key = `${String(site.host.start)}-${String(site.host.end)}`;
      const host = ofFile.get(key) ?? { ...site.host, cast: site.cast, alternatives: [], inner: [] };
      ofFile.set(key, host);
      host.alternatives.push({ number: index + 1, site });
    }
  });
  const written = new Map<string, string>();
  for (const [file, ofFile] of hosts) {
    const text = program.texts.get(file) ?? "";
    const body = render(text, 0, text.length, nest([...ofFile.values()]));
    written.set(file, withImport(file, body));
  }
  return written;
}

/** The mutants that compile: an error is laid to the alternative in which it stands, until none is left. */
export function validMutants(root: string, program: Program, switchText: string, mutants: readonly Mutant[]): Mutant[] {
  let valid = [...mutants];
  for (;;) {
    const written = write(program, valid);
    const texts = new Map([...program.texts, ...written, [SWITCH_FILE, switchText]]);
    const errors = check(root, texts);
    if (errors.length === 0) return valid;
    const refused = new Set<Mutant>();
    for (const error of errors) {
      for (const number of blamed(error, texts, program, valid)) {
        const mutant = valid[number - 1];
        if (mutant !== undefined) refused.add(mutant);
      }
    }
    valid = valid.filter((mutant) => !refused.has(mutant));
  }
}

function nest(hosts: readonly Host[]): Host[] {
  const roots: Host[] = [];
  const open: Host[] = [];
  for (const host of hosts.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    while (open.length > 0 && (open.at(-1)?.end ?? 0) <= host.start) open.pop();
    (open.at(-1)?.inner ?? roots).push(host);
    open.push(host);
  }
  return roots;
}

function render(text: string, start: number, end: number, hosts: readonly Host[]): string {
  let result = "";
  let at = start;
  for (const host of hosts) {
    result += text.slice(at, host.start) + renderHost(text, host);
    at = host.end;
  }
  return result + text.slice(at, end);
}

function renderHost(text: string, host: Host): string {
  const original = render(text, host.start, host.end, host.inner);
  const alternatives = host.alternatives.map(({ number, site }) => {
    const { start, end, text: replacement } = site.edit;
    const local = { start: start - host.start, end: end - host.start, text: replacement };
    const mutated = applyEdits(text.slice(host.start, host.end), [local]);
    return { number: String(number), mutated: `/*@${String(number)}*/${mutated}/*@*/` };
  });
  if (host.kind === "statement") {
    const branches = alternatives.map(({ number, mutated }) => `if (_mutantOn(${number})) { ${mutated} } else `);
    return `{ ${branches.join("")}{ ${original} } }`;
  }
  const cast = host.cast ?? "";
  const branches = alternatives.map(({ number, mutated }) => `_mutantOn(${number}) ? ${cast}(${mutated}) : `);
  return `(${branches.join("")}${cast}(${original}))`;
}

/** The import stands behind the pragma, in its line, so that line numbers stay. */
function withImport(file: string, text: string): string {
  const path = posix.relative(posix.dirname(file), SWITCH_FILE);
  const from = path.startsWith(".") ? path : `./${path}`;
  return text.replace(
    /pragma solidity [^;]*;/,
    (pragma) => `${pragma} import {mutantOn as _mutantOn, ceilDiv} from "${from}";`,
  );
}

function blamed(
  { sourceLocation, formattedMessage }: Diagnostic,
  texts: ReadonlyMap<string, string>,
  program: Program,
  mutants: readonly Mutant[],
): number[] {
  const text = sourceLocation === undefined ? undefined : texts.get(sourceLocation.file);
  if (sourceLocation === undefined || text === undefined) throw new Error(formattedMessage);
  const open: number[] = [];
  for (const [, number] of text.slice(0, sourceLocation.start).matchAll(/\/\*@(\d*)\*\//g)) {
    if (number === "") open.pop();
    else open.push(Number(number));
  }
  const innermost = open.at(-1);
  if (innermost !== undefined) return [innermost];
  const within = ofFunctionAt(sourceLocation, text, program, mutants);
  if (within.length === 0) throw new Error(formattedMessage);
  return within;
}

/** A variable that a removed statement should have set is reported where it is declared. Lines are those of the source. */
function ofFunctionAt(
  { file, start }: { file: string; start: number },
  text: string,
  program: Program,
  mutants: readonly Mutant[],
): number[] {
  const line = lineAt(text, start);
  const source = program.texts.get(file) ?? "";
  const tree = program.trees.get(file);
  if (tree === undefined) return [];
  for (const node of walk(tree)) {
    if (enclosing(node, ["FunctionDefinition"]) !== node) continue;
    if (line < lineAt(source, node.start) || line > lineAt(source, node.end)) continue;
    return mutants.flatMap(({ operator, sites: [site] }, index) =>
      operator === "statement" && site?.file === file && site.edit.start >= node.start && site.edit.end <= node.end
        ? [index + 1]
        : [],
    );
  }
  return [];
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}
