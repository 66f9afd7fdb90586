/** Finds the places of a program at which one small change ought to make a test fail. */
import { createHash } from "node:crypto";

import { childOf, enclosing, type Node, type Program, textOf, typeOf, walk } from "./ast.ts";

export type Operator =
  | "arithmetic"
  | "assembly"
  | "boolean"
  | "comparison"
  | "condition"
  | "constant"
  | "min-max"
  | "require"
  | "rounding"
  | "statement";

/** A replacement in a text of one character per byte. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A place where a mutant changes the code, and what is chosen by the switch there. */
export interface Site {
  readonly file: string;
  /** Of the smallest expression or statement that can stand on either side of a switch. */
  readonly host: { readonly start: number; readonly end: number; readonly kind: "expression" | "statement" };
  /** Type of a literal, which has none of its own. */
  readonly cast: string | undefined;
  readonly edit: Edit;
}

export interface Mutant {
  /** Stable as long as the file does not change. */
  readonly key: string;
  readonly file: string;
  readonly line: number;
  /** Name of the function, or of the constant. */
  readonly scope: string;
  readonly operator: Operator;
  /** The lines that the change touches, white space collapsed. */
  readonly original: string;
  readonly mutated: string;
  readonly sites: readonly Site[];
}

interface Change {
  readonly operator: Operator;
  readonly edit: Edit;
}

const SWAPS: Readonly<Record<string, readonly [Operator, string]>> = {
  "+": ["arithmetic", "-"],
  "-": ["arithmetic", "+"],
  "*": ["arithmetic", "/"],
  "/": ["arithmetic", "*"],
  "%": ["arithmetic", "*"],
  "<": ["comparison", "<="],
  "<=": ["comparison", "<"],
  ">": ["comparison", ">="],
  ">=": ["comparison", ">"],
  "==": ["comparison", "!="],
  "!=": ["comparison", "=="],
  "&&": ["boolean", "||"],
  "||": ["boolean", "&&"],
  "&": ["arithmetic", "|"],
  "|": ["arithmetic", "&"],
  "+=": ["arithmetic", "-="],
  "-=": ["arithmetic", "+="],
  "*=": ["arithmetic", "/="],
  "/=": ["arithmetic", "*="],
  "|=": ["arithmetic", "&="],
  "&=": ["arithmetic", "|="],
};

/** These bind otherwise than what replaces them. */
const NEED_PARENTHESES = new Set(["&&", "||", "&", "|"]);

const YUL_SWAPS: Readonly<Record<string, string>> = {
  add: "sub",
  sub: "add",
  mul: "div",
  div: "mul",
  slt: "sgt",
  sgt: "slt",
  lt: "gt",
  gt: "lt",
  and: "or",
  or: "and",
};

const ROUNDING: Readonly<Record<string, string>> = { Down: "Up", Up: "Down", Floor: "Ceil", Ceil: "Floor" };
const MIN_MAX: Readonly<Record<string, string>> = { min: "max", max: "min" };

/** All mutants of the files that `included` accepts, in the order of the code. */
export function findMutants(program: Program, included: (file: string) => boolean): Mutant[] {
  const functions = functionNames(program);
  const references = referencesOf(program);
  const mutants: Mutant[] = [];
  for (const [file, tree] of program.trees) {
    if (!included(file)) continue;
    const text = program.texts.get(file) ?? "";
    for (const node of walk(tree)) {
      if (isConstant(node)) {
        const mutant = mutateConstant(program, file, node, references);
        if (mutant !== undefined) mutants.push(mutant);
        continue;
      }
      if (!isCode(node)) continue;
      for (const { operator, edit } of changesAt(node, text, functions)) {
        const site = siteOf(file, text, node, edit);
        if (site !== undefined) mutants.push(toMutant({ file, text, scope: scopeOf(node), operator, sites: [site] }));
      }
    }
  }
  return numbered(mutants);
}

