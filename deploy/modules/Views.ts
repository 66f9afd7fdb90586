import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import type { NamedArtifactContractDeploymentFuture } from "@nomicfoundation/ignition-core";

/** What nothing depends on: the views of all feeds and of what governance changes, and the relay that brings reports before calls. */
export function viewsModule({ relay }: { relay: boolean }) {
  return buildModule("Views", (m) => {
    const oracleHealth = m.contract("OracleHealth", [m.getParameter("oracle")]);
    const governanceLens = m.contract("GovernanceLens", [m.getParameter("clearingHouse")]);
    const results: Record<string, NamedArtifactContractDeploymentFuture<string>> = { oracleHealth, governanceLens };
    if (relay) {
      results["reportRelay"] = m.contract("ReportRelay", [
        m.getParameter("streamReports"),
        m.getParameter("orders"),
        m.getParameter("clearingHouse"),
      ]);
    }
    return results;
  });
}
