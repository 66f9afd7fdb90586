import { expect } from "chai";

import { EXIT, ReplayError } from "../../scripts/replay/errors.ts";
import { parseOptions } from "../../scripts/replay/options.ts";

describe("parseOptions of npm start", () => {
  it("has a default for everything", () => {
    expect(parseOptions([])).to.deep.equal({
      port: 8545,
      keep: false,
      reports: "reports/replay",
      from: undefined,
      to: undefined,
      perKind: undefined,
      quiet: false,
      help: false,
    });
  });

  it("reads times as ISO 8601 and as unix seconds", () => {
    expect(parseOptions(["--from", "2023-08-17T21:30:00Z", "--to", "1692311400"])).to.include({
      from: 1_692_307_800,
      to: 1_692_311_400,
    });
  });

  const bad: [args: string[], message: string][] = [
    [["--prot", "8545"], "unknown option '--prot'"],
    [["somewhere"], 'unexpected argument "somewhere"'],
    [["--port", "no"], '--port needs a whole number from 1 to 65535, not "no"'],
    [["--port", "0"], '--port needs a whole number from 1 to 65535, not "0"'],
    [["--port", "65536"], '--port needs a whole number from 1 to 65535, not "65536"'],
    [["--port"], "option '--port <value>' argument missing"],
    [["--keep=yes"], "option '--keep' does not take an argument"],
    [["--per-kind", "0"], '--per-kind needs a whole number from 1 to 100, not "0"'],
    [["--from", "noon"], '--from needs ISO 8601 or unix seconds, not "noon"'],
    [["--from", "2000", "--to", "1000"], "--from must lie before --to"],
  ];
  for (const [args, message] of bad) {
    it(`refuses ${args.join(" ")}`, () => {
      expect(() => parseOptions(args))
        .to.throw(ReplayError, message)
        .with.property("exitCode", EXIT.usage);
    });
  }
});