/** The text with edits that do not overlap. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  return [...edits]
    .sort((a, b) => b.start - a.start)
    .reduce((result, edit) => result.slice(0, edit.start) + edit.text + result.slice(edit.end), text);
}

// ---------------------------------------------------------------- changes

function changesAt(node: Node, text: string, functions: ReadonlySet<string>): Change[] {
  switch (node.type) {
    case "BinaryOperation":
      return binaryChanges(node, text);
    case "Assignment":
      return operatorChange(node, text, "leftHandSide", "rightHandSide");
    case "UnaryOperation":
      return unaryChanges(node, text);
    case "FunctionCall":
      return callChanges(node, text, functions);
    case "MemberAccess":
      return typeOf(node) === "enum Math.Rounding"
        ? renamed(node, textOf(node, "memberName"), ROUNDING, "rounding")
        : [];
    case "Literal":
      return literalChanges(node, text);
    case "IfStatement":
    case "Conditional":
      return negated(childOf(node, "condition"), text);
    case "ExpressionStatement":
    case "EmitStatement":
    case "RevertStatement":
      return [{ operator: isRequire(node) ? "require" : "statement", edit: removed(node, text) }];
    case "YulFunctionCall":
      return yulCallChanges(node, text);
    case "YulLiteral":
      return yulLiteralChanges(node, text);
    case "YulAssignment":
    case "YulExpressionStatement":
      return [{ operator: "assembly", edit: { start: node.start, end: node.end, text: "" } }];
    default:
      return [];
  }
}

function binaryChanges(node: Node, text: string): Change[] {
  if (isUntyped(typeOf(node))) return [];
  const changes = isClampAtZero(node, text) ? [] : operatorChange(node, text, "leftExpression", "rightExpression");
  const [left, right] = [childOf(node, "leftExpression"), childOf(node, "rightExpression")];
  if (textOf(node, "operator") === "/" && typeOf(node) === "uint256" && left && right) {
    changes.push({
      operator: "rounding",
      edit: { start: node.start, end: node.end, text: `ceilDiv(${slice(text, left)}, ${slice(text, right)})` },
    });
  }
  return changes;
}

/** `a > b ? a - b : 0` and `a < 0 ? -a : 0` are 0 where both are equal: with `>=` and `<=` they are the same. */
function isClampAtZero(node: Node, text: string): boolean {
  const choice = node.role === "condition" && node.parent?.type === "Conditional" ? node.parent : undefined;
  const at = (of: Node | undefined, role: string) => {
    const child = of === undefined ? undefined : childOf(of, role);
    return child === undefined ? "" : slice(text, child);
  };
  const [left, right] = [at(node, "leftExpression"), at(node, "rightExpression")];
  if (!["<", ">"].includes(textOf(node, "operator") ?? "") || at(choice, "falseExpression") !== "0") return false;
  const zero = [`${left} - ${right}`, `${right} - ${left}`];
  if (right === "0") zero.push(left, `-${left}`, `uint256(${left})`, `uint256(-${left})`);
  return zero.includes(at(choice, "trueExpression"));
}

function operatorChange(node: Node, text: string, leftRole: string, rightRole: string): Change[] {
  const token = textOf(node, "operator") ?? "";
  const [left, right] = [childOf(node, leftRole), childOf(node, rightRole)];
  const swap = SWAPS[token];
  if (swap === undefined || left === undefined || right === undefined) return [];
  const [operator, replacement] = swap;
  if (NEED_PARENTHESES.has(token)) {
    const whole = `(${slice(text, left)} ${replacement} ${slice(text, right)})`;
    return [{ operator, edit: { start: node.start, end: node.end, text: whole } }];
  }
  const start = text.indexOf(token, left.end);
  if (start < 0 || start >= right.start) return [];
  return [{ operator, edit: { start, end: start + token.length, text: replacement } }];
}

