/** What happens when: quiet minutes in which the accounts open, then the recorded drop, second by second. */
import { fileURLToPath } from "node:url";

import { loadRounds, type Round } from "../replay/rounds.ts";
import type { Member, Prices } from "./cast.ts";

/** Orders are submitted from here on, unix seconds. */
export const OPENING = Date.parse("2023-08-17T21:35:00Z") / 1_000;
/** The recorded rounds begin; until then feeds repeat the last answer before. */
export const DROP = Date.parse("2023-08-17T21:38:00Z") / 1_000;
/** The last recorded round that is used. From then on feeds repeat it. */
export const END = Date.parse("2023-08-17T21:49:00Z") / 1_000;
/** Seconds between repeated rounds. */
const REPEAT = 24;
/** Seconds in which all opening orders are submitted. */
const OPENING_SPAN = 80;
/** When resting orders are placed, after the opening. */
const STOPS_AFTER = 75;

const FEEDS = ["ETH", "BTC", "SOL", "LINK"] as const;
const PAR = 10n ** 8n;

export type Act =
  | { readonly do: "open" | "stop" | "later"; readonly member: Member }
  /** An answer of a feed, 8 decimals, with its time, unix seconds. */
  | { readonly do: "answer"; readonly feed: string; readonly answer: bigint; readonly at: number };

export class Script {
  readonly #rounds: ReadonlyMap<string, readonly Round[]>;
  readonly #members: readonly Member[];

  constructor(members: readonly Member[], rounds: ReadonlyMap<string, readonly Round[]> = recorded()) {
    this.#members = members;
    this.#rounds = rounds;
  }

  /** What is due after `from` and up to `to`, unix seconds; answers come first. */
  between(from: number, to: number): Act[] {
    const within = (time: number): boolean => time > from && time <= to;
    const answers = [...this.#rounds].flatMap(([feed, rounds]): Act[] => {
      const due = rounds.filter(({ updatedAt }) => updatedAt > DROP && updatedAt <= END && within(updatedAt));
      if (due.length > 0) return due.map(({ answer, updatedAt: at }) => ({ do: "answer", feed, answer, at }));
      const repeats = Math.floor(to / REPEAT) > Math.floor(from / REPEAT);
      if (!repeats || (from >= DROP && to <= END)) return [];
      return [{ do: "answer", feed, answer: answerAt(rounds, Math.min(to, END)), at: to }];
    });
    const acts = this.#members.flatMap((member, place): Act[] => {
      const { later, stop } = member;
      const opens = OPENING + 1 + Math.floor((place * OPENING_SPAN) / this.#members.length);
      return [
        ...(within(opens) ? [{ do: "open", member } as const] : []),
        ...(stop !== undefined && within(opens + STOPS_AFTER) ? [{ do: "stop", member } as const] : []),
        ...(later !== undefined && within(DROP + later.after) ? [{ do: "later", member } as const] : []),
      ];
    });
    return [...answers, ...acts];
  }
}

/** The last answer of a feed up to a time; the recorded rounds begin hours before the opening. */
function answerAt(rounds: readonly Round[], time: number): bigint {
  const last = rounds.findLast(({ updatedAt }) => updatedAt <= time);
  if (last === undefined) throw new Error("no round before the opening");
  return last.answer;
}

/** Rounds of the day by feed. WBTC goes with BTC, and USDC is at par whenever ETH has a round. */
export function recorded(): ReadonlyMap<string, readonly Round[]> {
  const read = (feed: string): readonly Round[] =>
    loadRounds(fileURLToPath(new URL(`../replay/rounds/${feed.toLowerCase()}_usd.csv`, import.meta.url)));
  const rounds = new Map<string, readonly Round[]>(FEEDS.map((feed) => [feed, read(feed)]));
  rounds.set("WBTC", rounds.get("BTC") ?? []);
  rounds.set(
    "USDC",
    (rounds.get("ETH") ?? []).map((round) => ({ ...round, answer: PAR })),
  );
  return rounds;
}

/** First answer of each feed, 8 decimals. */
export function openingAnswers(rounds: ReadonlyMap<string, readonly Round[]>): ReadonlyMap<string, bigint> {
  return new Map([...rounds].map(([feed, series]) => [feed, answerAt(series, OPENING)]));
}

export function openingPrices(answers: ReadonlyMap<string, bigint>): Prices {
  const priceOf = (feed: string): number => Number(answers.get(feed) ?? 0n) / 1e8;
  return { ETH: priceOf("ETH"), BTC: priceOf("BTC"), SOL: priceOf("SOL"), LINK: priceOf("LINK") };
}
