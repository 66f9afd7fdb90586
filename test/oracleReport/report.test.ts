/** What `npm run oracles` makes of a reading. */
import { expect } from "chai";

import type { Feed, OracleReading, Source } from "../../scripts/oracles/reading.ts";
import { findFaults, render, toJson } from "../../scripts/oracles/report.ts";
import { ageOf, answerOf, durationOf } from "../../scripts/oracles/words.ts";
import { packSessions } from "../../scripts/deploy/sessions.ts";

const WAD = 10n ** 18n;
const MINUTE = 60n;
const NOW = 1_700_000_000n;

const SOURCE: Source = {
  address: "0x00000000000000000000000000000000000000A1",
  aggregator: "0x00000000000000000000000000000000000000a2",
  kind: "rounds",
  decimals: 8n,
  currentDecimals: 8n,
  latest: {
    round: (3n << 64n) | 17n,
    answer: 4_000_00000000n,
    price: 4_000n * WAD,
    startedAt: NOW - 5n * MINUTE,
    updatedAt: NOW - 5n * MINUTE,
  },
};

const ETH: Feed = {
  symbol: "ETH",
  source: SOURCE,
  limits: {
    maxAge: 2_055n,
    window: 2_055n,
    jump: 60_000n,
    spread: 100_000n,
    deadAfter: 86_400n,
    minAnswer: 50n * WAD,
    maxAnswer: 200_000n * WAD,
  },
  heartbeat: 1_755n,
  deviation: 500n,
  refusal: "None",
  settling: false,
  dead: false,
  low: 4_000n * WAD,
  high: 4_000n * WAD,
  price: 3_998n * WAD,
  round: (3n << 64n) | 16n,
  updatedAt: NOW - 10n * MINUTE,
  checkedAt: NOW - 9n * MINUTE,
  graceUntil: 0n,
  halt: undefined,
  sessions: 0n,
  open: true,
  settlement: undefined,
  changedAt: 0n,
  shadow: undefined,
};

const HEALTHY: OracleReading = {
  chainId: 42_161n,
  block: 42n,
  time: NOW,
  sequencer: {
    feed: "0x00000000000000000000000000000000000000a3",
    up: true,
    settled: true,
    upSince: NOW - 86_400n,
    grace: 3_600n,
  },
  peg: { held: true, price: WAD, low: (98n * WAD) / 100n, high: (102n * WAD) / 100n },
  feeds: [ETH],
};

/** A round of this age and answer. */
function showing({ age = 5n * MINUTE, price = 4_000n * WAD }: { age?: bigint; price?: bigint }): Source {
  const { latest } = SOURCE;
  if (latest === undefined) throw new Error("no round");
  return { ...SOURCE, latest: { ...latest, price, answer: price / 10n ** 10n, updatedAt: NOW - age } };
}