function unaryChanges(node: Node, text: string): Change[] {
  const inner = childOf(node, "subExpression");
  const token = textOf(node, "operator");
  if (inner === undefined || isUntyped(typeOf(node)) || (token !== "!" && token !== "-")) return [];
  const edit = { start: node.start, end: node.end, text: slice(text, inner) };
  return [{ operator: token === "!" ? "boolean" : "arithmetic", edit }];
}

function callChanges(node: Node, text: string, functions: ReadonlySet<string>): Change[] {
  const callee = childOf(node, "expression");
  if (callee === undefined) return [];
  const name = textOf(callee, "memberName") ?? textOf(callee, "name");
  if (name === undefined) return [];
  const [a, b, ...more] = node.children.filter(({ role }) => role === "arguments");
  if (name === "divUp" && a !== undefined && b !== undefined && more.length === 0) {
    const quotient = `((${slice(text, a)}) / (${slice(text, b)}))`;
    return [{ operator: "rounding", edit: { start: node.start, end: node.end, text: quotient } }];
  }
  const minMax = renamed(callee, name, MIN_MAX, "min-max");
  if (minMax.length > 0) return minMax;
  const suffix = /(Down|Up|Floor|Ceil)$/.exec(name)?.[1];
  const other = suffix === undefined ? undefined : name.slice(0, -suffix.length) + (ROUNDING[suffix] ?? "");
  return other !== undefined && functions.has(other) ? renamed(callee, name, { [name]: other }, "rounding") : [];
}

/** The last name of a path becomes another one. */
function renamed(
  path: Node,
  name: string | undefined,
  names: Readonly<Record<string, string>>,
  operator: Operator,
): Change[] {
  const other = name === undefined ? undefined : names[name];
  if (name === undefined || other === undefined) return [];
  return [{ operator, edit: { start: path.end - name.length, end: path.end, text: other } }];
}

function literalChanges(node: Node, text: string): Change[] {
  const value = slice(text, node);
  const edit = (replacement: string) => ({ start: node.start, end: node.end, text: replacement });
  if (textOf(node, "kind") === "bool") {
    return [{ operator: "boolean", edit: edit(value === "true" ? "false" : "true") }];
  }
  if (textOf(node, "kind") !== "number" || !typeOf(node).startsWith("int_const")) return [];
  return [{ operator: "constant", edit: edit(/^\d+$/.test(value) ? String(BigInt(value) + 1n) : `(${value} + 1)`) }];
}

function negated(condition: Node | undefined, text: string): Change[] {
  // The negation of these is the change of the operator itself.
  if (condition === undefined || ["==", "!=", "!"].includes(textOf(condition, "operator") ?? "")) return [];
  const edit = { start: condition.start, end: condition.end, text: `!(${slice(text, condition)})` };
  return [{ operator: "condition", edit }];
}

function yulCallChanges(node: Node, text: string): Change[] {
  const callee = childOf(node, "functionName");
  const [argument] = node.children.filter(({ role }) => role === "arguments");
  const name = callee === undefined ? undefined : textOf(callee, "name");
  if (callee === undefined || argument === undefined || name === undefined) return [];
  if (name === "iszero") {
    return [{ operator: "assembly", edit: { start: node.start, end: node.end, text: slice(text, argument) } }];
  }
  return renamed(callee, name, YUL_SWAPS, "assembly");
}

function yulLiteralChanges(node: Node, text: string): Change[] {
  const value = slice(text, node);
  if (textOf(node, "kind") !== "number") return [];
  const next = BigInt(value) + 1n;
  const replacement = value.startsWith("0x") ? `0x${next.toString(16)}` : String(next);
  return [{ operator: "assembly", edit: { start: node.start, end: node.end, text: replacement } }];
}

function removed(node: Node, text: string): Edit {
  return { start: node.start, end: withSemicolon(text, node.end), text: "" };
}

function isRequire(node: Node): boolean {
  const call = childOf(node, "expression");
  const callee = call === undefined ? undefined : childOf(call, "expression");
  return callee !== undefined && textOf(callee, "name") === "require";
}

