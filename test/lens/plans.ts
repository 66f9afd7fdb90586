/** What a plan of the lens promises. */
import { expect } from "chai";

import type { Basket } from "../../scripts/model/liquidation.ts";
import { toCall } from "../clearing/support.ts";
import { accountOf } from "../fixture.ts";
import type { Subject } from "./standings.ts";

type Plan = Awaited<ReturnType<Subject["lens"]["leastSlice"]>>;

function basketOf({ reductions, sales }: Plan): Basket {
  return {
    reductions: reductions.map(({ asset, delta }) => ({ asset: Number(asset), delta })),
    sales: sales.map(({ token, amount }) => ({ token: Number(token), amount })),
  };
}

/** Expects a plan to do exactly what it says, and returns its basket. */
export async function expectAccepted({ clearingHouse, account, bob }: Subject, plan: Plan): Promise<Basket> {
  const basket = basketOf(plan);
  expect(basket.reductions.length + basket.sales.length).to.be.greaterThan(0);
  const result = await clearingHouse.connect(bob).liquidate.staticCall(account, ...toCall(basket), accountOf(bob));
  expect([...plan.result]).to.deep.equal([...result]);
  return basket;
}
