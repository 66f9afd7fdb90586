import { expect } from "chai";

import { DataError, type DataFault } from "../../../scripts/lab/data/errors.ts";
import { loadPrices, parsePrices, type PriceOptions } from "../../../scripts/lab/data/prices.ts";
import { EXIT } from "../../../scripts/lab/errors.ts";

const CANDLES = "unix_timestamp,open,high,low,close";
const ROUNDS = "timestamp,answer,round_id,started_at";
const PHASE = 1n << 64n;

const parse = (lines: readonly string[], options: PriceOptions = {}) =>
  parsePrices(`${lines.join("\n")}\n`, "some.csv", options);

function faultOf(lines: readonly string[], options: PriceOptions = {}): DataError {
  try {
    parse(lines, options);
  } catch (error) {
    if (error instanceof DataError) return error;
    throw error;
  }
  throw new Error("the file is taken");
}

const id = (round: number): string => String(PHASE + BigInt(round));

describe("files of prices", () => {
  it("are candles by their header, in whatever order its columns are", () => {
    const prices = parse([
      "close,unix_timestamp,open,high,low,volume",
      "11,1600000200,10,12,9,3",
      "12,1600000500,11,13,10,4",
    ]);
    expect(prices).to.deep.equal({
      kind: "candles",
      file: "some.csv",
      interval: 300,
      candles: [
        { at: 1600000200, open: 10, high: 12, low: 9, close: 11 },
        { at: 1600000500, open: 11, high: 13, low: 10, close: 12 },
      ],
    });
  });

  it("are rounds by their header, several at one second too, and earlier ones where the phase changes", () => {
    const next = String(2n * PHASE + 1n);
    const prices = parse([
      ROUNDS,
      `1600000200,100000000,${id(1)},1600000190`,
      `1600000200,110000000,${id(2)},`,
      `1600000150,120000000,${next},1600000150`,
    ]);
    if (prices.kind !== "rounds") throw new Error("no rounds");
    expect(prices.rounds).to.deep.equal([
      { updatedAt: 1600000200, startedAt: 1600000190, answer: 100000000n, id: PHASE + 1n },
      { updatedAt: 1600000200, startedAt: 1600000200, answer: 110000000n, id: PHASE + 2n },
      { updatedAt: 1600000150, startedAt: 1600000150, answer: 120000000n, id: 2n * PHASE + 1n },
    ]);
  });

  it("number rounds that have no ids", () => {
    const prices = parse(["timestamp,answer", "1600000200,100000000", "1600000260,110000000"]);
    expect(prices.kind === "rounds" && prices.rounds.map((round) => round.id)).to.deep.equal([PHASE + 1n, PHASE + 2n]);
  });

  it("may have gaps that are allowed", () => {
    const lines = [CANDLES, "1600000200,1,1,1,1", "1600000500,1,1,1,1", "1600002000,1,1,1,1"];
    expect(parse(lines, { maxGap: 1_500 })).to.have.property("interval", 300);
  });

  const good = "1600000200,10,12,9,11";
  const bad: [what: string, lines: string[], fault: DataFault, line: number, options?: PriceOptions][] = [
    ["of no known kind", ["time,price", "1,2", "2,3"], "missing column", 1],
    ["without a column", ["unix_timestamp,open,high,low", "1600000200,1,1,1", "1600000500,1,1,1"], "missing column", 1],
    ["of rounds without answers' times", ["time,answer", "1,2", "2,3"], "missing column", 1],
    ["with a short row", [CANDLES, good, "1600000500,10,12,9"], "missing field", 3],
    ["of one row", [CANDLES, good], "one row", 2],
    ["of no row", [CANDLES], "one row", 1],
    ["stamped in milliseconds", [CANDLES, "1600000200000,1,1,1,1", "1600000500000,1,1,1,1"], "wrong unit", 2],
    ["stamped with dates", [CANDLES, "2020-09-13T12:30:00+02:00,1,1,1,1", good], "wrong unit", 2],
    ["stamped in minutes", [CANDLES, "26666670,1,1,1,1", good], "wrong unit", 2],
    ["with a percentage", [CANDLES, "1600000200,1 %,2,1,2", good], "wrong unit", 2],
    ["with scaled prices", [CANDLES, "1600000200,1000000000,1200000000,900000000,1100000000", good], "wrong unit", 2],
    ["with a unit that changes", [CANDLES, good, "1600000500,10000,12000,9000,11000"], "wrong unit", 3],
    [
      "beyond what the asset may cost",
      [CANDLES, good, "1600000500,11,12,9,11"],
      "wrong unit",
      2,
      { range: { low: 50, high: 100 } },
    ],
    ["with a word for a price", [CANDLES, good, "1600000500,11,12,n/a,11"], "not a number", 3],
    ["with an empty price", [CANDLES, good, "1600000500,,12,9,11"], "not a number", 3],
    ["with a zero price", [CANDLES, good, "1600000500,11,12,0,11"], "not positive", 3],
    ["with a negative price", [CANDLES, good, "1600000500,-11,12,9,11"], "not positive", 3],
    ["with a high below the low", [CANDLES, good, "1600000500,11,9,12,11"], "high below low", 3],
    ["with a close above the high", [CANDLES, good, "1600000500,11,12,9,13"], "outside low and high", 3],
    ["with a candle twice", [CANDLES, good, good], "duplicate", 3],
    ["with candles unsorted", [CANDLES, good, "1600000500,11,12,9,11", "1599999900,11,12,9,11"], "unsorted", 4],
    ["with a missing candle", [CANDLES, good, "1600000500,11,12,9,11", "1600001100,11,12,9,11"], "gap", 4],
    [
      "with a gap above the allowed one",
      [CANDLES, good, "1600000500,11,12,9,11", "1600001400,11,12,9,11"],
      "gap",
      4,
      { maxGap: 600 },
    ],
    ["of half an hour's time zone", [CANDLES, "1600000200,1,1,1,1", "1600003800,1,1,1,1"], "off the grid", 2],
    [
      "of prices in place of answers",
      [ROUNDS, `1600000200,10.5,${id(1)},`, `1600000260,10.6,${id(2)},`],
      "wrong unit",
      2,
    ],
    [
      "of whole prices in place of answers",
      ["timestamp,answer", "1600000200,1850", "1600000260,1851"],
      "wrong unit",
      2,
    ],
    [
      "of answers with other decimals",
      ["timestamp,answer", "1600000200,996316981209140000", "1600000260,996316981209140000"],
      "wrong unit",
      2,
    ],
    ["with an answer of zero", ["timestamp,answer", "1600000200,0", "1600000260,1"], "not positive", 2],
    ["with a negative answer", ["timestamp,answer", "1600000200,100000000", "1600000260,-1"], "not positive", 3],
    [
      "with a round twice",
      [ROUNDS, `1600000200,100000000,${id(1)},`, `1600000260,100000000,${id(1)},`],
      "duplicate",
      3,
    ],
    [
      "with rounds unsorted",
      [ROUNDS, `1600000200,100000000,${id(2)},`, `1600000260,100000000,${id(1)},`],
      "unsorted",
      3,
    ],
    [
      "with times of a phase unsorted",
      [ROUNDS, `1600000200,100000000,${id(1)},`, `1600000100,100000000,${id(2)},`],
      "unsorted",
      3,
    ],
    ["with a silence", ["timestamp,answer", "1600000200,100000000", "1600007401,100000000"], "gap", 3],
    [
      "with a round that starts late",
      [ROUNDS, `1600000200,100000000,${id(1)},1600000300`, `1600000260,1,${id(2)},`],
      "inconsistent",
      2,
    ],
  ];
  for (const [what, lines, fault, line, options] of bad) {
    it(`${what} are refused with file, line and reason`, () => {
      const error = faultOf(lines, options);
      expect({ fault: error.fault, line: error.line, file: error.file }).to.deep.equal({
        fault,
        line,
        file: "some.csv",
      });
      expect(error.message).to.match(new RegExp(`^some\\.csv:${line}: ${fault}: .`));
    });
  }

  it("that are not there are refused as input", () => {
    expect(() => loadPrices("/nowhere/some.csv"))
      .to.throw(DataError, "/nowhere/some.csv:1: unreadable")
      .with.property("exitCode", EXIT.usage);
  });
});
