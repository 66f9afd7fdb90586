import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";

import { ADMIN_ROLE } from "../roles.ts";
import { accessManagerArtifact } from "./Foundation.ts";

/** The last step: who may give roles from now on, after a delay of its own; the deployer keeps none. */
export default buildModule("Handover", (m) => {
  const authority = m.contractAt("AccessManager", accessManagerArtifact, m.getParameter<string>("authority"));
  const granted = m.call(authority, "grantRole", [ADMIN_ROLE, m.getParameter("admin"), m.getParameter("adminDelay")], {
    id: "grant_admin",
  });
  m.call(authority, "renounceRole", [ADMIN_ROLE, m.getParameter("deployer")], { after: [granted] });
  return {};
});
