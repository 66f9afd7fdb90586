import { expect } from "chai";
import fc from "fast-check";

import { feesFor, raised, TooDearError } from "../../../scripts/keeper/send/fees.ts";

const wei = (max: bigint) => fc.bigInt({ min: 0n, max });
const price = fc.record({ baseFee: wei(10n ** 12n), tip: wei(10n ** 11n) });

describe("feesFor", () => {
  it("offers twice the base fee and the tip", () => {
    expect(feesFor({ baseFee: 100n, tip: 7n }, 1_000n)).to.deep.equal({ maxFeePerGas: 207n, maxPriorityFeePerGas: 7n });
  });

  it("offers up to the cap, and refuses where that does not pay for the next block", () => {
    expect(feesFor({ baseFee: 80n, tip: 7n }, 100n).maxFeePerGas).to.equal(100n);
    expect(() => feesFor({ baseFee: 80n, tip: 0n }, 90n)).to.throw(TooDearError);
  });

  it("is within the cap and pays for the next block, whatever the price", () => {
    fc.assert(
      fc.property(price, wei(10n ** 13n), (now, cap) => {
        try {
          const { maxFeePerGas, maxPriorityFeePerGas } = feesFor(now, cap);
          expect(maxFeePerGas <= cap && maxPriorityFeePerGas <= maxFeePerGas).to.equal(true);
          expect(maxFeePerGas * 8n >= now.baseFee * 9n).to.equal(true);
        } catch (error) {
          expect(error).to.be.instanceOf(TooDearError);
          expect(now.baseFee * 9n >= (cap - 2n) * 8n).to.equal(true);
        }
      }),
    );
  });
});

describe("raised", () => {
  it("outbids both fees by more than a tenth within the cap, or gives up", () => {
    fc.assert(
      fc.property(price, price, wei(10n ** 13n), (before, now, cap) => {
        const maxFeePerGas = 2n * before.baseFee + before.tip;
        const old = { maxFeePerGas, maxPriorityFeePerGas: before.tip };
        const next = raised(old, now, cap);
        if (next === undefined) {
          expect(cap * 8n <= (maxFeePerGas + 1n) * 9n || cap <= before.tip + before.tip / 8n).to.equal(true);
          return;
        }
        expect(next.maxFeePerGas <= cap && next.maxPriorityFeePerGas <= next.maxFeePerGas).to.equal(true);
        expect(next.maxFeePerGas * 10n > maxFeePerGas * 11n).to.equal(true);
        expect(next.maxPriorityFeePerGas * 10n > before.tip * 11n).to.equal(true);
      }),
    );
  });
});
