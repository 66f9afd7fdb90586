/** Gas per operation, from the receipts of a run. */
import type { BaseContract, Provider } from "ethers";

export interface GasUse {
  readonly count: number;
  readonly min: number;
  readonly mean: number;
  readonly max: number;
}

/** By `Contract.function`; only transactions to these contracts that succeeded. */
export async function readGas(
  provider: Provider,
  contracts: Readonly<Record<string, BaseContract>>,
  { fromBlock, toBlock }: { fromBlock: number; toBlock: number },
): Promise<Readonly<Record<string, GasUse>>> {
  const named = new Map<string, { name: string; contract: BaseContract }>();
  for (const [name, contract] of Object.entries(contracts)) {
    named.set(await contract.getAddress(), { name, contract });
  }
  const used = new Map<string, number[]>();
  const numbers = Array.from({ length: toBlock - fromBlock + 1 }, (_, index) => fromBlock + index);
  const blocks = await Promise.all(numbers.map((number) => provider.getBlock(number, true)));
  await Promise.all(
    blocks
      .flatMap((block) => block?.prefetchedTransactions ?? [])
      .map(async ({ hash, to, data }) => {
        const target = to === null ? undefined : named.get(to);
        const fragment = target?.contract.interface.getFunction(data.slice(0, 10));
        if (target === undefined || fragment === null || fragment === undefined) return;
        const receipt = await provider.getTransactionReceipt(hash);
        if (receipt?.status !== 1) return;
        const operation = `${target.name}.${fragment.name}`;
        used.set(operation, [...(used.get(operation) ?? []), Number(receipt.gasUsed)]);
      }),
  );
  return Object.fromEntries(
    [...used].sort(([a], [b]) => a.localeCompare(b)).map(([operation, values]) => [operation, summarize(values)]),
  );
}

export function summarize(values: readonly number[]): GasUse {
  const total = values.reduce((sum, value) => sum + value, 0);
  return {
    count: values.length,
    min: Math.min(...values),
    mean: Math.round(total / values.length),
    max: Math.max(...values),
  };
}
