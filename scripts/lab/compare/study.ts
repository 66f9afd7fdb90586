/** The same books under three kinds of margin over the same paths. */
import { max, min, WAD } from "../../model/fixed.ts";
import { isLive } from "../../model/price.ts";
import {
  type BookAccount,
  type Capital,
  capitalUp,
  type Margin,
  MARGINS,
  openBook,
  rulesFor,
  withEquity,
} from "./account.ts";
import { carry, type Carried, repriced } from "./carry.ts";
import type { Rules } from "./rules.ts";
import { assetIndex } from "./rules.ts";
import { type Shape, symbolsOf } from "./shapes.ts";
import type { Step } from "./steps.ts";
import { type Summary, Tally } from "./tally.ts";

export const SIZINGS = ["own", "equal"] as const;
/** Each kind of margin with the same multiple of what it asks itself, or all with the equity that ordinary cross margin asks. */
export type Sizing = (typeof SIZINGS)[number];

export interface StudyOptions {
  readonly listed: Rules;
  readonly shapes: readonly Shape[];
  /** Equity over what is asked: 1.1 leaves a tenth. */
  readonly multiple: number;
  readonly latency: number;
}

/** Of a book, WAD of settlement token: small against the depth, as each is alone in its market. */
export const SIZE = 100_000n * WAD;

export interface Row {
  readonly source: string;
  readonly shape: Shape;
  readonly margin: Margin;
  readonly sizing: Sizing;
  readonly summary: Summary;
}

/** Collects runs by book, kind of margin and sizing. */
export class Study {
  readonly #options: StudyOptions;
  readonly #rules: ReadonlyMap<Margin, Rules>;
  readonly #tallies = new Map<string, { row: Omit<Row, "summary">; tally: Tally }>();

  constructor(options: StudyOptions) {
    this.#options = options;
    this.#rules = new Map(MARGINS.map((margin) => [margin, rulesFor(margin, options.listed)]));
  }

  /** Carries every book over a path for which all of its assets begin live. @param source Of paths that are counted together. */
  add(source: string, steps: readonly Step[]): void {
    const [first] = steps;
    if (first === undefined) return;
    for (const shape of this.#options.shapes) {
      const live = symbolsOf(shape, this.#options.listed).every((symbol) => {
        const price = first.prices.get(assetIndex(this.#options.listed, symbol));
        return price !== undefined && isLive(price) && !price.settling;
      });
      if (live) this.#addBook(source, shape, steps);
    }
  }

  /** In the order in which they were first seen. */
  rows(): readonly Row[] {
    return [...this.#tallies.values()].map(({ row, tally }) => ({ ...row, summary: tally.summary() }));
  }

  get assessments(): number {
    return [...this.#tallies.values()].reduce((sum, { tally }) => sum + tally.assessments, 0);
  }

  #addBook(source: string, shape: Shape, steps: readonly Step[]): void {
    const { latency } = this.#options;
    const opened = MARGINS.map((margin) => this.openedWith(margin, shape, steps[0]));
    const plain = opened[MARGINS.indexOf("plain")]?.capital.least ?? 0n;
    for (const { margin, rules, book, capital } of opened) {
      const equal = max(plain, capital.least);
      const carryWith = (least: bigint): Carried => {
        const equity = this.#multiplied({ ...capital, least });
        return carry(withEquity(book, equity, rules), { margin, rules, steps, latency });
      };
      const own = carryWith(capital.least);
      const results = { own, equal: equal === capital.least ? { ...own, assessments: 0 } : carryWith(equal) };
      for (const sizing of SIZINGS) this.#tallyOf({ source, shape, margin, sizing }).add(results[sizing]);
    }
  }

  /** A book at the first prices without cash, with what a kind of margin asks of it. */
  openedWith(
    margin: Margin,
    shape: Shape,
    step: Step | undefined,
  ): { margin: Margin; rules: Rules; book: BookAccount; capital: Capital } {
    const rules = this.#rules.get(margin) ?? this.#options.listed;
    const book = repriced(openBook(shape, { rules, prices: step?.prices ?? new Map(), size: SIZE }), step);
    return { margin, rules, book, capital: capitalUp(margin, book, rules) };
  }

  #multiplied({ requirement, least }: Capital): bigint {
    const extra = (requirement * BigInt(Math.round((this.#options.multiple - 1) * 1e6))) / 1_000_000n;
    return least + extra;
  }

  #tallyOf(row: Omit<Row, "summary">): Tally {
    const key = [row.source, row.shape.name, row.margin, row.sizing].join("|");
    const known = this.#tallies.get(key);
    if (known !== undefined) return known.tally;
    const tally = new Tally(SIZE);
    this.#tallies.set(key, { row, tally });
    return tally;
  }
}

export type Verdict = "less, no more bad debt" | "less, more bad debt" | "the same" | "more";

export interface DebtOf {
  readonly source: string;
  readonly joint: number;
  readonly plain: number;
  /** Of the joint formula with the equity that ordinary cross margin asks. */
  readonly jointAtPlain: number;
}

export interface Judgement {
  readonly shape: Shape;
  /** What is asked of it, as a share of its size. */
  readonly asked: Readonly<Record<Margin, number>>;
  /** Mean bad debt by source, each with its own multiple, joint and plain, shares of the size. */
  readonly badDebt: readonly DebtOf[];
  /** What the joint formula asks of it against ordinary cross margin. */
  readonly verdict: Verdict;
}

/** Below this share of the size a difference of bad debt is the rounding of a lot. */
export const TOLERANCE = 1e-6;

/** For which books the joint formula asks for less than ordinary cross margin at no more bad debt, in any source. */
export function judge(
  rows: readonly Row[],
  asked: ReadonlyMap<string, Readonly<Record<Margin, number>>>,
): readonly Judgement[] {
  const shapes = [...new Map(rows.map(({ shape }) => [shape.name, shape])).values()];
  return shapes.map((shape) => {
    const own = rows.filter((row) => row.shape === shape);
    const sources = [...new Set(own.map(({ source }) => source))];
    const debtOf = (source: string, margin: Margin, sizing: Sizing): number =>
      own.find((row) => row.source === source && row.margin === margin && row.sizing === sizing)?.summary.badDebt ?? 0;
    const badDebt = sources.map((source) => ({
      source,
      joint: debtOf(source, "joint", "own"),
      plain: debtOf(source, "plain", "own"),
      jointAtPlain: debtOf(source, "joint", "equal"),
    }));
    const needs = asked.get(shape.name) ?? { isolated: 0, plain: 0, joint: 0 };
    const saved = needs.plain - needs.joint;
    const isSafer = badDebt.every(({ joint, plain }) => joint <= plain + TOLERANCE);
    const less: Verdict = isSafer ? "less, no more bad debt" : "less, more bad debt";
    const notLess: Verdict = saved < -TOLERANCE ? "more" : "the same";
    return { shape, asked: needs, badDebt, verdict: saved > TOLERANCE ? less : notLess };
  });
}

/** Share of a book's size. */
export function shareOfSize(amount: bigint): number {
  return Number((min(amount, SIZE * 1_000n) * WAD) / SIZE) / 1e18;
}
