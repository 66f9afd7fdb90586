/** What a reading means: which prices cannot be relied on, and how it looks. */
import { money, renderTable } from "../replay/table.ts";
import { showSessions } from "../deploy/sessions.ts";
import type { Feed, OracleReading, Round, Source } from "./reading.ts";
import { ageOf, answerOf, durationOf, percent, phaseOf, timeOf } from "./words.ts";

const PPM = 1_000_000n;

/** What is wrong; empty where every price is live, or closed by its hours. */
export function findFaults(reading: OracleReading): string[] {
  const { sequencer, peg, feeds, time } = reading;
  const faults: string[] = [];
  if (!sequencer.up) faults.push("the sequencer is down");
  else if (!sequencer.settled) {
    faults.push(
      `the sequencer has been up for ${ageOf(sequencer.upSince, time)}: nothing is liquidated for another ${durationOf(
        sequencer.upSince + sequencer.grace - time,
      )}`,
    );
  }
  if (!peg.held) {
    faults.push(
      peg.price === 0n
        ? "the settlement token has no price"
        : `the settlement token is at ${price(peg.price)}, or its price is refused: the band is ${price(peg.low)} to ${price(peg.high)}`,
    );
  }
  for (const feed of feeds) {
    faults.push(...[refusalOf(feed, reading), deadOf(feed), decimalsOf(feed)].filter((fault) => fault !== undefined));
  }
  return faults;
}

/** Why the price is not live, unless its hours explain that. */
function refusalOf(feed: Feed, { time }: OracleReading): string | undefined {
  const { symbol, refusal, source, limits, halt } = feed;
  const { latest } = source;
  switch (refusal) {
    case "None":
    case "SequencerDown": // said once, of the sequencer
      return undefined;
    case "Closed":
      return feed.open ? `${symbol} has not been heard from since it opened` : undefined;
    case "Halted":
      return `${symbol} is halted ${halt === undefined ? "" : describeHalt(feed, time)}`.trim();
    case "Missing":
      return `${symbol} has no round`;
    case "NonPositive":
      return `${symbol} answers ${String(latest?.answer ?? 0n)}`;
    case "Future":
      return `${symbol} has a round of ${timeOf(latest?.updatedAt ?? 0n)}, which is to come`;
    case "Stale":
      return `${symbol} is stale: its latest round is ${ageOf(latest?.updatedAt ?? 0n, time)} old, the limit ${durationOf(limits.maxAge)}`;
    case "OutOfBounds":
      return `${symbol} answers ${price(latest?.price ?? 0n)}, outside ${boundsOf(feed)}`;
    case "Jump":
      return `${symbol} has jumped by ${distanceOf(feed)} to ${price(latest?.price ?? 0n)}, the limit is ${percent(limits.jump)}`;
  }
}

function describeHalt({ halt, price: accepted }: Feed, now: bigint): string {
  if (halt === undefined) return "";
  const step = accepted === 0n ? "" : ` (${shift(halt.candidate, accepted)})`;
  const veto = halt.vetoedUntil > now ? `, vetoed until ${timeOf(halt.vetoedUntil)}` : "";
  return `since ${timeOf(halt.haltedAt)}, from ${price(accepted)} to ${price(halt.candidate)}${step}${veto}`;
}

function deadOf({ symbol, dead, limits }: Feed): string | undefined {
  return dead ? `${symbol} is dead: without an answer for ${durationOf(limits.deadAfter)}` : undefined;
}

/** A source whose answers have changed their unit is wrong by powers of ten. */
function decimalsOf({ symbol, source: { address, decimals, currentDecimals } }: Feed): string | undefined {
  if (currentDecimals === decimals) return undefined;
  const says = currentDecimals === undefined ? "no" : String(currentDecimals);
  return `${symbol}: ${address} says ${says} decimals, it was listed with ${String(decimals)}`;
}

/** One JSON object, prices as decimal strings of WAD. */
export function toJson(reading: OracleReading, faults: readonly string[]): string {
  const report = { healthy: faults.length === 0, faults, ...reading };
  return JSON.stringify(report, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value), 2);
}

export function render(reading: OracleReading, faults: readonly string[]): string {
  const verdict = faults.length === 0 ? "healthy" : ["NOT HEALTHY", ...faults.map((fault) => `  ${fault}`)].join("\n");
  return [
    `block ${String(reading.block)} of chain ${String(reading.chainId)}, ${timeOf(reading.time)}`,
    renderEnvironment(reading),
    renderPrices(reading),
    renderSources(reading),
    verdict,
  ].join("\n\n");
}

