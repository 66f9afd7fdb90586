import { expect } from "chai";
import fc from "fast-check";

import { feesFor, paidAt, raised, TooDearError, weighedAt } from "../../../scripts/keeper/send/fees.ts";

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
  it("outbids both fees by more than a tenth within their bounds, or gives up", () => {
    fc.assert(
      fc.property(price, price, wei(10n ** 13n), wei(2n * 10n ** 11n), (before, now, maxFee, maxTip) => {
        const maxFeePerGas = 2n * before.baseFee + before.tip;
        const old = { maxFeePerGas, maxPriorityFeePerGas: before.tip };
        const next = raised(old, now, { maxFee, maxTip });
        if (next === undefined) {
          const bound = maxTip < maxFee ? maxTip : maxFee;
          expect(maxFee * 8n <= (maxFeePerGas + 1n) * 9n || bound * 8n <= (before.tip + 1n) * 9n).to.equal(true);
          return;
        }
        expect(next.maxFeePerGas <= maxFee && next.maxPriorityFeePerGas <= next.maxFeePerGas).to.equal(true);
        expect(next.maxPriorityFeePerGas <= maxTip).to.equal(true);
        expect(next.maxFeePerGas * 10n > maxFeePerGas * 11n).to.equal(true);
        expect(next.maxPriorityFeePerGas * 10n > before.tip * 11n).to.equal(true);
      }),
    );
  });
});

describe("weighedAt", () => {
  it("is what gas costs now for what a new transaction offers, and more for what was raised beyond that", () => {
    fc.assert(
      fc.property(price, wei(10n ** 12n), (now, more) => {
        const { baseFee, tip } = now;
        const fees = { maxFeePerGas: 2n * baseFee + tip + more, maxPriorityFeePerGas: tip };
        expect(weighedAt(fees, now)).to.equal(baseFee + tip + more);
      }),
    );
  });

  it("is no more than what is offered", () => {
    const fees = { maxFeePerGas: 100n, maxPriorityFeePerGas: 7n };
    expect(weighedAt(fees, { baseFee: 98n, tip: 0n })).to.equal(100n);
    expect(paidAt(fees, { baseFee: 98n, tip: 0n })).to.equal(100n);
    expect(paidAt(fees, { baseFee: 20n, tip: 9n })).to.equal(27n);
  });
});
