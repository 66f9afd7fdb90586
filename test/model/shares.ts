/** Whether another share of an account would be a better liquidation. */
import { expect } from "chai";

import { abs, max } from "../../scripts/model/fixed.ts";
import {
  type Basket,
  BasketRefused,
  leastSizeUp,
  liquidate as carryOut,
  type LiquidationOutcome,
  type LiquidationState,
} from "../../scripts/model/liquidation.ts";
import { lotOf, saleLotOf } from "../../scripts/model/parameters.ts";
import { isLiquidatable } from "../../scripts/model/price.ts";

/** Shares of an account that are compared. */
const SHARES = 64n;

/** E − target after a basket. */
export function gapOf(state: LiquidationState, basket: Basket): bigint {
  const { equityAfter, target } = carryOut(state, basket);
  return equityAfter - target;
}

/** Expects of the shares that are accepted none to reach the target with less than `basket`, nor any to end nearer to it
 * where `basket` does not reach it. Only a basket of everything may end farther from it than the account is, and only
 * where every share does. */
export function expectNoShareBetter(state: LiquidationState, basket: Basket): void {
  const start = gapOf(state, { reductions: [], sales: [] });
  const reached = gapOf(state, basket);
  if (reached < start) expect(basket).to.deep.equal(shareOf(state, SHARES));
  const gap = max(reached, start);
  for (let part = 1n; part <= SHARES; part++) {
    const share = shareOf(state, part);
    const outcome = outcomeOf(state, share);
    if (outcome === undefined || outcome.refusal !== undefined) continue;
    const other = outcome.equityAfter - outcome.target;
    if (gap < 0n) expect(abs(other) >= abs(gap), `${part}/${SHARES} ends nearer`).to.equal(true);
    else if (other >= 0n) expect(sumOf(share) >= sumOf(basket), `${part}/${SHARES} is less`).to.equal(true);
  }
}

/** Expects every share to be refused. */
export function expectNoShareAccepted(state: LiquidationState): void {
  for (let part = 1n; part <= SHARES; part++) {
    const outcome = outcomeOf(state, shareOf(state, part));
    if (outcome !== undefined) expect(outcome.refusal, `${part}/${SHARES}`).to.not.equal(undefined);
  }
}

/** `part` of `SHARES` of everything that may be closed, in lots. */
function shareOf(state: LiquidationState, part: bigint): Basket {
  const amountOf = ({ size, lot, least }: { size: bigint; lot: bigint; least: bigint }): bigint => {
    const amount = (size * part) / SHARES;
    const rounded = amount - (amount % lot);
    return part === SHARES || size - rounded < least ? size : rounded;
  };
  const reductions = state.exposures
    .filter(({ size, price }) => size !== 0n && isLiquidatable(price))
    .map((exposure) => {
      const { asset, size, trade } = exposure;
      const amount = amountOf({ size: abs(size), lot: lotOf(trade), least: leastSizeUp(state.money, exposure) });
      return { asset, delta: size < 0n ? amount : -amount };
    });
  const live = new Set(state.exposures.filter(({ price }) => isLiquidatable(price)).map(({ asset }) => asset));
  const sales = state.holdings
    .filter(({ amount, parameters }) => amount !== 0n && live.has(parameters.asset))
    .map(({ token, amount, parameters }) => ({
      token,
      amount: amountOf({ size: amount, lot: saleLotOf(parameters), least: 0n }),
    }));
  return {
    reductions: reductions.filter(({ delta }) => delta !== 0n),
    sales: sales.filter(({ amount }) => amount !== 0n),
  };
}

function outcomeOf(state: LiquidationState, basket: Basket): LiquidationOutcome | undefined {
  try {
    return carryOut(state, basket);
  } catch (error) {
    if (error instanceof BasketRefused) return undefined;
    throw error;
  }
}

function sumOf({ reductions, sales }: Basket): bigint {
  const amounts = [...reductions.map(({ delta }) => abs(delta)), ...sales.map(({ amount }) => amount)];
  return amounts.reduce((sum, amount) => sum + amount, 0n);
}
