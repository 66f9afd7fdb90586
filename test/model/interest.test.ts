import { expect } from "chai";
import fc from "fast-check";

import { moveCash } from "../../scripts/model/fill.ts";
import { abs, DAY, PPM, WAD } from "../../scripts/model/fixed.ts";
import {
  accruedDebts,
  accruedIndexDown,
  debtUp,
  lentDown,
  rateDown,
  sharesUp,
  storedShares,
  utilisationDown,
} from "../../scripts/model/interest.ts";
import { decodeMoney } from "../../scripts/model/parameters.ts";
import { between, holds, share } from "./arbitraries.ts";

const YEAR = 365n * DAY;
/** A rate that does not fall with utilisation. */
const curve = fc
  .tuple(share(), between(0n, 2n * PPM), between(0n, 10n * PPM))
  .map(([borrowKink, borrowRateKink, more]) => ({
    ...decodeMoney(0n),
    borrowKink,
    borrowRateKink,
    borrowRateFull: borrowRateKink + more,
  }));

describe("properties of the interest", () => {
  it("the rate is continuous at the kink, never falls, and ends at its full value", () => {
    holds(
      fc.property(curve, share(), (money, utilisation) => {
        const { borrowKink: kink, borrowRateKink: atKink, borrowRateFull: full } = money;
        const at = (u: bigint): bigint => rateDown(u, money);
        expect(at(kink)).to.equal(atKink);
        expect(at(PPM)).to.equal(kink === PPM ? atKink : full);
        if (kink > 0n) expect(at(0n)).to.equal(0n);
        // One step of utilisation moves the rate by no more than the slope of its branch, and its rounding.
        if (kink > 0n) expect(atKink - at(kink - 1n) <= atKink / kink + 1n).to.equal(true);
        if (kink < PPM) expect(at(kink + 1n) - atKink <= (full - atKink) / (PPM - kink)).to.equal(true);
        if (utilisation < PPM) expect(at(utilisation) <= at(utilisation + 1n)).to.equal(true);
      }),
      { runs: 2_000 },
    );
  });

  it("utilisation is a share of what there was to lend, and everything once nothing is left", () => {
    holds(
      fc.property(between(-(10n ** 30n), 10n ** 30n), between(0n, 10n ** 30n), (base, lent) => {
        const utilisation = utilisationDown({ base, lent });
        if (lent === 0n) expect(utilisation).to.equal(0n);
        else if (base <= 0n) expect(utilisation).to.equal(PPM);
        else expect(utilisation < PPM && utilisation * (base + lent) <= lent * PPM).to.equal(true);
      }),
      { runs: 1_000 },
    );
  });

  it("accruing in steps compounds, and gives up less than a wei of the index for each step", () => {
    holds(
      fc.property(
        between(WAD, 50n * WAD),
        between(0n, 10n * PPM),
        fc.array(between(1n, 30n * DAY), { minLength: 2, maxLength: 10 }),
        (index, rate, steps) => {
          const whole = accruedIndexDown(index, { rate, elapsed: steps.reduce((sum, step) => sum + step, 0n) });
          const inSteps = steps.reduce((moved, elapsed) => accruedIndexDown(moved, { rate, elapsed }), index);
          expect(inSteps + BigInt(steps.length) > whole).to.equal(true);
        },
      ),
      { runs: 1_000 },
    );
  });

  it("the accounts together owe what the pool counts, and up to a wei more for each", () => {
    const step = fc.record({
      account: fc.nat({ max: 7 }),
      delta: fc.oneof(between(-(10n ** 24n), 10n ** 24n), between(-3n, 3n)),
      elapsed: fc.oneof(fc.constant(0n), between(1n, YEAR / 50n)),
    });
    holds(
      fc.property(curve, fc.array(step, { minLength: 200, maxLength: 200 }), (money, steps) => {
        const accounts = Array.from({ length: 8 }, () => ({ cash: 0n, shares: 0n }));
        let base = 3n * 10n ** 24n;
        let debts = { shares: 0n, index: WAD, time: 0n };
        for (const { account: pick, delta, elapsed } of steps) {
          const account = accounts[pick];
          if (account === undefined) continue;
          debts = accruedDebts(debts, { base, money, now: debts.time + elapsed });
          const { index } = debts;
          const cash = account.shares === 0n ? account.cash : -debtUp(account.shares, index);
          const moved = moveCash(cash, delta);
          const shares = storedShares(moved.cash, { shares: account.shares, index });
          base -= moved.borrowed;
          debts = { ...debts, shares: debts.shares + shares - account.shares };
          accounts[pick] = { cash: moved.cash, shares };

          const owed = accounts.reduce((sum, one) => sum + debtUp(one.shares, index), 0n);
          const counted = lentDown(debts);
          expect(owed >= counted && owed <= counted + BigInt(accounts.length)).to.equal(true);
          // Writing a debt as shares costs its owner less than one share and the rounding of two divisions.
          const written = shares === 0n ? 0n : debtUp(shares, index);
          const debt = moved.cash < 0n ? -moved.cash : 0n;
          expect(written >= debt && written <= debt + index / WAD + 1n).to.equal(true);
        }
      }),
      { runs: 60 },
    );
  });

  it("touching a debt does not change it", () => {
    holds(
      fc.property(between(1n, 10n ** 30n), between(WAD, 100n * WAD), (debt, index) => {
        const shares = sharesUp(debt, index);
        const owed = debtUp(shares, index);
        expect(abs(owed - debt) <= index / WAD + 1n).to.equal(true);
        expect(storedShares(-owed, { shares, index })).to.equal(shares);
      }),
      { runs: 1_000 },
    );
  });
});
