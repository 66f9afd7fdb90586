import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import type { NamedArtifactContractDeploymentFuture } from "@nomicfoundation/ignition-core";

/** What nothing depends on: the view of all feeds, and the relay that brings reports before calls. */
export function viewsModule({ relay }: { relay: boolean }) {
  return buildModule("Views", (m) => {
    const oracleHealth = m.contract("OracleHealth", [m.getParameter("oracle")]);
    const results: Record<string, NamedArtifactContractDeploymentFuture<string>> = { oracleHealth };
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
