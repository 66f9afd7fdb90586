import { expect } from "chai";

import { accountOf } from "../fixture.ts";
import { betterTerms, expectConserved, load, now, stateOf } from "../clearing/support.ts";
import { ETH, wad } from "../parameters.ts";
import { diverse, untouched } from "./support.ts";

describe("Lens.health", () => {
  afterEach(expectConserved);

  it("is that of each account, in the order asked for", async () => {
    const { lens, trade, setPrice, alice, bob, stranger } = await load(untouched);
    await trade(accountOf(alice), ETH, wad("750"));
    await trade(accountOf(bob), ETH, wad("-20"));
    await setPrice(ETH, wad("1728"));
    const accounts = [alice, stranger, bob, alice].map((owner) => accountOf(owner));

    const health = await lens.health(accounts);
    expect(health.map(({ standing }) => standing.liquidatable)).to.deep.equal([true, false, false, true]);
    for (const [index, account] of accounts.entries()) {
      const { equity, maintenance } = await lens.account(account);
      expect(health[index]).to.deep.include.members([equity, maintenance]);
    }
  });

  it("has the initial requirement at the better ends, as the model", async () => {
    const world = await load(diverse);
    await world.advance(2 * 3_600);
    const [health] = await world.lens.health([world.account]);

    const { equity, maintenance, initial } = betterTerms(await stateOf(world, world.account, await now()));
    expect([health?.equity, health?.maintenance, health?.initial]).to.deep.equal([equity, maintenance, initial]);
    expect(health?.standing.liquidatable).to.equal(false);
  });

  it("is empty for nobody", async () => {
    const { lens } = await load(untouched);

    expect(await lens.health([])).to.deep.equal([]);
  });
});