describe("oracles report", () => {
  it("finds nothing wrong with live prices", () => {
    expect(findFaults(HEALTHY)).to.deep.equal([]);
  });

  const cases: [string, Partial<Feed>, RegExp][] = [
    [
      "a stale answer, with its age and the limit",
      { refusal: "Stale", source: showing({ age: 3_661n }) },
      /^ETH is stale: its latest round is 1 h 1 min old, the limit 34 min 15 s$/,
    ],
    ["no round", { refusal: "Missing", source: { ...SOURCE, latest: undefined } }, /^ETH has no round$/],
    ["an answer of zero", { refusal: "NonPositive", source: showing({ price: 0n }) }, /^ETH answers 0$/],
    [
      "a round to come",
      { refusal: "Future", source: showing({ age: -60n }) },
      /^ETH has a round of 2023-11-14T22:14:20Z, which is to come$/,
    ],
    [
      "an answer outside its bounds",
      { refusal: "OutOfBounds", source: showing({ price: 12n * WAD }) },
      /^ETH answers 12\.00, outside 50\.00 to 200,000\.00$/,
    ],
    [
      "a jump, with its size and the limit",
      { refusal: "Jump", price: 4_000n * WAD, source: showing({ price: 4_400n * WAD }) },
      /^ETH has jumped by \+10\.00 % to 4,400\.00, the limit is 6\.00 %$/,
    ],
    [
      "a halt, its candidate and a veto",
      {
        refusal: "Halted",
        price: 4_000n * WAD,
        halt: {
          candidate: 3_000n * WAD,
          round: 1n,
          since: NOW - 700n,
          haltedAt: NOW - 600n,
          vetoedUntil: NOW + 3_600n,
        },
      },
      /^ETH is halted since 2023-11-14T22:03:20Z, from 4,000\.00 to 3,000\.00 \(−25\.00 %\), vetoed until 2023-11-14T23:13:20Z$/,
    ],
    [
      "silence since the market opened",
      { refusal: "Closed", sessions: 1n, open: true },
      /^ETH has not been heard from since it opened$/,
    ],
    ["a dead feed", { dead: true }, /^ETH is dead: without an answer for 1 d$/],
    [
      "decimals that have changed",
      { source: { ...SOURCE, currentDecimals: 18n } },
      /^ETH: 0x0+A1 says 18 decimals, it was listed with 8$/,
    ],
    [
      "a source that says no decimals",
      { source: { ...SOURCE, currentDecimals: undefined } },
      /^ETH: 0x0+A1 says no decimals/,
    ],
  ];
  for (const [what, change, fault] of cases) {
    it(`says what is wrong: ${what}`, () => {
      const faults = findFaults({ ...HEALTHY, feeds: [{ ...ETH, ...change }] });

      expect(faults).to.have.length(1);
      expect(faults[0]).to.match(fault);
    });
  }

  const { sequencer, peg } = HEALTHY;
  const common: [string, Partial<OracleReading>, RegExp][] = [
    ["the sequencer down", { sequencer: { ...sequencer, up: false, settled: false } }, /^the sequencer is down$/],
    [
      "the sequencer in its grace",
      { sequencer: { ...sequencer, settled: false, upSince: NOW - 600n } },
      /^the sequencer has been up for 10 min: nothing is liquidated for another 50 min$/,
    ],
    [
      "a peg that does not hold",
      { peg: { ...peg, held: false, price: (88n * WAD) / 100n } },
      /^the settlement token is at 0\.880000, or its price is refused: the band is 0\.980000 to 1\.020000$/,
    ],
    ["a settlement token without a price", { peg: { ...peg, held: false, price: 0n } }, /has no price$/],
  ];
  for (const [what, change, fault] of common) {
    it(`says what is wrong: ${what}`, () => {
      const faults = findFaults({ ...HEALTHY, ...change });

      expect(faults).to.have.length(1);
      expect(faults[0]).to.match(fault);
    });
  }

  it("blames the sequencer once, not each feed", () => {
    const down = { ...HEALTHY, sequencer: { ...sequencer, up: false, settled: false } };

    expect(findFaults({ ...down, feeds: [{ ...ETH, refusal: "SequencerDown" }] })).to.have.length(1);
  });

  it("takes a market that is closed by its hours, and an old report, for healthy", () => {
    const stream = showing({ age: 86_400n });
    const feed: Feed = { ...ETH, refusal: "Closed", open: false, sessions: 1n, settlement: { stream, window: 60n } };

    expect(findFaults({ ...HEALTHY, feeds: [feed] })).to.deep.equal([]);
  });

  it("shows price, age against heartbeat, distance against threshold, phase, aggregator and bounds", () => {
    const text = render(HEALTHY, []);

    expect(text).to.match(
      /^ETH +3,998\.00 +4,000\.00 +\+0\.05 % +0\.05 % +5 min +29 min 15 s +34 min 15 s +50\.00 to 200,000\.00 +live$/m,
    );
    expect(text).to.match(/^ETH +rounds +0x0+A1 +0x0+a2 +3 +17 +4,000\.000000 +5 min$/m);
    expect(text).to.match(/^sequencer +up since 2023-11-13T22:13:20Z$/m);
    expect(text).to.match(/^peg +1\.000000, held: 0\.980000 to 1\.020000$/m);
    expect(text).to.match(/\nhealthy$/);
  });

  it("shows a refused price as the interval that counts, and hours, grace and changes", () => {
    const sessions = packSessions([{ open: 0n, close: 7_020n }]);
    const feed: Feed = {
      ...ETH,
      refusal: "OutOfBounds",
      low: 3_600n * WAD,
      high: 4_400n * WAD,
      settling: true,
      graceUntil: NOW + 60n,
      sessions,
      open: false,
      changedAt: NOW - 7_200n,
    };
    const text = render({ ...HEALTHY, feeds: [feed] }, ["ETH answers 12.00"]);

    expect(text).to.include(
      "out of bounds, valued at 3,600.00 to 4,400.00; grace until 2023-11-14T22:14:20Z; " +
        "closed, hours Mon 00:00 – Fri 21:00 UTC; changed 2 h ago",
    );
    expect(text).to.match(/\nNOT HEALTHY\n {2}ETH answers 12\.00$/);
  });

  it("shows what orders settle by, and a source in shadow", () => {
    const feed: Feed = {
      ...ETH,
      settlement: { stream: { ...SOURCE, kind: "stream", aggregator: undefined, latest: undefined }, window: 60n },
      shadow: {
        source: { ...SOURCE, kind: "observed" },
        tolerance: 1_000n,
        agreedSince: NOW - 3_600n,
        watchedAt: NOW - 60n,
      },
    };
    const text = render({ ...HEALTHY, feeds: [feed] }, []);

    expect(text).to.match(/^ {2}settles by +stream +0x0+A1 +- +- +- +- +- +window 1 min$/m);
    expect(text).to.match(/^ {2}in shadow +observed .* has agreed for 1 h, within 0\.10 %, watched 1 min ago$/m);
    const differing: Feed = { ...feed, shadow: feed.shadow && { ...feed.shadow, agreedSince: 0n } };
    expect(render({ ...HEALTHY, feeds: [differing] }, [])).to.include("differs, within");
  });

  it("shows a dash where the parameter file is not known, or there is no round", () => {
    const feed: Feed = { ...ETH, heartbeat: undefined, deviation: undefined, source: { ...SOURCE, latest: undefined } };

    expect(render({ ...HEALTHY, feeds: [feed] }, [])).to.match(/^ETH +3,998\.00 +- +- +- +- +- +34 min 15 s/m);
  });

  it("is one JSON object with every figure as a string", () => {
    const json = JSON.parse(toJson(HEALTHY, [])) as Record<string, unknown>;

    expect(json).to.deep.include({ healthy: true, faults: [], block: "42", time: String(NOW) });
    expect(Object.keys(json)).to.deep.equal(["healthy", "faults", ...Object.keys(HEALTHY)]);
  });
});

describe("words", () => {
  it("names a time by its two longest units", () => {
    const times = [0n, 59n, 60n, 3_661n, 86_400n, 90_000n];

    expect(times.map(durationOf)).to.deep.equal(["0 s", "59 s", "1 min", "1 h 1 min", "1 d", "1 d 1 h"]);
  });

  it("gives an age that is to come a sign", () => {
    expect([ageOf(NOW - 60n, NOW), ageOf(NOW + 60n, NOW)]).to.deep.equal(["1 min", "−1 min"]);
  });

  it("takes an answer of any decimals", () => {
    expect([answerOf(15n, 1n), answerOf(15n * 10n ** 26n, 27n), answerOf(2n, 0n)]).to.deep.equal([
      "1.500000",
      "1.500000",
      "2.000000",
    ]);
  });
});