// ---------------------------------------------------------------- constants

/** A constant off by one wherever code reads it. */
function mutateConstant(
  program: Program,
  file: string,
  node: Node,
  references: ReadonlyMap<number, readonly { readonly file: string; readonly node: Node }[]>,
): Mutant | undefined {
  const value = childOf(node, "value");
  const text = program.texts.get(file) ?? "";
  if (value === undefined || !/^u?int\d*$/.test(typeOf(node))) return undefined;
  const sites: Site[] = [];
  for (const use of references.get(Number(node.raw["id"])) ?? []) {
    // Tests and their helpers keep the constant as it is.
    if (use.file.startsWith("test/") || use.file.startsWith("contracts/testing/")) continue;
    const useText = program.texts.get(use.file) ?? "";
    const edit = { start: use.node.start, end: use.node.end, text: `(${slice(useText, use.node)} + 1)` };
    const site = isCode(use.node) ? siteOf(use.file, useText, use.node, edit) : undefined;
    if (site !== undefined) sites.push(site);
  }
  if (sites.length === 0) return undefined;
  const shown = { start: value.start, end: value.end, text: `${slice(text, value)} + 1` };
  return toMutant({ file, text, scope: textOf(node, "name") ?? "", operator: "constant", sites, shown });
}

function referencesOf(program: Program): Map<number, { file: string; node: Node }[]> {
  const references = new Map<number, { file: string; node: Node }[]>();
  for (const [file, tree] of program.trees) {
    for (const node of walk(tree)) {
      if (node.type !== "Identifier" && node.type !== "MemberAccess") continue;
      const id = node.raw["referencedDeclaration"];
      if (typeof id !== "number") continue;
      const uses = references.get(id) ?? [];
      uses.push({ file, node });
      references.set(id, uses);
    }
  }
  return references;
}

function isConstant(node: Node): boolean {
  return node.type === "VariableDeclaration" && node.raw["constant"] === true;
}

// ---------------------------------------------------------------- places

/** Whether a node is code that runs, and not the argument of an error, which only says why something was refused. */
function isCode(node: Node): boolean {
  if (enclosing(node, ["ArrayTypeName"]) !== undefined) return false;
  for (let at = node.parent; at !== undefined; at = at.parent) {
    if (at.type === "RevertStatement" || (at.type === "FunctionCall" && typeOf(at) === "error")) return false;
    if (at.type === "FunctionDefinition" || at.type === "ModifierDefinition") return isInBody(node);
  }
  return false;
}

function isInBody(node: Node): boolean {
  return enclosing(node, ["Block", "UncheckedBlock"]) !== undefined;
}

function siteOf(file: string, text: string, node: Node, edit: Edit): Site | undefined {
  for (let at: Node | undefined = node; at !== undefined; at = at.parent) {
    if (at.parent?.role === "loopExpression" || at.role === "loopExpression") return undefined;
    if (isStatementHost(at)) {
      const end = at.type === "InlineAssembly" ? at.end : withSemicolon(text, at.end);
      return { file, host: { start: at.start, end, kind: "statement" }, cast: undefined, edit };
    }
    if (isExpressionHost(at)) {
      return { file, host: { start: at.start, end: at.end, kind: "expression" }, cast: undefined, edit };
    }
    if (at.type === "VariableDeclarationStatement") return initialiserSite(file, at, edit);
    if (at.type === "Block" || at.type === "UncheckedBlock" || at.type === "FunctionDefinition") return undefined;
  }
  return undefined;
}

/** `uint256 x = 0;`: the literal takes the type of what it initialises. */
function initialiserSite(file: string, statement: Node, edit: Edit): Site | undefined {
  const declared = statement.children.filter(({ role }) => role === "declarations");
  const value = childOf(statement, "initialValue");
  const [variable] = declared;
  if (declared.length !== 1 || variable === undefined || value === undefined) return undefined;
  const cast = typeOf(variable);
  if (!/^u?int\d*$/.test(cast) || !isUntyped(typeOf(value))) return undefined;
  return { file, host: { start: value.start, end: value.end, kind: "expression" }, cast, edit };
}

