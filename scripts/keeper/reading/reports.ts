/** Where signed reports of Data Streams come from. */

export interface SignedReport {
  /** As the contract takes it. */
  readonly data: string;
  /** The seconds that its price holds for, both included, unix. */
  readonly validFrom: bigint;
  readonly observed: bigint;
}

export interface ReportSource {
  /** The report whose window contains `time` (unix seconds); undefined while there is none. */
  reportAt(feedId: string, time: bigint): Promise<SignedReport | undefined>;
}
