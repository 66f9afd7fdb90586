/** Figures of feeds as text. */
import { money } from "../replay/table.ts";

/** Longest unit that is not 0, and the next: `2 d 3 h`, `29 min 15 s`. */
export function durationOf(seconds: bigint): string {
  const units: [string, bigint][] = [
    ["d", seconds / 86_400n],
    ["h", (seconds / 3_600n) % 24n],
    ["min", (seconds / 60n) % 60n],
    ["s", seconds % 60n],
  ];
  const first = units.findIndex(([, count]) => count !== 0n);
  if (first < 0) return "0 s";
  return units
    .slice(first, first + 2)
    .filter(([, count]) => count !== 0n)
    .map(([unit, count]) => `${String(count)} ${unit}`)
    .join(" ");
}

/** A time before now; one that is to come with a sign. */
export function ageOf(time: bigint, now: bigint): string {
  return time > now ? `−${durationOf(time - now)}` : durationOf(now - time);
}

/** Of millionths. */
export function percent(millionths: bigint): string {
  return `${money(millionths * 10n ** 14n, 2)} %`;
}

/** Phase and round within it. */
export function phaseOf(id: bigint): [string, string] {
  return [String(id >> 64n), String(id & ((1n << 64n) - 1n))];
}

/** An answer in the decimals of its feed. */
export function answerOf(answer: bigint, decimals: bigint): string {
  const wad = decimals <= 18n ? answer * 10n ** (18n - decimals) : answer / 10n ** (decimals - 18n);
  return money(wad, 6);
}

export function timeOf(seconds: bigint): string {
  return new Date(Number(seconds) * 1_000).toISOString().replace(".000Z", "Z");
}
