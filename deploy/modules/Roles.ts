import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

import { ROLES, type Role, TARGETS } from "../roles.ts";
import { accessManagerArtifact } from "./Foundation.ts";

/**
 * Who may call what is `restricted`. Until here the deployer may, as the manager's admin; afterwards only what holds
 * the role. The deployer stays admin until governance takes that over.
 */
export function rolesModule(selectorsOf: (target: keyof typeof TARGETS, role: Role) => string[]) {
  return buildModule("Roles", (m) => {
    const authority = m.contractAt("AccessManager", accessManagerArtifact, m.getParameter<string>("authority"));
    const governor = m.getParameter("governor");
    const guardian = m.getParameter("guardian");
    const steward = m.getParameter("steward");

    for (const [name, id] of Object.entries(ROLES)) m.call(authority, "labelRole", [id, name], { id: `label_${name}` });
    m.call(authority, "grantRole", [ROLES.governor, governor, m.getParameter("governorDelay")], {
      id: "grant_governor",
    });
    const granted = m.call(authority, "grantRole", [ROLES.guardian, guardian, 0], { id: "grant_guardian" });
    m.call(authority, "grantRole", [ROLES.steward, steward, 0], { id: "grant_steward" });
    // The guardian can cancel what the governor has scheduled.
    m.call(authority, "setRoleGuardian", [ROLES.governor, ROLES.guardian], { after: [granted] });

    for (const target of Object.keys(TARGETS) as (keyof typeof TARGETS)[]) {
      for (const role of Object.keys(ROLES) as Role[]) {
        const selectors = selectorsOf(target, role);
        if (selectors.length === 0) continue;
        m.call(authority, "setTargetFunctionRole", [m.getParameter<string>(target), selectors, ROLES[role]], {
          id: `functions_${target}_${role}`,
        });
      }
    }
    return {};
  });
}
