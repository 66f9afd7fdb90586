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
  /** As `scripts/deploy/parameters.ts` calls it. */
  readonly name: string;
  readonly description: string;
  readonly decimals: number;
}

export interface LocalWorld {
  readonly tokens: readonly LocalToken[];
  readonly feeds: readonly LocalFeed[];
  /** Symbols of shares; each vault holds the settlement token, `settlementToken`. */
  readonly vaults: readonly string[];
  readonly settlement: string;
}

/**
 * What a live chain has already: tokens, vaults, price proxies over aggregators with one round each, the sequencer's
 * feed.
 */
export function localWorldModule({ tokens, feeds, vaults, settlement }: LocalWorld) {
  return buildModule("LocalWorld", (m) => {
    const now = m.getParameter("now");
    const results: Record<string, NamedArtifactContractDeploymentFuture<string>> = {};
    for (const { symbol, decimals, native } of tokens) {
      results[`token_${symbol}`] = native
        ? m.contract("TestWETH", [], { id: `token_${symbol}` })
        : m.contract("TestToken", [`Test ${symbol}`, symbol, decimals], { id: `token_${symbol}` });
    }
    for (const symbol of vaults) {
      const held = results[`token_${settlement}`] ?? m.getParameter<string>("settlementToken");
      results[`vault_${symbol}`] = m.contract("TestVault", [held, 0], { id: `vault_${symbol}` });
    }
    for (const { name, description, decimals } of feeds) {
      const symbol = idOf(name);
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

/** Of a feed's name: Ignition takes no dots. */
export function idOf(name: string): string {
  return name.replaceAll(".", "_");
}
