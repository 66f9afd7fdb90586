import { readFlags, readNumber, readPair, readTime, readWhole, readChoice } from "../options.ts";
import { UsageError } from "../errors.ts";
import { EVENTS, type EventName } from "./recording.ts";
import { LISTED_FILE } from "./terms.ts";

export interface ReplayOptions {
  /** Undefined where files are given. */
  readonly event: EventName | undefined;
  /** Files of rounds or candles by symbol. */
  readonly prices: ReadonlyMap<string, string>;
  readonly parameters: string;
  /** Unix seconds; the record's own where undefined. */
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly seed: number;
  readonly accounts: number;
  readonly load: number;
  readonly bias: number;
  /** Whole settlement tokens. */
  readonly pool: number;
  /** The target of the parameters where undefined. */
  readonly insurance: number | undefined;
  /** Least seconds between two rounds of a feed. */
  readonly pause: number;
  /** Seconds that every keeper is slower. */
  readonly latency: number;
  /** Gwei. */
  readonly gas: number;
  /** What feeds are made of candles by. */
  readonly feed: { readonly deviation: number; readonly heartbeat: number; readonly every: number };
  /** Longest time without a row of a file, s; as `loadPrices` has it where undefined. */
  readonly gap: number | undefined;
}

export const USAGE = `npm run lab -- replay [options]
Recorded markets through the real contracts, on a chain in this process.

  --event NAME        ${Object.keys(EVENTS).join(", ")} (default cascade-2025)
  --prices ASSET=FILE instead: rounds of a feed or candles, once for each of ETH, BTC, SOL, LINK; WBTC and USDC if given
  --deviation SHARE   of a feed that is made of candles (default 0.005)
  --heartbeat SECONDS of such a feed (default 3600)
  --every SECONDS     how often such a feed looks at the way between two prices (default 15)
  --gap SECONDS       longest time without a row that is taken
  --from, --to TIME   a part of it: UTC date, ISO 8601 with a zone or unix seconds
  --parameters FILE   (default ${LISTED_FILE}); of a file of another chain what a person chose of risk and money
  --seed N            of the traders (default 1)
  --accounts N        traders, roughly (default 60)
  --load SHARE        open interest of the crowded side, of its cap (default 0.8)
  --bias SHARE        1: all outright positions are long, -1: short, written --bias=-1 (default 0.5)
  --pool USD          what providers put in (default 12000000)
  --insurance USD     (default: its target)
  --pause SECONDS     least time between two rounds of a feed (default 0)
  --latency SECONDS   that every keeper is slower (default 0)
  --gas GWEI          base fee (default 0.02)`;

const FLAGS = {
  event: { type: "string" },
  prices: { type: "string", multiple: true },
  deviation: { type: "string", default: "0.005" },
  heartbeat: { type: "string", default: "3600" },
  every: { type: "string", default: "15" },
  gap: { type: "string" },
  from: { type: "string" },
  to: { type: "string" },
  parameters: { type: "string", default: LISTED_FILE },
  seed: { type: "string", default: "1" },
  accounts: { type: "string", default: "60" },
  load: { type: "string", default: "0.8" },
  bias: { type: "string", default: "0.5" },
  pool: { type: "string", default: "12000000" },
  insurance: { type: "string" },
  pause: { type: "string", default: "0" },
  latency: { type: "string", default: "0" },
  gas: { type: "string", default: "0.02" },
} as const;

const MOST_USD = 1_000_000_000;

/** Throws a UsageError that names the option. */
export function parseOptions(args: readonly string[]): ReplayOptions {
  const { values } = readFlags(args, FLAGS);
  const prices = new Map((values.prices ?? []).map((text) => readPair("prices", text)));
  if (prices.size > 0 && values.event !== undefined) throw new UsageError("--event and --prices exclude each other");
  const event =
    prices.size > 0
      ? undefined
      : readChoice("event", values.event ?? "cascade-2025", Object.keys(EVENTS) as EventName[]);
  const usd = (flag: string, text: string): number => readWhole(flag, text, { minimum: 1, maximum: MOST_USD });
  return {
    event,
    prices,
    parameters: values.parameters,
    from: values.from === undefined ? undefined : readTime("from", values.from),
    to: values.to === undefined ? undefined : readTime("to", values.to),
    seed: readWhole("seed", values.seed, { minimum: 0, maximum: 2 ** 31 }),
    accounts: readWhole("accounts", values.accounts, { minimum: 10, maximum: 1_000 }),
    load: readNumber("load", values.load, { minimum: 0.01, maximum: 1 }),
    bias: readNumber("bias", values.bias, { minimum: -1, maximum: 1 }),
    pool: usd("pool", values.pool),
    insurance: values.insurance === undefined ? undefined : usd("insurance", values.insurance),
    pause: readWhole("pause", values.pause, { minimum: 0, maximum: 3_600 }),
    latency: readWhole("latency", values.latency, { minimum: 0, maximum: 3_600 }),
    gas: readNumber("gas", values.gas, { minimum: 0.001, maximum: 10_000 }),
    feed: {
      deviation: readNumber("deviation", values.deviation, { minimum: 0.0001, maximum: 0.5 }),
      heartbeat: readWhole("heartbeat", values.heartbeat, { minimum: 60, maximum: 86_400 }),
      every: readWhole("every", values.every, { minimum: 1, maximum: 3_600 }),
    },
    gap: values.gap === undefined ? undefined : readWhole("gap", values.gap, { minimum: 1, maximum: 604_800 }),
  };
}
