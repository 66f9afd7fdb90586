import { expect } from "chai";

import type { TriggerState } from "../../../scripts/keeper/decide/state.ts";
import type { Settlement } from "../../../scripts/keeper/rounds.ts";
import type { Refusal } from "../../../scripts/model/price.ts";
import {
  ALICE,
  BOB,
  decided,
  feed,
  KEEPER,
  kinds,
  NOW,
  order,
  own,
  PHASE,
  settled,
  usd,
  voided,
  WAD,
  waiting,
} from "./states.ts";

/** Eight days, s. */
const PATIENCE = 691_200n;

describe("decide, orders", () => {
  const executed = (change: object) => ({ kind: "execute", role: "orders", reports: [], reward: 3n * WAD, ...change });

  it("executes what has its round, first submitted first", () => {
    const orders = [
      order(BOB, 4n, [settled(9n)], NOW - 50n),
      order(ALICE, 2n, [settled(5n)], NOW - 90n),
      order(ALICE, 1n, [settled(5n)], NOW - 90n),
    ];
    const hints = [{ round: PHASE + 5n, before: PHASE + 4n }];

    expect(decided({ orders })).to.deep.equal([
      executed({ account: ALICE, sequence: 1n, hints }),
      executed({ account: ALICE, sequence: 2n, hints }),
      executed({ account: BOB, sequence: 4n, hints: [{ round: PHASE + 9n, before: PHASE + 8n }] }),
    ]);
  });

  describe("of the same half minute", () => {
    const HALF_MINUTE = NOW - (NOW % 30n) - 60n;
    const accounts = Array.from({ length: 20 }, (_, place) => `0x${(place + 1).toString(16).padStart(64, "0")}`);
    const orders = accounts.flatMap((account, place) => [
      order(account, 7n, [settled(9n)], HALF_MINUTE + 1n + BigInt(place % 20)),
      order(account, 8n, [settled(9n)], HALF_MINUTE + 29n),
    ]);
    /** Accounts and numbers in the order in which a keeper takes them. */
    const takenBy = (keeper: string, block = 1) =>
      decided({ orders, block, own: { ...own, account: keeper } }).flatMap((action) =>
        action.kind === "execute" ? [`${action.account}/${String(action.sequence)}`] : [],
      );

    it("are taken in an order of each keeper's own, another at each block", () => {
      const [one, other, later] = [takenBy(KEEPER), takenBy(BOB), takenBy(KEEPER, 2)];

      expect(new Set(one)).to.deep.equal(new Set(other)).and.have.property("size", 40);
      const shared = (some: readonly string[]) => one.slice(0, 20).filter((name) => some.slice(0, 20).includes(name));
      expect([shared(other).length, shared(later).length].every((count) => count < 16)).to.equal(true);
      expect(takenBy(KEEPER)).to.deep.equal(one);
    });

    it("stay in their order, if they are of one account", () => {
      for (const keeper of [KEEPER, BOB, ALICE]) {
        const taken = takenBy(keeper);
        for (const account of accounts) {
          expect(taken.indexOf(`${account}/7`)).to.be.below(taken.indexOf(`${account}/8`));
        }
      }
    });

    it("come after those of an earlier one, whoever takes them", () => {
      const earlier = order(ALICE, 1n, [settled(5n)], HALF_MINUTE - 1n);
      for (const keeper of [KEEPER, BOB, ALICE]) {
        const [first] = decided({ orders: [...orders, earlier], own: { ...own, account: keeper } });
        expect(first).to.deep.include({ account: ALICE, sequence: 1n });
      }
    });
  });

  it("leaves what waits for a round of any leg", () => {
    expect(decided({ orders: [order(ALICE, 1n, [settled(5n), waiting])] })).to.deep.equal([]);
    expect(decided({ orders: [order(ALICE, 1n, [waiting, voided])] })).to.deep.equal([]);
  });

  it("refunds what is void, whatever the legs behind, for what a refund pays", () => {
    const hints = [
      { round: PHASE + 5n, before: PHASE + 4n },
      { round: 0n, before: PHASE + 1n },
      { round: 0n, before: 0n },
    ];

    expect(decided({ orders: [order(ALICE, 1n, [settled(5n), voided, waiting])] })).to.deep.equal([
      executed({ account: ALICE, sequence: 1n, hints, reward: WAD }),
    ]);
  });

  it("refunds what was submitted before the sequencer came up, without a hint", () => {
    const orders = [order(ALICE, 1n, [waiting], NOW - 100n)];

    expect(decided({ orders, upSince: NOW - 100n })).to.deep.equal([
      executed({ account: ALICE, sequence: 1n, hints: [], reward: WAD }),
    ]);
    expect(decided({ orders, upSince: NOW - 101n })).to.deep.equal([]);
  });

  it("expects no more than the escrow", () => {
    const poor = { ...order(ALICE, 1n, [settled(5n)]), pay: { escrow: 2n * WAD, execution: 3n * WAD, refund: WAD } };
    const [action] = decided({ orders: [poor] });

    expect(action).to.deep.include({ kind: "execute", reward: 2n * WAD });
  });

  it("brings the reports of the legs up to the first that is void", () => {
    const report = (data: string) => ({ data, fee: 7n });
    const settlements: Settlement[] = [
      { kind: "settled", hint: { round: 9n, before: 0n }, settledAt: NOW, report: report("0x01") },
      { kind: "void", hint: { round: 10n, before: 0n }, settledAt: 0n, report: report("0x02") },
      { kind: "settled", hint: { round: 11n, before: 0n }, settledAt: NOW, report: report("0x03") },
    ];
    const [action] = decided({ orders: [order(ALICE, 1n, settlements)] });

    expect(action).to.deep.include({ kind: "execute", reports: [report("0x01"), report("0x02")] });
  });

  it("abandons what nobody could prove for eight days", () => {
    const aged = (age: bigint, settlement: Settlement) =>
      kinds(decided({ orders: [order(ALICE, 1n, [settlement], NOW - age)] }));

    expect(aged(PATIENCE - 1n, { kind: "unprovable" })).to.deep.equal([]);
    expect(aged(PATIENCE, { kind: "unprovable" })).to.deep.equal(["abandon"]);
    expect(aged(PATIENCE, waiting)).to.deep.equal(["abandon"]);
    expect(aged(PATIENCE, settled(5n))).to.deep.equal(["execute"]);
  });
});

