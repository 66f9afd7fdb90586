import { expect } from "chai";
import fc from "fast-check";

import { accountOf, loadFixture, type World } from "../fixture.ts";
import { ETH, wad, WAD } from "../parameters.ts";
import {
  DEPOSIT,
  divUp,
  expectNotDiluted,
  MINT,
  nextInterval,
  still,
  quoteOf,
  sharesFor,
  type Signer,
  UNIT,
  unitsFor,
  VIRTUAL,
} from "./helpers.ts";

const RUNS = process.env["TEST_DEPTH"] === "deep" ? 100 : 8;
const SEED = 1_819_307_375;

type Step =
  | { do: "deposit"; who: number; units: number }
  | { do: "redeem"; who: number; share: number }
  | { do: "price"; move: number }
  | { do: "trade"; size: number }
  | { do: "fulfil"; back: number }
  | { do: "claim"; who: number; verb: (typeof CLAIMS)[number]; share: number };

const CLAIMS = ["deposit", "mint", "redeem", "withdraw"] as const;

const who = fc.nat({ max: 2 });
/** 1e-6. Often all of it. */
const share = fc.oneof(fc.constant(1_000_000), fc.integer({ min: 1, max: 1_000_000 }));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("deposit" as const), who, units: fc.integer({ min: 1, max: 1e10 }) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("redeem" as const), who, share }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("price" as const), move: fc.integer({ min: -100_000, max: 100_000 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("trade" as const), size: fc.integer({ min: -200, max: 200 }) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("fulfil" as const), back: fc.nat({ max: 1 }) }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant("claim" as const), who, verb: fc.constantFrom(...CLAIMS), share }),
  },
);

/** What is put in and got in one direction of a batch. */
interface Tally {
  requested: bigint;
  settled: bigint;
  due: bigint;
  readonly requests: Map<number, { requested: bigint; claimed: bigint; received: bigint }>;
}

interface Batch {
  readonly deposits: Tally;
  readonly redemptions: Tally;
}

const newTally = (): Tally => ({ requested: 0n, settled: 0n, due: 0n, requests: new Map() });

function request(tally: Tally, person: number, amount: bigint): void {
  const mine = tally.requests.get(person) ?? { requested: 0n, claimed: 0n, received: 0n };
  tally.requests.set(person, { ...mine, requested: mine.requested + amount });
  tally.requested += amount;
}

/** What a person can claim of a batch. */
function claimable(tally: Tally, person: number): { put: bigint; due: bigint } {
  const mine = tally.requests.get(person);
  if (mine === undefined) return { put: 0n, due: 0n };
  return {
    put: (mine.requested * tally.settled) / tally.requested - mine.claimed,
    due: (mine.requested * tally.due) / tally.requested - mine.received,
  };
}

/** Books a claim of `amount` of what was put in, or of what is due; returns the other. */
function claim(tallies: readonly Tally[], person: number, amount: bigint, exact: "put" | "due"): bigint {
  let left = amount;
  let other = 0n;
  for (const tally of tallies) {
    const all = claimable(tally, person);
    const mine = tally.requests.get(person);
    if (mine === undefined || mine.claimed === mine.requested) continue;
    if (all.put === 0n || left === 0n) break;
    const part = { ...all };
    if (exact === "put" && left < all.put) [part.put, part.due] = [left, (all.due * left) / all.put];
    if (exact === "due" && left < all.due) [part.put, part.due] = [divUp(all.put * left, all.due), left];
    mine.claimed += part.put;
    mine.received += part.due;
    left -= part[exact];
    other += part[exact === "put" ? "due" : "put"];
  }
  expect(left).to.equal(0n);
  return other;
}

class Model {
  readonly #world: World;
  readonly #people: readonly Signer[];
  /** By number; the world has had one batch before. */
  readonly #batches = new Map<number, Batch>();
  #redeemed = 1;
  /** How often what this test is about has happened. */
  readonly seen = { fulfilled: 0, partly: 0, claimed: 0 };

