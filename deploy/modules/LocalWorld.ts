import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import type { NamedArtifactContractDeploymentFuture } from "@nomicfoundation/ignition-core";

export interface LocalToken {
  readonly symbol: string;
  readonly decimals: number;
  /** Wraps the chain's own coin. */
  readonly native: boolean;
}

/** In place of the symbol of an asset. */
export const SEQUENCER = "sequencer";

export interface LocalFeed {
  readonly symbol: string;
  readonly description: string;
  readonly decimals: number;
}

/** What a live chain has already: tokens, price proxies over aggregators with one round each, the sequencer's feed. */
export function localWorldModule({ tokens, feeds }: { tokens: readonly LocalToken[]; feeds: readonly LocalFeed[] }) {
  return buildModule("LocalWorld", (m) => {
    const now = m.getParameter("now");
    const results: Record<string, NamedArtifactContractDeploymentFuture<string>> = {};
    for (const { symbol, decimals, native } of tokens) {
      results[`token_${symbol}`] = native
        ? m.contract("TestWETH", [], { id: `token_${symbol}` })
        : m.contract("TestToken", [`Test ${symbol}`, symbol, decimals], { id: `token_${symbol}` });
    }
    for (const { symbol, description, decimals } of feeds) {
      const aggregator = m.contract("AccessListAggregator", [decimals, description, false], {
        id: `aggregator_${symbol}`,
      });
      const proxy = m.contract("EACAggregatorProxy", [aggregator, "0x0000000000000000000000000000000000000000"], {
        id: `proxy_${symbol}`,
      });
      m.call(aggregator, "addAccess", [proxy], { id: `access_${symbol}` });
      const time = symbol === SEQUENCER ? m.getParameter("upSince") : now;
      m.call(aggregator, "transmit", [m.getParameter(`answer_${symbol}`), time, time], { id: `round_${symbol}` });
      results[`proxy_${symbol}`] = proxy;
      results[`aggregator_${symbol}`] = aggregator;
    }
    return results;
  });
}
