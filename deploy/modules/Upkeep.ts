import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

/** A keeper's upkeep over a protocol that stands already: anyone's, with the owner who takes out what it earns. */
export default buildModule("Upkeep", (m) => {
  const lens = m.getParameter<string>("lens");
  const finder = m.contract("UpkeepFinder", [lens]);
  const upkeep = m.contract("KeeperUpkeep", [lens, finder, m.getParameter<string>("owner")]);
  return { finder, upkeep };
});
