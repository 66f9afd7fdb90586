import { network } from "hardhat";
import { setStage } from "../../scripts/drill/stage.ts";
describe("stage", () => {
  it("works", async () => {
    const connection = await network.create();
    const stage = await setStage(connection);
    await stage.fund(stage.alice, 100_000n * 10n ** 18n);
    console.log(await stage.trade(stage.alice, "ETH", 10n * 10n ** 18n));
    console.log(
      await stage.contracts.lens.account(stage.accountOf(stage.alice)).then((a) => [a.equity, a.maintenance]),
    );
    await stage.govern(stage.governor, "pool", "setCooldown", [7200n]);
    console.log(await stage.contracts.pool.cooldown());
  });
});
