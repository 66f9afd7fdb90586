/** A parameter file that takes another one and changes some values of it. */
export interface Override {
  /** Keys of the file, joined by dots. */
  readonly path: string;
  /** As a person writes it. */
  readonly text: string;
}

interface Tree {
  readonly [key: string]: Tree | string;
}

/** What the file exports: `base` with the values changed. @param base Is left as it is. */
export function overridden(base: unknown, overrides: readonly Override[]): unknown {
  return merge(base, treeOf(overrides));
}

/** The text of a module that does the same. @param from What it imports the base from. @param head Lines of its comment. */
export function renderOverrides(
  overrides: readonly Override[],
  { from, head }: { from: string; head: readonly string[] },
): string {
  const comment = ["/**", ...head.map((line) => ` * ${line.replaceAll("*/", "* /")}`), " */"].join("\n");
  const body = renderTree(treeOf(overrides), "base", 0);
  return `${comment}\nimport base from ${JSON.stringify(from)};\n\nexport default ${body};\n`;
}

function treeOf(overrides: readonly Override[]): Tree {
  const root: Record<string, Tree | string> = {};
  for (const { path, text } of overrides) {
    const keys = path.split(".");
    let node = root;
    for (const key of keys.slice(0, -1)) {
      node[key] ??= {};
      node = node[key] as Record<string, Tree | string>;
    }
    node[keys.at(-1) ?? ""] = text;
  }
  return root;
}

function merge(base: unknown, tree: Tree): unknown {
  const result: Record<string, unknown> = { ...(base as object) };
  for (const [key, value] of Object.entries(tree)) {
    result[key] = typeof value === "string" ? value : merge(result[key], value);
  }
  return result;
}

function renderTree(tree: Tree, access: string, depth: number): string {
  const indent = "  ".repeat(depth + 1);
  const lines = Object.entries(tree).map(([key, value]) => {
    const plain = /^[A-Za-z_$][\w$]*$/.test(key);
    const inner = plain ? `${access}.${key}` : `${access}[${JSON.stringify(key)}]`;
    const written = typeof value === "string" ? JSON.stringify(value) : renderTree(value, inner, depth + 1);
    return `${indent}${plain ? key : JSON.stringify(key)}: ${written},`;
  });
  return [`{`, `${indent}...${access},`, ...lines, `${"  ".repeat(depth)}}`].join("\n");
}
