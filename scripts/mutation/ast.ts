/** The syntax tree of the contracts, as solc sees it. */
import { globSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, sep } from "node:path";

export interface Diagnostic {
  readonly severity: "error" | "warning" | "info";
  readonly formattedMessage: string;
  readonly sourceLocation?: { readonly file: string; readonly start: number; readonly end: number };
}

/** A node; `start` and `end` are byte offsets, so texts are kept as one character per byte (latin1). */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly parent: Node | undefined;
  /** Name of the field of the parent that holds it. */
  readonly role: string;
  readonly children: readonly Node[];
  readonly raw: Readonly<Record<string, unknown>>;
}

export interface Program {
  /** Text of each file of the repository, one character per byte. */
  readonly texts: ReadonlyMap<string, string>;
  readonly trees: ReadonlyMap<string, Node>;
}

interface Output {
  readonly errors?: readonly Diagnostic[];
  readonly sources?: Readonly<Record<string, { readonly ast?: unknown }>>;
}

interface Solc {
  compile(input: string, callbacks: { import(path: string): { contents: string } | { error: string } }): string;
}

const solc = createRequire(import.meta.url)("solc") as Solc;

/** Texts of `contracts/` and of the Solidity tests, one character per byte. */
export function readSources(root: string): Map<string, string> {
  const names = globSync("{contracts,test}/**/*.sol", { cwd: root }).map((path) => path.split(sep).join("/"));
  return new Map(names.sort().map((name) => [name, readFileSync(join(root, name), "latin1")]));
}

/** Parses and type-checks; throws if the code does not compile. */
export function parse(root: string, texts: ReadonlyMap<string, string>): Program {
  const output = run(root, texts, "ast");
  const [error] = errorsOf(output);
  if (error !== undefined) throw new Error(`the contracts do not compile:\n${error.formattedMessage}`);
  const trees = new Map<string, Node>();
  for (const name of texts.keys()) {
    const tree = toNode(output.sources?.[name]?.ast, undefined, "");
    if (tree !== undefined) trees.set(name, tree);
  }
  return { texts, trees };
}

/** The errors of the analysis, without generating code. */
export function check(root: string, texts: ReadonlyMap<string, string>): readonly Diagnostic[] {
  return errorsOf(run(root, texts, "abi"));
}

export function* walk(node: Node): Generator<Node> {
  yield node;
  for (const child of node.children) yield* walk(child);
}

/** The nearest ancestor of a type, the node itself included. */
export function enclosing(node: Node | undefined, types: readonly string[]): Node | undefined {
  for (let at = node; at !== undefined; at = at.parent) if (types.includes(at.type)) return at;
  return undefined;
}

/** A field of a node that is text. */
export function textOf(node: Node, field: string): string | undefined {
  const value = node.raw[field];
  return typeof value === "string" ? value : undefined;
}

/** The child that stands in a field. */
export function childOf(node: Node, role: string): Node | undefined {
  return node.children.find((child) => child.role === role);
}

/** The type of an expression, as solc spells it. */
export function typeOf(node: Node): string {
  const types = node.raw["typeDescriptions"] as { typeString?: string | null } | undefined;
  return types?.typeString ?? "";
}

function run(root: string, texts: ReadonlyMap<string, string>, kind: "ast" | "abi"): Output {
  const load = (name: string) => {
    try {
      return { contents: readFileSync(join(root, "node_modules", name), "utf8") };
    } catch {
      return { error: `${name} not found` };
    }
  };
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(
      [...texts].map(([name, text]) => [name, { content: Buffer.from(text, "latin1").toString() }]),
    ),
    settings: { outputSelection: { "*": kind === "ast" ? { "": ["ast"] } : { "*": ["abi"] } } },
  };
  return JSON.parse(solc.compile(JSON.stringify(input), { import: load })) as Output;
}

function errorsOf(output: Output): readonly Diagnostic[] {
  return (output.errors ?? []).filter(({ severity }) => severity === "error");
}

function toNode(value: unknown, parent: Node | undefined, role: string): Node | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const raw = value as Readonly<Record<string, unknown>>;
  const { nodeType, src } = raw;
  if (typeof nodeType !== "string" || typeof src !== "string") return undefined;
  const [start = 0, length = 0] = src.split(":").map(Number);
  const children: Node[] = [];
  const node: Node = { type: nodeType, start, end: start + length, parent, role, children, raw };
  for (const [field, inner] of Object.entries(raw)) {
    for (const item of Array.isArray(inner) ? (inner as unknown[]) : [inner]) {
      const child = toNode(item, node, field);
      if (child !== undefined) children.push(child);
    }
  }
  return node;
}

/** The files that `file` imports, however indirectly. */
export function importsOf(program: Program, file: string): Set<string> {
  const found = new Set<string>();
  const pending = [file];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const node of program.trees.get(next)?.children ?? []) {
      const path = node.type === "ImportDirective" ? textOf(node, "absolutePath") : undefined;
      if (path === undefined || found.has(path)) continue;
      found.add(path);
      pending.push(path);
    }
  }
  return found;
}
