import { expect } from "chai";

import {
  CredentialsError,
  type ReportClient,
  reportSourceOf,
  StreamReportSource,
} from "../../../scripts/keeper/reading/reports.ts";

const FEED = `0x0003${"11".repeat(30)}`;

/** As the service answers: reports from a second on, in their order. */
function clientOf(windows: readonly (readonly [number, number])[]): ReportClient & { readonly asked: unknown[] } {
  const asked: unknown[] = [];
  return {
    asked,
    getReportsPage: async (feedID, startTime, limit = 10) => {
      asked.push([feedID, startTime]);
      const reports = windows
        .filter(([, observed]) => observed >= startTime)
        .slice(0, limit)
        .map(([validFromTimestamp, observationsTimestamp]) => {
          return { feedID, validFromTimestamp, observationsTimestamp, fullReport: `0x${observationsTimestamp}` };
        });
      return Promise.resolve(reports);
    },
  };
}

describe("StreamReportSource", () => {
  it("finds the report whose window contains the time, its ends included", async () => {
    const client = clientOf([
      [90, 99],
      [100, 105],
      [106, 106],
    ]);
    const source = new StreamReportSource(client);

    for (const at of [100n, 103n, 105n]) {
      expect(await source.reportAt(FEED, at)).to.deep.equal({ data: "0x105", validFrom: 100n, observed: 105n });
    }
    expect((await source.reportAt(FEED, 106n))?.observed).to.equal(106n);
    expect(client.asked).to.deep.include([FEED, 103]);
  });

  it("finds none in a gap, or while there is none", async () => {
    const source = new StreamReportSource(clientOf([[104, 105]]));

    expect(await source.reportAt(FEED, 103n)).to.equal(undefined);
    expect(await source.reportAt(FEED, 106n)).to.equal(undefined);
  });
});

describe("reportSourceOf", () => {
  it("needs both credentials, or none", () => {
    const [key, secret] = [{ DATA_STREAMS_API_KEY: "key" }, { DATA_STREAMS_USER_SECRET: "secret" }];

    expect(reportSourceOf({})).to.equal(undefined);
    expect(() => reportSourceOf(key)).to.throw(CredentialsError, "DATA_STREAMS_USER_SECRET");
    expect(() => reportSourceOf(secret)).to.throw(CredentialsError, "DATA_STREAMS_API_KEY");
    expect(reportSourceOf({ ...key, ...secret })).to.be.instanceOf(StreamReportSource);
  });

  it("never says what the credentials are", () => {
    expect(() => reportSourceOf({ DATA_STREAMS_API_KEY: "hunter2" }))
      .to.throw()
      .with.property("message")
      .that.does.not.include("hunter2");
  });
});
