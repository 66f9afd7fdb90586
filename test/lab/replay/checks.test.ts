import { expect } from "chai";

import { faultsOf, type Health, pushedOver, type SideSum } from "../../../scripts/lab/replay/checks.ts";
import type { Conservation } from "../../../scripts/replay/conservation.ts";

const sound: Conservation = {
  time: 0,
  driftWei: 0n,
  debtDriftWei: 0n,
  collaterals: [{ symbol: "WETH", ledgerWei: 5n, heldWei: 5n }],
};
const side: SideSum = { asset: 0, long: true, positions: 2, sum: 100n, side: 102n };
const health = (account: string, equity: bigint, maintenance = 10n): Health => ({
  account,
  equity,
  maintenance,
  initial: 20n,
});

describe("faultsOf", () => {
  it("finds none where all adds up, with a wei for each position", () => {
    expect(faultsOf(sound, [side, { ...side, long: false, side: 98n }])).to.deep.equal([]);
  });

  it("names a wei of cash, a share of debt, a token that is missing", () => {
    expect(faultsOf({ ...sound, driftWei: 1n }, [])).to.deep.equal([
      "cash 1 wei off, debts 0 shares off, short of nothing",
    ]);
    expect(faultsOf({ ...sound, debtDriftWei: -1n }, [])).to.have.length(1);
    const [missing] = faultsOf({ ...sound, collaterals: [{ symbol: "WETH", ledgerWei: 6n, heldWei: 5n }] }, []);
    expect(missing).to.contain("short of WETH");
  });

  it("names a side that is not the sum of its positions", () => {
    expect(faultsOf(sound, [{ ...side, side: 103n }])).to.deep.equal([
      "long side of asset 0 is 103, its positions 100",
    ]);
    expect(faultsOf(sound, [{ ...side, long: false, side: 97n }])).to.deep.equal([
      "short side of asset 0 is 97, its positions 100",
    ]);
  });
});

describe("pushedOver", () => {
  const before = [health("a", 11n), health("b", 11n), health("c", 9n), health("d", 0n, 0n)];

  it("finds who was sound before and is not after", () => {
    const after = [health("a", 10n), health("b", 12n), health("c", 8n), health("d", 0n, 0n)];
    expect(pushedOver(before, after, [])).to.deep.equal(["a"]);
  });

  it("leaves out whom the action names", () => {
    const after = [health("a", 10n), health("b", 9n), health("c", 8n)];
    expect(pushedOver(before, after, ["a"])).to.deep.equal(["b"]);
  });
});
