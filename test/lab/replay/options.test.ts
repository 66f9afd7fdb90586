import { expect } from "chai";

import { UsageError } from "../../../scripts/lab/errors.ts";
import { parseOptions } from "../../../scripts/lab/replay/options.ts";

describe("options of replay", () => {
  it("replays the cascade with the local parameters where nothing is said", () => {
    expect(parseOptions([])).to.include({ event: "cascade-2025", parameters: "deploy/parameters/local.ts", seed: 1 });
  });

  it("takes files of prices in place of an event", () => {
    const options = parseOptions(["--prices", "ETH=a.csv", "--prices", "BTC=b.csv"]);
    expect(options.event).to.equal(undefined);
    expect([...options.prices]).to.deep.equal([
      ["ETH", "a.csv"],
      ["BTC", "b.csv"],
    ]);
  });

  for (const [reason, args] of [
    ["--event is one of", ["--event", "yesterday"]],
    ["exclude each other", ["--event", "crash-2021", "--prices", "ETH=a.csv"]],
    ["--prices needs NAME=VALUE", ["--prices", "a.csv"]],
    ["--bias needs a number from -1 to 1", ["--bias", "2"]],
    ["--accounts needs a whole number", ["--accounts", "9"]],
    ["--from needs a UTC date", ["--from", "2025-10-10 20:00"]],
    ["unknown option", ["--speed", "2"]],
  ] as const) {
    it(`refuses ${args.join(" ")}`, () => {
      expect(() => parseOptions(args)).to.throw(UsageError, reason);
    });
  }
});