describe("decide, triggers", () => {
  const trigger: TriggerState["trigger"] = {
    account: ALICE,
    sequence: 3n,
    asset: 0,
    delta: -WAD,
    triggerPrice: usd(95),
    above: false,
    expiry: 0n,
  };
  const resting = (change: Partial<typeof trigger> = {}, size = WAD): TriggerState => ({
    trigger: { ...trigger, ...change },
    size,
    pay: usd(0.5),
  });
  const at = (price: number, triggers: readonly TriggerState[], refusal: Refusal = "None") =>
    decided({ triggers, feeds: [feed({ latest: price, stored: price, refusal })] });

  it("pokes one whose condition holds, for what a poke pays", () => {
    const poke = { kind: "poke", account: ALICE, sequence: 3n, reward: usd(0.5), role: "orders" };

    expect(at(95, [resting()])).to.deep.equal([poke]);
    expect(at(95.01, [resting()])).to.deep.equal([]);
    expect(at(95, [resting({ above: true })])).to.deep.equal([poke]);
    expect(at(94.99, [resting({ above: true })])).to.deep.equal([]);
  });

  it("leaves one without a position to reduce, past its time, or without a live price", () => {
    expect(at(90, [resting({}, 0n)])).to.deep.equal([]);
    expect(at(90, [resting({}, -WAD)])).to.deep.equal([]);
    expect(at(90, [resting({ expiry: NOW - 1n })])).to.deep.equal([]);
    expect(kinds(at(90, [resting({ expiry: NOW })]))).to.deep.equal(["poke"]);
    expect(at(90, [resting()], "Stale")).to.deep.equal([]);
  });

  it("pokes many in an order of the keeper's own, those of an account in theirs", () => {
    const accounts = Array.from({ length: 20 }, (_, place) => `0x${(place + 1).toString(16).padStart(64, "0")}`);
    const triggers = accounts.flatMap((account) => [
      resting({ account, sequence: 5n }),
      resting({ account, sequence: 4n }),
    ]);
    const takenBy = (keeper: string) => {
      const price = feed({ latest: 90, stored: 90 });
      const actions = decided({ triggers, feeds: [price], own: { ...own, account: keeper } });
      return actions.flatMap((action) =>
        action.kind === "poke" ? [`${action.account}/${String(action.sequence)}`] : [],
      );
    };
    const [one, other] = [takenBy(KEEPER), takenBy(BOB)];

    expect(new Set(one)).to.deep.equal(new Set(other)).and.have.property("size", 40);
    expect(one).to.not.deep.equal(other);
    for (const account of accounts) {
      expect(one.indexOf(`${account}/4`)).to.equal(one.indexOf(`${account}/5`) - 1);
    }
  });
});
