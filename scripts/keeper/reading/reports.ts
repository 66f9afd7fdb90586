/** Signed reports of Data Streams: where they come from, and what it costs to bring one. */
import { createClient, type DataStreamsClient } from "@chainlink/data-streams-sdk";

import { PlimsollError } from "../../deploy/PlimsollError.ts";

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

/** Some of the credentials are there, and not all. */
export class CredentialsError extends PlimsollError {}

/** What the environment has to hold for reports to be fetched; the last two may be left out. */
export const REPORT_VARIABLES = {
  apiKey: "DATA_STREAMS_API_KEY",
  userSecret: "DATA_STREAMS_USER_SECRET",
  endpoint: "DATA_STREAMS_ENDPOINT",
  wsEndpoint: "DATA_STREAMS_WS_ENDPOINT",
} as const;

const MAINNET = { endpoint: "https://api.dataengine.chain.link", wsEndpoint: "wss://ws.dataengine.chain.link" };
/** Reports of the second asked for and those after it: the windows of the first ones are no longer than that. */
const PAGE = 4;
const TIMEOUT_MS = 5_000;

/** Only the part of the client that is used, so that a test can stand in for it. */
export type ReportClient = Pick<DataStreamsClient, "getReportsPage">;

/** Chainlink's aggregation service. */
export class StreamReportSource implements ReportSource {
  readonly #client: ReportClient;

  constructor(client: ReportClient) {
    this.#client = client;
  }

  async reportAt(feedId: string, time: bigint): Promise<SignedReport | undefined> {
    const reports = await this.#client.getReportsPage(feedId, Number(time), PAGE);
    const found = reports.find(
      ({ validFromTimestamp: from, observationsTimestamp: to }) => BigInt(from) <= time && time <= BigInt(to),
    );
    return (
      found && {
        data: found.fullReport,
        validFrom: BigInt(found.validFromTimestamp),
        observed: BigInt(found.observationsTimestamp),
      }
    );
  }
}

/** With the credentials in the environment; undefined without any. Throws a CredentialsError that names what is missing. */
export function reportSourceOf(env: Readonly<Record<string, string | undefined>>): ReportSource | undefined {
  const { apiKey: keyName, userSecret: secretName, endpoint, wsEndpoint } = REPORT_VARIABLES;
  const [apiKey, userSecret] = [env[keyName] ?? "", env[secretName] ?? ""];
  if (apiKey === "" && userSecret === "") return undefined;
  if (apiKey === "" || userSecret === "") {
    throw new CredentialsError(`the environment has no ${apiKey === "" ? keyName : secretName}`);
  }
  const client = createClient({
    apiKey,
    userSecret,
    endpoint: env[endpoint] ?? MAINNET.endpoint,
    wsEndpoint: env[wsEndpoint] ?? MAINNET.wsEndpoint,
    timeout: TIMEOUT_MS,
  });
  return new StreamReportSource(client);
}
