/** What an asset settled by before its source or settlement changed last: no view says it, events do. */
import type { Result } from "ethers";

import { PlimsollError } from "../../deploy/PlimsollError.ts";
import { addressOf, type Contracts } from "../contracts.ts";
import { FEED_KINDS, type FeedKind } from "./feedKind.ts";
import type { At } from "./isolated.ts";
import { readLogs } from "./logs.ts";

export interface FormerSource {
  readonly proxy: string;
  readonly kind: FeedKind;
  /** Seconds. */
  readonly window: bigint;
  /** Undefined: orders settled by the source. */
  readonly settlement: { readonly stream: string; readonly window: bigint } | undefined;
}

type Proxied = Omit<FormerSource, "settlement">;

const CHANGES = ["SourceAdopted", "SettlementSet"] as const;
const EVENTS = ["FeedListed", "FeedConfigured", "SourceProposed", ...CHANGES] as const;

/** Follows the events of an asset up to its last change. Throws a PlimsollError where they do not say it. */
export async function findFormerSource(contracts: Contracts, asset: number, at: At): Promise<FormerSource> {
  const { oracle, book } = contracts;
  const logs = await readLogs(contracts, {
    address: addressOf(oracle),
    topics: [
      EVENTS.map((name) => oracle.interface.getEvent(name).topicHash),
      `0x${asset.toString(16).padStart(64, "0")}`,
    ],
    from: Number(book.block),
    to: at.blockTag,
  });
  const events = logs.flatMap((log) => oracle.interface.parseLog(log) ?? []);
  const last = events.findLastIndex(({ name }) => (CHANGES as readonly string[]).includes(name));
  let source: Proxied | undefined;
  let proposed: Proxied | undefined;
  let settlement: FormerSource["settlement"];
  for (const { name, args } of events.slice(0, Math.max(0, last))) {
    if (name === "FeedListed") source = proxiedOf(args);
    else if (name === "SourceProposed") proposed = proxiedOf(args);
    else if (name === "SourceAdopted") source = proposed;
    else if (name === "FeedConfigured" && source !== undefined) source = { ...source, window: windowOf(args) };
    else if (name === "SettlementSet") settlement = settlementOf(args);
  }
  if (source === undefined) throw new PlimsollError(`no event says what asset ${asset} settled by`);
  return { ...source, settlement };
}

function proxiedOf(args: Result): Proxied {
  const kind = FEED_KINDS[Number(args.getValue("kind"))];
  if (kind === undefined) throw new PlimsollError("unknown kind of feed");
  return { proxy: args.getValue("proxy") as string, kind, window: windowOf(args) };
}

function windowOf(args: Result): bigint {
  return (args.getValue("limits") as { window: bigint }).window;
}

function settlementOf(args: Result): FormerSource["settlement"] {
  const stream = args.getValue("stream") as string;
  return BigInt(stream) === 0n ? undefined : { stream, window: args.getValue("window") as bigint };
}
