import { expect } from "chai";

import { deploy, ethers } from "../fixture.ts";
import { DAY, type Parameters } from "../parameters.ts";

/** Declares the error; the library that throws it is linked. */
const house = await ethers.getContractAt("IClearingHouse", ethers.ZeroAddress);

describe("ClearingHouse.constructor", () => {
  const bounds: [keyof Parameters["globals"], number, number][] = [
    ["maintenanceFactor", 100_000, 900_000],
    ["shortfallInitial", 0, 1_000_000],
    ["shortfallMaintenance", 500_000, 1_000_000],
    ["markMaxAge", 60, 7 * DAY],
    ["liquidationTarget", 0, 1_000_000],
    ["liquidationPenalty", 10_000, 250_000],
    ["liquidatorShare", 100_000, 1_000_000],
    ["deepLoss", 0, 1_000_000],
    ["takeoverDiscount", 0, 50_000],
  ];
  for (const [what, minimum, maximum] of bounds) {
    it(`bounds ${what}`, async () => {
      for (const value of [minimum - 1, maximum + 1].filter((bad) => bad >= 0)) {
        await refused(what, [value, minimum, maximum], ({ globals }) => {
          globals[what] = value;
        });
      }
    });
  }

  it("bounds the shares of fees by their sum", async () => {
    await refused("feeShares", [1_000_001, 0, 1_000_000], ({ globals }) => {
      globals.protocolFeeShare = 800_001;
    });
  });

  it("bounds the floor of every group", async () => {
    for (const [group, floor] of [
      [0, 99_999],
      [9, 1_000_001],
    ] as const) {
      await refused("hedgeFloor", [floor, 100_000, 1_000_000], ({ hedgeFloors }) => {
        hedgeFloors[group] = floor;
      });
    }
  });

  it("takes no groups that would pass for a ramp", async () => {
    await refused("groups", [2 ** 15, 0, 0], ({ hedgeFloors }) => {
      hedgeFloors.push(2 ** 15); // the highest bit of the word
    });
  });

  const moneyBounds: [keyof Parameters["money"], number, number][] = [
    ["minNotional", 0, 10_000_000],
    ["smallRequirement", 0, 10_000_000],
    ["flatReward", 0, 10_000_000],
    ["unattributedCap", 0, 2 ** 32 - 1],
    ["borrowKink", 100_000, 1_000_000],
    ["borrowRateKink", 0, 800_000],
    ["borrowRateFull", 0, 4_000_000],
    ["lossBudget", 10_000, 1_000_000],
  ];
  for (const [what, minimum, maximum] of moneyBounds) {
    it(`bounds ${what}`, async () => {
      for (const value of [minimum - 1, maximum + 1].filter((bad) => bad >= 0)) {
        await refused(what, [value, minimum, maximum], ({ money }) => {
          money[what] = value;
        });
      }
    });
  }
});

async function refused(what: string, args: number[], adapt: (parameters: Parameters) => void): Promise<void> {
  await expect(deploy(adapt))
    .to.be.revertedWithCustomError(house, "OutOfRange")
    .withArgs(ethers.encodeBytes32String(what), ...args);
}