function renderEnvironment({ sequencer, peg }: OracleReading): string {
  const { feed, up, settled, upSince, grace } = sequencer;
  const state = up ? `up since ${timeOf(upSince)}${settled ? "" : `, in its grace of ${durationOf(grace)}`}` : "down";
  return [
    `sequencer  ${feed === undefined ? "not watched" : state}`,
    `peg        ${price(peg.price)}, ${peg.held ? "held" : "not held"}: ${price(peg.low)} to ${price(peg.high)}`,
  ].join("\n");
}

/** Prices, ages and guards. */
function renderPrices({ feeds, time }: OracleReading): string {
  const right = ["accepted", "latest", "from it", "threshold", "age", "heartbeat", "limit", "bounds"];
  return renderTable(
    [
      { title: "feed", align: "left" },
      ...right.map((title) => ({ title, align: "right" }) as const),
      { title: "", align: "left" },
    ],
    feeds.map((feed) => [
      feed.symbol,
      price(feed.price),
      feed.source.latest === undefined ? "-" : price(feed.source.latest.price),
      distanceOf(feed),
      feed.deviation === undefined ? "-" : percent(feed.deviation),
      feed.source.latest === undefined ? "-" : ageOf(feed.source.latest.updatedAt, time),
      feed.heartbeat === undefined ? "-" : durationOf(feed.heartbeat),
      durationOf(feed.limits.maxAge),
      boundsOf(feed),
      notesOf(feed, time).join("; "),
    ]),
  );
}

/** Where prices come from, and what orders settle by. */
function renderSources({ feeds, time }: OracleReading): string {
  const rows = feeds.flatMap((feed) => [
    rowOf(feed.symbol, feed.source, time),
    ...(feed.settlement === undefined
      ? []
      : [rowOf("  settles by", feed.settlement.stream, time, `window ${durationOf(feed.settlement.window)}`)]),
    ...(feed.shadow === undefined ? [] : [rowOf("  in shadow", feed.shadow.source, time, shadowOf(feed.shadow, time))]),
  ]);
  return renderTable(
    [
      { title: "feed", align: "left" },
      { title: "kind", align: "left" },
      { title: "source", align: "left" },
      { title: "aggregator", align: "left" },
      { title: "phase", align: "right" },
      { title: "round", align: "right" },
      { title: "answer", align: "right" },
      { title: "age", align: "right" },
      { title: "", align: "left" },
    ],
    rows,
  );
}

function rowOf(
  name: string,
  { address, aggregator, kind, latest, decimals }: Source,
  now: bigint,
  note = "",
): string[] {
  return [
    name,
    kind,
    address,
    aggregator ?? "-",
    ...(latest === undefined ? ["-", "-", "-", "-"] : roundCells(latest, decimals, now)),
    note,
  ];
}

function roundCells({ round, answer, updatedAt }: Round, decimals: bigint, now: bigint): string[] {
  return [...phaseOf(round), answerOf(answer, decimals), ageOf(updatedAt, now)];
}

function shadowOf({ tolerance, agreedSince, watchedAt }: NonNullable<Feed["shadow"]>, now: bigint): string {
  const state = agreedSince === 0n ? "differs" : `has agreed for ${ageOf(agreedSince, now)}`;
  return `${state}, within ${percent(tolerance)}, watched ${ageOf(watchedAt, now)} ago`;
}

function notesOf(feed: Feed, now: bigint): string[] {
  const { refusal, settling, graceUntil, dead, sessions, open, low, high, changedAt } = feed;
  return [
    refusal === "None" ? "live" : `${wordsOf(refusal)}, valued at ${price(low)} to ${price(high)}`,
    ...(settling ? [`grace until ${timeOf(graceUntil)}`] : []),
    ...(dead ? ["dead"] : []),
    ...(sessions === 0n ? [] : [`${open ? "open" : "closed"}, hours ${showSessions(sessions)} UTC`]),
    ...(changedAt === 0n ? [] : [`changed ${ageOf(changedAt, now)} ago`]),
  ];
}

/** `OutOfBounds` as `out of bounds`. */
function wordsOf(refusal: string): string {
  return refusal.replace(/(?<!^)[A-Z]/g, (letter) => ` ${letter}`).toLowerCase();
}

/** How far the latest answer is from the price accepted last. */
function distanceOf({ price: accepted, source: { latest } }: Feed): string {
  return latest === undefined || accepted === 0n ? "-" : shift(latest.price, accepted);
}

function shift(to: bigint, from: bigint): string {
  const millionths = ((to - from) * PPM) / from;
  return `${millionths > 0n ? "+" : ""}${percent(millionths)}`;
}

function boundsOf({ limits: { minAnswer, maxAnswer } }: Feed): string {
  return `${price(minAnswer)} to ${price(maxAnswer)}`;
}

/** Of a token that costs cents as many decimals as tell it from another. */
function price(value: bigint): string {
  return money(value, value < 10n * 10n ** 18n ? 6 : 2);
}
