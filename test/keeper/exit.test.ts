import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

import { FundsError, WrongChainError, WrongContractsError } from "../../scripts/keeper/boot.ts";
import { ConfigError, KeyError } from "../../scripts/keeper/config.ts";
import { CycleError } from "../../scripts/keeper/Keeper.ts";
import { EXIT, EXIT_CODES, exitCodeOf } from "../../scripts/keeper/exit.ts";
import { EndpointsError, QuorumError } from "../../scripts/keeper/rpc/Endpoints.ts";
import { RolesError } from "../../scripts/keeper/roles.ts";
import { SignerError } from "../../scripts/keeper/send/signer.ts";
import { PortError } from "../../scripts/keeper/watch/server.ts";
import { PlimsollError } from "../../scripts/deploy/PlimsollError.ts";

describe("exitCodeOf", () => {
  it("is another for each kind of bad input", () => {
    const kinds = [
      ConfigError,
      WrongChainError,
      EndpointsError,
      WrongContractsError,
      KeyError,
      FundsError,
      SignerError,
      PortError,
      QuorumError,
      CycleError,
      RolesError,
    ];
    const codes = kinds.map((Kind) => exitCodeOf(new Kind("")));

    expect(new Set(codes).size).to.equal(kinds.length);
    expect(codes).not.to.include(EXIT.ok);
    expect(codes).not.to.include(EXIT.unexpected);
  });

  it("is that of the cause where an error says nothing itself", () => {
    expect(exitCodeOf(new PlimsollError("outer", { cause: new KeyError("") }))).to.equal(EXIT_CODES.KeyError);
    expect(exitCodeOf(new PlimsollError("outer"))).to.equal(EXIT.unexpected);
    expect(exitCodeOf("text")).to.equal(EXIT.unexpected);
  });

  it("is that of what a cycle has failed of, where that has one", () => {
    const of = (cause: unknown) => exitCodeOf(new CycleError("", { cause }));

    expect(of(new QuorumError(""))).to.equal(EXIT_CODES.QuorumError);
    expect(of(new PlimsollError("", { cause: new EndpointsError("") }))).to.equal(EXIT_CODES.EndpointsError);
    expect(of(new TypeError(""))).to.equal(EXIT_CODES.CycleError);
  });

  it("is what the operations guide says", () => {
    const guide = readFileSync(join(import.meta.dirname, "../../docs/operations.md"), "utf8");
    const rows = [...guide.matchAll(/^\| (\d+) \| .* \| `(\w+(?:`, `\w+)*)` \|$/gm)];
    const written = Object.fromEntries(
      rows.flatMap(([, code, names]) => (names ?? "").split("`, `").map((name) => [name, Number(code)])),
    );

    expect(written).to.deep.equal(EXIT_CODES);
  });
});
