import { expect } from "chai";

import { earnedBy } from "../../scripts/keeperFaults/earnings.ts";
import type { Happening } from "../../scripts/keeperFaults/ledger.ts";

const OWN = `0x${"a1".repeat(20)}${"00".repeat(12)}`;
const OTHER = `0x${"b0".repeat(20)}${"00".repeat(12)}`;
const WAD = 10n ** 18n;

function happening(name: string, args: Record<string, unknown>, block = 7): Happening {
  return { name, block, transaction: "0x", index: 0, accounts: [], args };
}

describe("earnings of a keeper", () => {
  const terms = {
    assetOf: (token: number): number => token + 10,
    priceAt: (block: number, asset: number): bigint => (block === 7 && asset === 11 ? 2_000n * WAD : 0n),
  };
  const earned = (...happenings: Happening[]): bigint => earnedBy(OWN, happenings, terms);

  it("are pay, rewards and discounts", () => {
    const result = { reward: 5n, discount: 2n, penalty: 100n };
    expect(
      earned(
        happening("OrderClosed", { account: OTHER, payTo: OWN, pay: 3n, released: 9n }),
        happening("KeeperPaid", { from: OTHER, to: OWN.toUpperCase().replace("0X", "0x"), amount: 4n }),
        happening("Liquidated", { account: OTHER, liquidator: OWN, result }),
      ),
    ).to.equal(3n + 4n + 7n);
  });

  it("are what collateral was worth in its block above what was paid for it", () => {
    const sale = { account: OTHER, buyer: OWN, token: 1n, amount: WAD / 2n, proceeds: 995n * WAD };
    expect(earned(happening("CollateralSold", sale))).to.equal(5n * WAD);
  });

  it("are nobody else's", () => {
    expect(
      earned(
        happening("OrderClosed", { account: OWN, payTo: OTHER, pay: 3n }),
        happening("KeeperPaid", { from: OWN, to: OTHER, amount: 4n }),
        happening("Liquidated", { account: OWN, liquidator: OTHER, result: { reward: 5n, discount: 2n } }),
        happening("CollateralSold", { account: OWN, buyer: OTHER, token: 1n, amount: WAD, proceeds: 1n }),
        happening("Fill", { account: OWN, fee: 9n }),
      ),
    ).to.equal(0n);
  });
});
