/** Every drill ends as it says. */
import { expect } from "chai";

import { ROLES } from "../../deploy/roles.ts";
import { must } from "../../scripts/drill/drill.ts";
import { DRILLS, type DrillName, isDrill } from "../../scripts/drill/drills.ts";
import { DrillError } from "../../scripts/drill/stage.ts";
import { load } from "./world.ts";

/** What each drill says at its end. */
const ENDS: Record<DrillName, RegExp> = {
  "feed-stopped": /^the feed is back: Bob's order was refunded, Alice has closed$/,
  "feed-wrong": /^the feed is right again: Alice has [\d,]+ USD, as before$/,
  "token-depeg": /^the cap of WBTC is 0: it goes out and not in$/,
  "guardian-lost": /^the pause has ended, the new guardian stops a market$/,
  "steward-stolen":
    /^the admin has taken the role away, the governor has ramped the rates back and reopened the market$/,
  "wind-down": /^closed: every position is cash that can be withdrawn$/,
  "insurance-empty": /^insurance is filled again by a contribution; what is below its target stays in it$/,
};

describe("drill", () => {
  // A deployment without a steward has no key of his to steal.
  const names = (Object.keys(DRILLS) as DrillName[]).filter(
    (name) => name !== "steward-stolen" || Object.hasOwn(ROLES, "steward"),
  );
  for (const name of names) {
    it(`${name} ends as it should`, async () => {
      const said: string[] = [];
      await DRILLS[name].run(await load(), (text) => said.push(text));

      expect(said.at(-1)).to.match(ENDS[name]);
    });
  }

  it("fails where something else comes out", () => {
    expect(() => {
      must(false, "the market is closed");
    }).to.throw(DrillError, "not so: the market is closed");
  });

  it("is known by its name", () => {
    expect([isDrill("wind-down"), isDrill("wind-up"), isDrill("toString")]).to.deep.equal([true, false, false]);
  });
});
