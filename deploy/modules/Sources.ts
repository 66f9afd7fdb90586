import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import type { NamedArtifactContractDeploymentFuture } from "@nomicfoundation/ignition-core";

export interface SourcesPlan {
  /** Symbols of assets whose price is a product of feeds, and of shares of vaults. */
  readonly composites: readonly string[];
  readonly shares: readonly string[];
  /** Assets whose orders settle by reports of Data Streams. */
  readonly streams: readonly { readonly symbol: string }[];
}

/**
 * What is deployed of the sources of prices before the oracle lists them. `scripts/deploy/sources.ts` gives the
 * parameters: `<symbol>Description`, `<symbol>Legs`, `<symbol>Share`, `<symbol>Stream`, and the `verifier`.
 */
export function sourcesModule({ composites, shares, streams }: SourcesPlan) {
  return buildModule("Sources", (m) => {
    const results: Record<string, NamedArtifactContractDeploymentFuture<string>> = {};
    for (const symbol of composites) {
      results[`source_${symbol}`] = m.contract(
        "CompositeFeed",
        [m.getParameter(`${symbol}Description`), m.getParameter(`${symbol}Legs`)],
        { id: `source_${symbol}` },
      );
    }
    for (const symbol of shares) {
      results[`source_${symbol}`] = m.contract(
        "ShareFeed",
        [m.getParameter(`${symbol}Description`), m.getParameter(`${symbol}Share`)],
        { id: `source_${symbol}` },
      );
    }
    if (streams.length > 0) {
      const reports = m.contract("StreamReports", [m.getParameter("verifier")]);
      for (const { symbol } of streams) {
        m.call(reports, "createFeed", [m.getParameter(`${symbol}Stream`)], { id: `stream_${symbol}` });
      }
      results["streamReports"] = reports;
    }
    return results;
  });
}
