/** What the pool and its workers say to each other. */

export interface TimedTest {
  readonly key: string;
  /** ms */
  readonly timeout: number;
}

export interface TestReport {
  readonly key: string;
  readonly file: string;
  readonly milliseconds: number;
  /** Numbers of the mutants. */
  readonly reached: readonly number[];
  readonly passed: boolean;
}

export type Request =
  | { readonly kind: "record" | "control"; readonly file: string }
  /** `first`: the mutant is not on yet. */
  | { readonly kind: "run"; readonly mutant: number; readonly first: boolean; readonly tests: readonly TimedTest[] };

export interface Outcome {
  /** Key of the test that failed. */
  readonly killedBy: string | undefined;
  readonly error: string | undefined;
  /** A test did not end: the process must not be used again. */
  readonly tainted: boolean;
  /** What failed was left over from an earlier test. */
  readonly disturbed: boolean;
}

export type Reply =
  | { readonly kind: "ready"; readonly files: readonly string[] }
  | { readonly kind: "recorded"; readonly tests: readonly TestReport[] }
  | ({ readonly kind: "ran" } & Outcome);
