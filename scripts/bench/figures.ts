/** Figures of a measurement, as a table for people. */

export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** What it compares with, as a ratio in words. */
  readonly ratio?: string;
}

const UNITS: readonly (readonly [RegExp, string])[] = [
  [/(Ms|Milliseconds)$/, "ms"],
  [/(Seconds)$/, "s"],
  [/(MiB)$/, "MiB"],
  [/(Bytes)$/, "bytes"],
  [/(Ratio)$/, "×"],
];

/** Figures of a result: a list of them, or an object whose keys name them and end in their units. */
export function figuresOf(name: string, result: unknown): Figure[] {
  if (Array.isArray(result)) return result as Figure[];
  if (typeof result !== "object" || result === null) return [];
  return Object.entries(result).flatMap(([key, value]: [string, unknown]): Figure[] => {
    if (typeof value === "object") return figuresOf(`${name}: ${wordsOf(key)}`, value);
    if (typeof value !== "number" && typeof value !== "bigint") return [];
    const [pattern, unit = ""] = UNITS.find(([candidate]) => candidate.test(key)) ?? [];
    const what = `${name}: ${wordsOf(pattern === undefined ? key : key.replace(pattern, ""))}`;
    return [{ what, value: Number(value), unit }];
  });
}

/** `coldIndex` → `cold index`. */
function wordsOf(key: string): string {
  return key.replaceAll(/([a-z0-9])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`);
}

export function renderFigures(machine: string, figures: readonly Figure[]): string {
  const rows = figures.map(({ what, value, unit, ratio = "" }) => [what, `${rounded(value)} ${unit}`.trim(), ratio]);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return [machine, ...lines].join("\n");
}

function rounded(value: number): string {
  return Math.abs(value) >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toPrecision(3);
}
