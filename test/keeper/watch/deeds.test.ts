import { expect } from "chai";
import { Interface, toBeHex } from "ethers";

import { deedsOf } from "../../../scripts/keeper/watch/deeds.ts";

const HOUSE = "0x00000000000000000000000000000000000000Aa";
const ORDERS = "0x00000000000000000000000000000000000000bB";
const OWN = toBeHex(5n << 96n, 32);
const OTHER = toBeHex(6n << 96n, 32);
const house = new Interface([
  "event OrderClosed(bytes32 indexed account, bytes32 indexed payTo, uint256 released, uint256 pay, uint256 forfeited)",
  "event KeeperPaid(bytes32 indexed from, bytes32 indexed to, uint256 amount)",
  `event Liquidated(bytes32 indexed account, bytes32 indexed liquidator, tuple(int256 equityBefore,
    uint256 maintenanceBefore, int256 equityAfter, uint256 maintenanceAfter, uint256 penalty, uint256 discount,
    uint256 reward, uint256 deficit) result)`,
  "event LiquidationFailed(bytes32 indexed account, bytes reason)",
]);
const orders = new Interface(["event ItemFailed(bytes32 indexed account, uint256 indexed sequence, bytes reason)"]);
const interfaces = new Map([
  [HOUSE.toLowerCase(), house],
  [ORDERS.toLowerCase(), orders],
]);

function logOf(address: string, contract: Interface, name: string, values: readonly unknown[]) {
  return { address, ...contract.encodeEventLog(name, values) };
}

const deeds = (logs: readonly ReturnType<typeof logOf>[], items = 1) =>
  deedsOf({ hash: "0x", block: 1, succeeded: true, gasUsed: 1n, cost: 1n, logs }, items, {
    interfaces,
    account: OWN.toUpperCase().replace("0X", "0x"),
    nameOf: (data) => (data === "0x1234" ? "UnknownOrder" : ""),
  });

describe("deedsOf", () => {
  it("adds up what the keeper's own account was paid, and nothing of others", () => {
    const result = [0n, 0n, 0n, 0n, 0n, 0n, 300n, 0n];
    const logs = [OWN, OTHER].flatMap((to) => [
      logOf(HOUSE, house, "OrderClosed", [OTHER, to, 1n, 10n, 0n]),
      logOf(HOUSE, house, "KeeperPaid", [OTHER, to, 20n]),
      logOf(HOUSE, house, "Liquidated", [OTHER, to, result]),
    ]);

    expect(deeds(logs)).to.deep.equal({ done: 1, refused: [], reward: 330n });
  });

  it("names the items of a batch that were refused", () => {
    const logs = [
      logOf(ORDERS, orders, "ItemFailed", [OTHER, 1n, "0x1234"]),
      logOf(HOUSE, house, "LiquidationFailed", [OTHER, "0x"]),
    ];

    expect(deeds(logs, 5)).to.deep.equal({ done: 3, refused: ["UnknownOrder", ""], reward: 0n });
  });

  it("believes no other contract", () => {
    const stranger = "0x00000000000000000000000000000000000000cC";

    expect(deeds([logOf(stranger, house, "KeeperPaid", [OTHER, OWN, 20n])]).reward).to.equal(0n);
  });
});
