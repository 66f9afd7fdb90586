import { expect } from "chai";

import type { Contracts } from "../../scripts/keeper/contracts.ts";
import { DEFAULTS } from "../../scripts/keeper/decide/state.ts";
import type { Index } from "../../scripts/keeper/index/Index.ts";
import { ROLES } from "../../scripts/keeper/job.ts";
import { outlookOf } from "../../scripts/keeper/outlook.ts";
import { PLAN_DEFAULTS } from "../../scripts/keeper/plan.ts";
import type { Reader } from "../../scripts/keeper/reading/Reader.ts";
import { Metrics } from "../../scripts/keeper/watch/metrics.ts";
import { ALICE, BOB, KEEPER, state } from "./decide/states.ts";
import { silent } from "./silent.ts";

const head = { number: 9, hash: "0x", parentHash: "0x", time: 1_000n };
const nearness = { accounts: 2, unhealthy: 2, within5: 0, within10: 0, within20: 0 };

describe("outlookOf", () => {
  it("passes on all that can be liquidated, whatever is planned", async () => {
    const index = {
      accounts: new Map(),
      orders: new Map(),
      triggers: new Map(),
      counters: {},
      sync: async () => Promise.resolve({ applied: 0, changed: new Set() }),
    } as unknown as Index;
    const reading = { state: state(), nearness, liquidatable: [ALICE, BOB] };
    const reader = { read: async () => Promise.resolve(reading) } as unknown as Reader;
    for (const role of ROLES) {
      const look = outlookOf({
        index,
        reader,
        contracts: {} as unknown as Contracts,
        roles: new Set([role]),
        settings: { ...DEFAULTS, refreshAge: 1n << 40n },
        planSettings: { ...PLAN_DEFAULTS, account: KEEPER },
        margin: 0n,
        metrics: new Metrics(),
        log: silent,
      });
      const { actions, liquidatable } = await look(head, new AbortController().signal);

      expect(actions).to.deep.equal([]);
      expect(liquidatable).to.deep.equal([ALICE, BOB]);
    }
  });
});
