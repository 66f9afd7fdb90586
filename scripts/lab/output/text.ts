/** JSON of values with bigint, which become decimal strings. @param indent Spaces of a level; none: one line. */
export function toText(value: unknown, indent?: number): string {
  return JSON.stringify(
    value ?? null,
    (_, entry: unknown) => (typeof entry === "bigint" ? String(entry) : entry),
    indent,
  );
}
