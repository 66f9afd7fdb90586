import { expect } from "chai";

import { PPM, WAD } from "../../scripts/model/fixed.ts";
import { encodeMoney } from "../../scripts/model/parameters.ts";
import { call } from "../model/harness.ts";
import { ceil, floor } from "./exact.ts";

const YEAR = 365n * 86_400n;

describe("rounding of interest", () => {
  it("debt of an account, its shares; debts as the pool counts them: up, up; down", async () => {
    const [amount, index] = [1_234_567_890_123_456_789n, 1_050_000_000_000_000_003n];

    expect(await call("debt", [[amount, index]])).to.deep.equal([
      [ceil(amount * index, WAD), ceil(amount * WAD, index), floor(amount * index, WAD)],
    ]);
  });

  it("utilisation, borrow rate, growth of the index: down", async () => {
    const [base, debts] = [700n * WAD, 333n * WAD];
    expect(await call("utilisationDown", [[base, debts]])).to.deep.equal([[floor(debts * PPM, debts + base)]]);

    const [kink, atKink, full] = [800_000n, 80_001n, 800_003n];
    const money = encodeMoney({
      minNotional: 0n,
      smallRequirement: 0n,
      flatReward: 0n,
      unattributedCap: 0n,
      borrowKink: kink,
      borrowRateKink: atKink,
      borrowRateFull: full,
      lossBudget: 0n,
    });
    const [below, above] = [600_001n, 900_001n];
    expect(
      await call(
        "rateDown",
        [below, above].map((utilisation) => [utilisation, money]),
      ),
    ).to.deep.equal([[floor(atKink * below, kink)], [atKink + floor((full - atKink) * (above - kink), PPM - kink)]]);

    const [index, rate, elapsed] = [1_050_000_000_000_000_003n, 80_001n, 1_001n];
    expect(await call("accruedDown", [[index, rate, elapsed]])).to.deep.equal([
      [index + floor(index * rate * elapsed, YEAR * PPM)],
    ]);
  });
});
