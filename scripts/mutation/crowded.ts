/** Switches keep values on the stack, and it is deep enough for only so many of them in one function. */
import { type Node, type Program, textOf, walk } from "./ast.ts";
import type { Mutant } from "./mutants.ts";

/**
 * What may stay of a batch that is refused for a stack too deep: half of the mutants of a function go, of the one whose
 * variables the compiler names. `undefined` if that is no function with mutants.
 */
export function thinned(program: Program, batch: readonly Mutant[], message: string): Mutant[] | undefined {
  const named = new Set(
    [...message.matchAll(/\bvar_(\w+?)(?:_\d+)?(?:_(?:mpos|slot|offset|length))?\b/g)].map(([, name]) => name),
  );
  if (!/too deep/i.test(message) || named.size === 0) return undefined;
  let crowded: Mutant[] = [];
  let most = 0;
  for (const [file, tree] of program.trees) {
    for (const node of walk(tree)) {
      if (node.type !== "FunctionDefinition") continue;
      const inside = batch.filter(({ sites }) => sites.some((site) => site.file === file && holds(node, site.edit)));
      const declared = variablesOf(node);
      const matching = [...named].filter((name) => declared.has(name ?? "")).length;
      if (inside.length > 0 && matching > most) [crowded, most] = [inside, matching];
    }
  }
  const leaving = new Set(crowded.slice(0, Math.ceil(crowded.length / 2)));
  return leaving.size === 0 ? undefined : batch.filter((mutant) => !leaving.has(mutant));
}

function holds(node: Node, { start, end }: { start: number; end: number }): boolean {
  return node.start <= start && end <= node.end;
}

function variablesOf(definition: Node): Set<string> {
  const names = new Set<string>();
  for (const node of walk(definition)) {
    if (node.type === "VariableDeclaration") names.add(textOf(node, "name") ?? "");
  }
  return names;
}
