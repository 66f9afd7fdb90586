/** The recorded rounds of Chainlink feeds, as they are committed with the tests. */
import { readFileSync } from "node:fs";

export interface RecordedRound {
  /** Of the proxy. */
  phase: number;
  /** Of the aggregator, from 1. */
  number: number;
  /** 8 decimals. */
  answer: bigint;
  startedAt: number;
  updatedAt: number;
}

const FOLDER = new URL("../../test/history/rounds/", import.meta.url);
const PHASE_OFFSET = 64n;

/** The feeds whose history is recorded, and the files it is in. */
export const RECORDED = {
  ETH: ["eth_usd"],
  BTC: ["btc_usd"],
  USDC: ["usdc_usd_2021-02_2022-11", "usdc_usd_2022-11_2023-03"],
} as const;

/** All rounds of some files, in the order of their ids. */
export function loadRecorded(files: readonly string[]): RecordedRound[] {
  return files.flatMap((file) =>
    readFileSync(new URL(`${file}.csv`, FOLDER), "utf8")
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => {
        const [updatedAt = "", answer = "", id = "", startedAt = ""] = line.split(",");
        return {
          phase: Number(BigInt(id) >> PHASE_OFFSET),
          number: Number(BigInt.asUintN(Number(PHASE_OFFSET), BigInt(id))),
          answer: BigInt(answer),
          // Where it was not recorded it is the time of the round: see the note beside the files.
          startedAt: Number(startedAt === "" ? updatedAt : startedAt),
          updatedAt: Number(updatedAt),
        };
      }),
  );
}
