import { expect } from "chai";
import type { BaseContract } from "ethers";

import { type Account, ethers, type World } from "../fixture.ts";
import { ETH } from "../parameters.ts";

/** Index of the token that `listToken` lists first. */
export const LISTED = 2;

interface Token extends BaseContract {
  balanceOf(account: string): Promise<bigint>;
}

/** Lists a token as collateral that is priced as ether, in the vault and in the clearing house. */
export async function listToken(world: World, token: BaseContract, cap = 1_000_000n * 10n ** 18n): Promise<void> {
  await world.vault.list(await token.getAddress(), cap, 0);
  await world.clearingHouse.listCollateral(ETH, 10_000, 15);
}

/** All that a deposit or withdrawal may change. */
async function stateOf(world: World, account: Account, token: number, people: string[]) {
  const { vault, clearingHouse } = world;
  const [address] = await vault.tokenOf(token);
  const contract = (await ethers.getContractAt("TestToken", address)) as unknown as Token;
  const { cash, collaterals } = await clearingHouse.accountOf(account);
  const limits = await vault.limitsOf(token);
  const balances = [];
  for (const person of [await vault.getAddress(), ...people]) balances.push(await contract.balanceOf(person));
  return {
    cash,
    collaterals,
    collateral: await clearingHouse.collateralOf(account, token),
    held: await vault.held(token),
    cap: limits.cap,
    balances,
  };
}

/** Makes the call and expects that it reverts, with the error that `check` names, and has changed nothing. */
export async function expectRefused(
  world: World,
  account: Account,
  token: number,
  call: () => Promise<unknown>,
  check: (call: Promise<unknown>) => PromiseLike<unknown>,
): Promise<void> {
  const people = [world.alice, world.bob, world.stranger].map(({ address }) => address);
  const before = await stateOf(world, account, token, people);
  await check(call());
  expect(await stateOf(world, account, token, people)).to.deep.equal(before);
}
