import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

import { EXIT_CODES, LASTING } from "../../scripts/keeper/exit.ts";

const docs = join(import.meta.dirname, "../../docs");

describe("systemd unit", () => {
  const unit = readFileSync(join(docs, "keeper/plimsoll-keeper.service"), "utf8");
  /** The value of a setting; undefined if there is none, or more than one. */
  const setting = (name: string): string | undefined => {
    const found = [...unit.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))];
    return found.length === 1 ? found[0]?.[1] : undefined;
  };
  const lasting = [...new Set(LASTING.map((name) => EXIT_CODES[name]))].sort((a, b) => a - b);

  it("starts again after any outage, however long, and after no mistake", () => {
    expect(setting("Restart")).to.equal("always");
    expect(setting("StartLimitIntervalSec")).to.equal("0");
    expect(setting("RestartPreventExitStatus")?.split(" ").map(Number)).to.deep.equal(lasting);
    for (const outage of ["EndpointsError", "FundsError", "StoreServerError", "SignerError", "PortError"] as const) {
      expect(lasting).not.to.include(EXIT_CODES[outage]);
    }
  });

  it("waits longer each time", () => {
    const [first, most] = [setting("RestartSec"), setting("RestartMaxDelaySec")].map(Number);
    expect(first).to.be.above(0);
    expect(most).to.be.above(first ?? Infinity);
    expect(Number(setting("RestartSteps"))).to.be.above(0);
  });

  it("gives up after the codes that the operations guide names", () => {
    const guide = readFileSync(join(docs, "operations.md"), "utf8");
    const [, list = ""] = /after every code but ([\d, and]+): these\s/.exec(guide) ?? [];

    expect((list.match(/\d+/g) ?? []).map(Number)).to.deep.equal(lasting);
  });
});