function isStatementHost(node: Node): boolean {
  return ["ExpressionStatement", "EmitStatement", "RevertStatement", "Return", "InlineAssembly"].includes(node.type);
}

function isExpressionHost(node: Node): boolean {
  if (!EXPRESSIONS.has(node.type) || node.raw["lValueRequested"] === true) return false;
  if (node.parent?.type === "ExpressionStatement") return false;
  const type = typeOf(node);
  if (isUntyped(type)) return false;
  return !/^(tuple|type|function|modifier|module|msg|abi|error|mapping)\b/.test(type) && !type.includes(" storage ");
}

const EXPRESSIONS = new Set([
  "BinaryOperation",
  "Conditional",
  "FunctionCall",
  "Identifier",
  "IndexAccess",
  "Literal",
  "MemberAccess",
  "TupleExpression",
  "UnaryOperation",
]);

/** Literals and what is computed from them alone: a switch would give them another type than the code does. */
function isUntyped(type: string): boolean {
  return type === "" || /^(int_const|rational_const|literal_string)\b/.test(type);
}

function withSemicolon(text: string, end: number): number {
  const rest = /^\s*;/.exec(text.slice(end, end + 200));
  return end + (rest?.[0].length ?? 0);
}

// ---------------------------------------------------------------- description

function toMutant({
  file,
  text,
  scope,
  operator,
  sites,
  shown = sites[0]?.edit,
}: {
  file: string;
  text: string;
  scope: string;
  operator: Operator;
  sites: readonly Site[];
  shown?: Edit | undefined;
}): Mutant {
  if (shown === undefined) throw new Error("a mutant without a site");
  const from = text.lastIndexOf("\n", shown.start - 1) + 1;
  const newline = text.indexOf("\n", shown.end);
  const to = newline < 0 ? text.length : newline;
  return {
    key: "",
    file,
    line: text.slice(0, shown.start).split("\n").length,
    scope,
    operator,
    original: display(text.slice(from, to)),
    mutated: display(text.slice(from, shown.start) + shown.text + text.slice(shown.end, to)),
    sites,
  };
}

function display(text: string): string {
  const code = Buffer.from(text, "latin1").toString().replaceAll(/\s+/g, " ").trim();
  return code === "" ? "(removed)" : code;
}

function scopeOf(node: Node): string {
  const owner = enclosing(node, ["FunctionDefinition", "ModifierDefinition"]);
  const name = owner === undefined ? undefined : textOf(owner, "name");
  return name === undefined || name === "" ? (textOf(owner ?? node, "kind") ?? "") : name;
}

function functionNames(program: Program): Set<string> {
  const names = new Set<string>();
  for (const tree of program.trees.values()) {
    for (const node of walk(tree)) {
      if (node.type === "FunctionDefinition") names.add(textOf(node, "name") ?? "");
    }
  }
  return names;
}

/**
 * Two ways to the same line are one mutant (either of two nested negations); two lines that read alike in one function
 * are told apart by their order.
 */
function numbered(mutants: readonly Mutant[]): Mutant[] {
  const seen = new Map<string, number>();
  const lines = new Map(mutants.map((mutant) => [`${mutant.file}:${String(mutant.line)}:${mutant.mutated}`, mutant]));
  return [...lines.values()].map((mutant) => {
    const change = [mutant.operator, mutant.original, mutant.mutated].join("\n");
    const base = `${mutant.file}:${mutant.scope}:${createHash("sha256").update(change).digest("hex").slice(0, 12)}`;
    const count = (seen.get(base) ?? 0) + 1;
    seen.set(base, count);
    return { ...mutant, key: `${base}:${String(count)}` };
  });
}

function slice(text: string, node: Node): string {
  return text.slice(node.start, node.end);
}
