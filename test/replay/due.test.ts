import { expect } from "chai";

import type { AccountStanding } from "../../scripts/replay/books.ts";
import { findDue } from "../../scripts/replay/due.ts";
import { livePrice } from "../../scripts/model/price.ts";

const ETH = 0;
const NOTHING = { now: 200, pending: [], triggers: [], standings: new Map(), rounds: new Map(), prices: new Map() };

function standing(account: string, { size = 0n, unhealthy = false }: { size?: bigint; unhealthy?: boolean }) {
  const exposures = [{ asset: ETH, size, price: livePrice(100n) }];
  return new Map([[account, { account, unhealthy, exposures } as unknown as AccountStanding]]);
}

describe("findDue", () => {
  const order = { account: "a", sequence: 3n, boundary: 100, assets: [ETH] };

  it("finds nothing in an empty protocol", () => {
    expect(findDue(NOTHING)).to.deep.equal([]);
  });

  it("executes an order once a round later than its boundary lies in the past", () => {
    const due = (times: number[], now = 200) =>
      findDue({ ...NOTHING, now, pending: [order], rounds: new Map([[ETH, times]]) });
    expect(due([50, 101])).to.deep.equal([{ kind: "execute", subject: "a/3" }]);
    expect(due([50, 100])).to.deep.equal([]);
    expect(due([101], 101)).to.deep.equal([]);
  });

  it("waits for the round of every leg of a basket", () => {
    const basket = { ...order, assets: [ETH, 1] };
    expect(findDue({ ...NOTHING, pending: [basket], rounds: new Map([[ETH, [150]]]) })).to.deep.equal([]);
  });

  it("pokes a trigger that fires and can reduce", () => {
    const trigger = { account: "a", sequence: 4n, asset: ETH, delta: -5n, price: 90n, above: false };
    const due = (price: bigint, size: bigint) =>
      findDue({
        ...NOTHING,
        triggers: [trigger],
        standings: standing("a", { size }),
        prices: new Map([[ETH, price]]),
      });
    expect(due(90n, 5n)).to.deep.equal([{ kind: "poke", subject: "a/4" }]);
    expect(due(91n, 5n)).to.deep.equal([]);
    expect(due(90n, -5n)).to.deep.equal([]);
    expect(due(90n, 0n)).to.deep.equal([]);
  });

  it("liquidates who is unhealthy", () => {
    expect(findDue({ ...NOTHING, standings: standing("a", { unhealthy: true }) })).to.deep.equal([
      { kind: "liquidate", subject: "a" },
    ]);
  });
});
