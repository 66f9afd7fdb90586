/** The rows of `npm run gas` for an upkeep: a perform of one step, as the registry's forwarder calls it. */
import { type Account, ethers, receiptOf, type World } from "../test/fixture.ts";
import { decodeSteps, type Duty, withUpkeep } from "../test/automation/support.ts";

/** An upkeep over a world, which has earned before. */
export async function keptBy(world: World) {
  const automated = await withUpkeep(world);
  await world.tokens.usdc.mint(world.bob, 1n);
  await world.tokens.usdc.connect(world.bob).approve(world.vault, ethers.MaxUint256);
  await world.vault.connect(world.bob).deposit(automated.ownAccount, 255, 1n);
  return automated;
}

/** Gas of a perform of what a check finds for one account. Throws where that is not one step. */
export async function performed(
  { upkeep, performDataOf, stranger }: Awaited<ReturnType<typeof keptBy>>,
  duty: Duty,
  account: Account,
): Promise<number> {
  if (!(await upkeep.isWatched(account))) await upkeep.watch(account, []);
  const data = await performDataOf(duty);
  const steps = decodeSteps(data);
  const [step] = steps;
  if (steps.length !== 1 || step?.account !== account) throw new Error(`${String(steps.length)} steps of ${duty}`);
  return Number((await receiptOf(upkeep.connect(stranger).performUpkeep(data))).gasUsed);
}
