/** Switches keep values on the stack, and it is deep enough for only so many of them in one function. */
import { type Node, type Program, walk } from "./ast.ts";
import type { Mutant } from "./mutants.ts";

/**
 * What may stay of a batch that is refused for a stack too deep: of the function that the compiler points at half of the
 * mutants go. `undefined` if there are none in it.
 */
export function thinned(program: Program, batch: readonly Mutant[], message: string): Mutant[] | undefined {
  const [, file, line] = /--> (?:\.\/)?(\S+):(\d+):\d+:/.exec(message) ?? [];
  const tree = file === undefined ? undefined : program.trees.get(file);
  if (file === undefined || tree === undefined || !/too deep/i.test(message)) return undefined;
  const at = startOfLine(program.texts.get(file) ?? "", Number(line));
  const crowded = [...walk(tree)]
    .filter((node) => node.type === "FunctionDefinition" && node.start <= at && at < node.end)
    .flatMap((node) => batch.filter(({ sites }) => sites.some((site) => site.file === file && holds(node, site.edit))));
  const leaving = new Set(crowded.slice(0, Math.ceil(crowded.length / 2)));
  return leaving.size === 0 ? undefined : batch.filter((mutant) => !leaving.has(mutant));
}

/** Lines are those of the source: what is written into it adds none. */
function startOfLine(text: string, line: number): number {
  const before = text.split("\n").slice(0, line - 1);
  return before.reduce((sum, { length }) => sum + length + 1, 0);
}

function holds(node: Node, { start, end }: { start: number; end: number }): boolean {
  return node.start <= start && end <= node.end;
}
