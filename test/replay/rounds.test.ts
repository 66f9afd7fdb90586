import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { expect } from "chai";

import { EXIT, ReplayError } from "../../scripts/replay/errors.ts";
import { loadRounds, parseRounds } from "../../scripts/replay/rounds.ts";

const HEADER = "timestamp,answer,round_id,started_at";
const FOLDER = fileURLToPath(new URL("../../scripts/replay/rounds/", import.meta.url));

function parse(...lines: string[]) {
  return parseRounds(`${[HEADER, ...lines].join("\n")}\n`, "feed.csv");
}

describe("parseRounds", () => {
  it("reads rounds in their order, several at one second too", () => {
    expect(
      parse("100,5,18446744073709551617,90", "160,6,18446744073709551618,160", "160,7,18446744073709551619,150"),
    ).to.deep.equal([
      { updatedAt: 100, startedAt: 90, answer: 5n, id: (1n << 64n) + 1n },
      { updatedAt: 160, startedAt: 160, answer: 6n, id: (1n << 64n) + 2n },
      { updatedAt: 160, startedAt: 150, answer: 7n, id: (1n << 64n) + 3n },
    ]);
  });

  const bad: [what: string, lines: string[], message: string][] = [
    ["an id that falls", ["100,5,9,100", "160,6,8,160"], "feed.csv:3: round 8 is not sorted by id"],
    ["an id that is there twice", ["100,5,9,100", "160,6,9,160"], "feed.csv:3: round 9 is there twice"],
    ["a time that goes back", ["100,5,8,100", "99,6,9,99"], "feed.csv:3: time goes back from 100"],
    ["an answer of zero", ["100,0,9,100"], "feed.csv:2: the answer 0 is not positive"],
    ["a negative answer", ["100,-5,9,100"], "feed.csv:2: the answer -5 is not positive"],
    ["too few columns", ["100,5,9"], "feed.csv:2: 3 columns, expected 4"],
    ["too many columns", ["100,5,9,100,1"], "feed.csv:2: 5 columns, expected 4"],
    ["a column that is no whole number", ["100,5.5,9,100"], 'feed.csv:2: "5.5" is not a whole number'],
    ["a round id of zero", ["100,5,0,100"], "feed.csv:2: the round id 0 is not positive"],
    ["a start after the end", ["100,5,9,101"], "feed.csv:2: started at 101, which is not in (0, 100]"],
    ["an empty line between rounds", ["100,5,8,100", "", "160,6,9,160"], "feed.csv:3: 1 columns, expected 4"],
    ["no round", [], "feed.csv:1: there is no round"],
  ];
  for (const [what, lines, message] of bad) {
    it(`refuses ${what}, with file, line and reason`, () => {
      expect(() => parse(...lines))
        .to.throw(ReplayError, message)
        .with.property("exitCode", EXIT.usage);
    });
  }

  it("refuses another header", () => {
    expect(() => parseRounds("time,price\n1,2\n", "feed.csv")).to.throw(ReplayError, "feed.csv:1: the header must be");
  });

  it("names a file that is not there", () => {
    expect(() => loadRounds("/nowhere/feed.csv")).to.throw(ReplayError, "/nowhere/feed.csv: cannot be read");
  });
});

describe("recorded rounds", () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".csv"));

  it("are there for all four feeds", () => {
    expect(files).to.have.members(["eth_usd.csv", "btc_usd.csv", "sol_usd.csv", "link_usd.csv"]);
  });

  for (const file of files) {
    it(`of ${file} cover the day without a silence that would void orders`, () => {
      const rounds = loadRounds(FOLDER + file);
      const gaps = rounds.slice(1).map(({ updatedAt }, index) => updatedAt - (rounds[index]?.updatedAt ?? 0));
      expect(Math.max(...gaps)).to.be.at.most(3_900);
      expect(rounds[0]?.updatedAt).to.be.below(Date.parse("2023-08-17T10:00:00Z") / 1000);
      expect(rounds.at(-1)?.updatedAt).to.be.above(Date.parse("2023-08-18T01:00:00Z") / 1000);
    });
  }

  it("of ETH fall from 1,705 to 1,557 within seven minutes", () => {
    const rounds = loadRounds(`${FOLDER}eth_usd.csv`);
    const before = rounds.find(({ updatedAt }) => updatedAt === Date.parse("2023-08-17T21:38:23Z") / 1000);
    const low = rounds.find(({ updatedAt }) => updatedAt === Date.parse("2023-08-17T21:45:23Z") / 1000);
    expect((before?.answer ?? 0n) / 10n ** 8n).to.equal(1705n);
    expect((low?.answer ?? 0n) / 10n ** 8n).to.equal(1557n);
  });
});
