/** Worlds in which one side of ETH is crowded. */
import { movePrice } from "../clearing/support.ts";
import { type Account, deploy, time, type World } from "../fixture.ts";
import { ETH, HOUR, type Parameters, percent, wad } from "../parameters.ts";
import { capSkew, flagAndSettle } from "../waterfall/scenarios.ts";

export type Crowd = World & { account: Account; long: boolean };

export const SIZE = wad("500.000000000000000003");
export const OTHER = wad("20.000000000000000001");
/** Of it twice as much is the hard cap. */
export const SKEW_CAP = wad("215");

interface Kind {
  long: boolean;
  adapt?: (parameters: Parameters) => void;
  /** Sizes are multiplied by it. */
  by?: bigint;
}

/** Alice has 500 ETH on one side and bob 20 on the other, in a pool of 200,000; the skew may be deleveraged. */
export async function over({ long, adapt = () => undefined, by = 1n }: Kind): Promise<Crowd> {
  const world = await deploy((parameters) => {
    for (const asset of parameters.assets) {
      [asset.maxFundingRate, asset.fundingVelocity, asset.openInterestShare] = [0, 0, 10 * percent(100)];
    }
    [parameters.money.borrowRateKink, parameters.money.borrowRateFull] = [0, 0];
    parameters.globals.insuranceFeeShare = 0;
    adapt(parameters);
  });
  await world.poolDeposit(world.provider, wad("200_000"));
  const account = await world.fund(world.alice, wad("300_000"));
  const other = await world.fund(world.bob, wad("100_000"));
  const sign = long ? by : -by;
  await world.trade(account, ETH, sign * SIZE);
  await world.trade(other, ETH, -sign * OTHER);
  await capSkew(world, SKEW_CAP * by);
  await world.clearingHouse.flagDeleveraging(ETH); // over its cap from now on
  await time.increase(HOUR);
  await world.refresh();
  return { ...world, account, long };
}

/** As `over`, deleveraged. */
export async function deleveraged(kind: Kind): Promise<Crowd> {
  const world = await over(kind);
  await world.clearingHouse.deleverage(ETH, await flagAndSettle(world));
  return world;
}

/** As `deleveraged`, with the price so far that the pool owes alice more than it has. */
export async function insolvent(kind: Kind): Promise<Crowd> {
  const world = await deleveraged(kind);
  await movePrice(world, ETH, wad(kind.long ? "2_500.12345678" : "1_182.42345677"));
  return world;
}

/** As `insolvent` for longs, with the profits cut and the price fallen since. */
export async function cut(): Promise<Crowd> {
  const world = await insolvent({ long: true });
  await world.clearingHouse.cutProfits();
  await world.setPrice(ETH, wad("2_401.87654327"));
  return world;
}