  constructor(world: World, people: readonly Signer[]) {
    this.#world = world;
    this.#people = people;
  }

  #person(index: number): Signer {
    const person = this.#people[index];
    if (person === undefined) throw new Error("nobody");
    return person;
  }

  #tallies(direction: keyof Batch): Tally[] {
    return [...this.#batches.values()].map((batch) => batch[direction]);
  }

  async #request(direction: keyof Batch, person: number, amount: bigint): Promise<void> {
    const number = Number((await this.#world.pool.queue()).latest);
    const batch = this.#batches.get(number) ?? { deposits: newTally(), redemptions: newTally() };
    this.#batches.set(number, batch);
    request(batch[direction], person, amount);
  }

  async play(step: Step): Promise<void> {
    const { pool, alice, trade, setPrice, priceOf } = this.#world;
    switch (step.do) {
      case "deposit": {
        if (!(await this.#hasRoom("deposits", step.who))) return;
        await this.#world.requestDeposit(this.#person(step.who), BigInt(step.units) * UNIT);
        return this.#request("deposits", step.who, BigInt(step.units));
      }
      case "redeem": {
        const person = this.#person(step.who);
        const shares = ((await pool.balanceOf(person)) * BigInt(step.share)) / 1_000_000n;
        if (shares === 0n || !(await this.#hasRoom("redemptions", step.who))) return;
        await pool.connect(person).requestRedeem(shares, person, person);
        return this.#request("redemptions", step.who, shares);
      }
      case "price":
        await setPrice(ETH, ((await priceOf(ETH)) * BigInt(1_000_000 + step.move)) / 1_000_000n);
        // Moves that nobody reads would add up to a jump.
        await this.#world.clearingHouse.markPool();
        return;
      case "trade":
        await this.#world.refresh();
        if (step.size !== 0) await trade(accountOf(alice), ETH, BigInt(step.size) * WAD);
        return;
      case "fulfil":
        return this.#fulfil(step.back);
      case "claim":
        return this.#claim(step);
    }
  }

  async #hasRoom(direction: keyof Batch, person: number): Promise<boolean> {
    await nextInterval();
    const waiting = this.#tallies(direction).filter((tally) => {
      const mine = tally.requests.get(person);
      return mine !== undefined && mine.claimed < mine.requested;
    });
    return waiting.length < 8;
  }

  async #fulfil(back: number): Promise<void> {
    const { pool, mature } = this.#world;
    const last = Number((await pool.queue()).latest) - back;
    if (last <= this.#redeemed || !this.#batches.has(last)) return;
    await mature(BigInt(last));
    const quote = await quoteOf(this.#world);
    // What a deposit fills up first is not to be seen from outside: `fulfill.test.ts` has it.
    if (quote.redeemable === 0n) return;
    let changed = false;
    let liquidity = quote.redeemable;
    for (const [number, { deposits }] of this.#batches) {
      if (number > last || deposits.settled === deposits.requested) continue;
      deposits.due = sharesFor(deposits.requested, quote);
      deposits.settled = deposits.requested;
      liquidity += deposits.requested * UNIT;
      changed = true;
    }
    let left = liquidity / UNIT;
    for (const [number, { redemptions }] of this.#batches) {
      let shares = redemptions.requested - redemptions.settled;
      if (number > last) break;
      if (shares !== 0n) {
        if (left === 0n) break;
        let units = unitsFor(shares, quote);
        const partly = units > left;
        if (partly) {
          units = left;
          shares = divUp(units * UNIT * (quote.supply + VIRTUAL), quote.value - quote.spread + VIRTUAL);
        }
        left -= units;
        redemptions.settled += shares;
        redemptions.due += units;
        changed = true;
        if (partly) this.seen.partly++;
        if (partly) break;
      }
      this.#redeemed = number;
    }
    if (changed) {
      await pool.fulfill(last);
      this.seen.fulfilled++;
    } else {
      await expect(pool.fulfill(last)).to.be.revertedWithCustomError(pool, "NothingRedeemable");
    }
    expectNotDiluted(quote, await quoteOf(this.#world));
  }

  async #claim({ who: index, verb, share }: Step & { do: "claim" }): Promise<void> {
    const { pool, tokens } = this.#world;
    const person = this.#person(index);
    const most = {
      deposit: await pool.maxDeposit(person),
      mint: await pool.maxMint(person),
      redeem: await pool.maxRedeem(person),
      withdraw: await pool.maxWithdraw(person),
    }[verb];
    const amount = (most * BigInt(share)) / 1_000_000n;
    if (amount === 0n) return;
    const entering = verb === "deposit" || verb === "mint";
    const balance = async () => (entering ? pool.balanceOf(person) : tokens.usdc.balanceOf(person));
    const before = await balance();
    const exact = verb === "deposit" || verb === "redeem" ? "put" : "due";
    const other = claim(this.#tallies(entering ? "deposits" : "redemptions"), index, amount, exact);

    if (verb === "deposit") await pool.connect(person)[DEPOSIT](amount, person, person);
    else if (verb === "mint") await pool.connect(person)[MINT](amount, person, person);
    else await pool.connect(person)[verb](amount, person, person);

    this.seen.claimed++;
    expect((await balance()) - before).to.equal(exact === "put" ? other : amount);
  }

  /** Every view says what the model says, and nothing more was claimed than was settled. */
  async check(): Promise<void> {
    const { pool } = this.#world;
    for (const [number, { deposits, redemptions }] of this.#batches) {
      const batch = await pool.batchOf(number);
      expect([batch.deposited, batch.minted]).to.deep.equal([deposits.requested, deposits.due]);
      expect([batch.toRedeem, batch.burned]).to.deep.equal([redemptions.requested, redemptions.settled]);
      expect(batch.paid).to.equal(redemptions.due);
      for (const tally of [deposits, redemptions]) {
        const requests = [...tally.requests.values()];
        expect(requests.reduce((sum, { claimed }) => sum + claimed, 0n)).to.be.at.most(tally.settled);
        expect(requests.reduce((sum, { received }) => sum + received, 0n)).to.be.at.most(tally.due);
      }
      for (const [index, person] of this.#people.entries()) {
        expect(await pool.claimableDepositRequest(number, person)).to.equal(claimable(deposits, index).put);
        expect(await pool.claimableRedeemRequest(number, person)).to.equal(claimable(redemptions, index).put);
      }
    }
    expect(Number((await pool.queue()).redemptions)).to.equal(this.#redeemed);
  }
}

describe("LiquidityPool, over random histories", () => {
  it("settles and pays as the model says, and never lowers the value of a share", async () => {
    const seen = { fulfilled: 0, partly: 0, claimed: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 60, maxLength: 80 }), async (steps) => {
        const world = await loadFixture(crowd);
        const model = new Model(world, [world.provider, world.bob, world.carol]);
        for (const next of steps) await model.play(next);
        await model.check();
        for (const name of ["fulfilled", "partly", "claimed"] as const) seen[name] += model.seen[name];
      }),
      { seed: SEED, numRuns: RUNS },
    );
    // A history without them would prove nothing.
    for (const [name, count] of Object.entries(seen)) expect(count, name).to.be.at.least(RUNS);
  }).timeout(RUNS * 30_000);
});

/** Three providers with half a million, 300,000 and a third of 600,000. */
async function crowd() {
  const world = await still("1_000_000");
  const { pool, provider, bob, carol, alice, fund, trade } = world;
  await pool.connect(provider).transfer(bob, wad("300_000"));
  await pool.connect(provider).transfer(carol, wad("199_999.999999999999999999"));
  await fund(alice, wad("3_000_000"));
  await trade(accountOf(alice), ETH, wad("400"));
  return world;
}
