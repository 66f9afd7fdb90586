import { expect } from "chai";

import { OptionsError, parseOptions } from "../../scripts/bench/options.ts";

describe("options of a benchmark", () => {
  it("are everything by default", () => {
    expect(parseOptions([])).to.deep.equal({
      benches: ["screen", "index", "latency"],
      accounts: 10_000,
      samples: 100,
      json: false,
      help: false,
    });
  });

  it("choose what is measured, in their order, and how much of it", () => {
    const options = parseOptions(["--only", "latency,screen", "--accounts", "50", "--samples", "3", "--json"]);
    expect(options).to.deep.include({ benches: ["latency", "screen"], accounts: 50, samples: 3, json: true });
  });

  for (const [args, named] of [
    [["--only", "speed"], "--only"],
    [["--only", ""], "--only"],
    [["--accounts", "0"], "--accounts"],
    [["--accounts", "1e3"], "--accounts"],
    [["--samples", "-1"], "--samples"],
    [["--sample", "1"], "--sample"],
    [["screen"], "screen"],
  ] as const) {
    it(`refuse ${args.join(" ")} by name`, () => {
      expect(() => parseOptions(args)).to.throw(OptionsError, named);
    });
  }
});
