/** The chains of a process, and which mutant is on in them. */
import type { NetworkConnection } from "hardhat/types/network";

/** Of `MutantSwitch.sol`. */
const SWITCH_BASE = 0x6d7574616e74n << 112n;

/** In place of a mutant's number: none. */
export const NONE = 0;
/** In place of a mutant's number: none, and what is reached is reported. */
export const RECORD = 0xffff_ffff;

/** Name of the variable that holds the number of the mutant for runs of the Solidity tests. */
export const MUTANT_VARIABLE = "MUTANT";
/** Name of the variable that says how the program is optimized. */
export const OPTIMIZER_VARIABLE = "MUTATION_OPTIMIZER";

interface Chain {
  readonly connection: NetworkConnection<string>;
  /** Of the state that the loading of the test files has left. */
  snapshot: string | undefined;
}

const chains: Chain[] = [];
let underway = 0;
let selected = NONE;

/** Mutants that have been reached since this was cleared. */
export const reached = new Set<number>();

/** The coinbase that turns a mutant on. */
export function coinbaseOf(mutant: number): string {
  return `0x${(SWITCH_BASE + BigInt(mutant)).toString(16).padStart(40, "0")}`;
}

/** Keeps a new connection, with the mutant of the moment on. */
export async function adopt(connection: NetworkConnection<string>): Promise<void> {
  if (connection.networkConfig.type !== "edr-simulated") return;
  chains.push({ connection, snapshot: undefined });
  await setCoinbase(connection);
}

/** Takes all chains back to where they were when the test files had been loaded, with another mutant on. */
export async function select(mutant: number): Promise<void> {
  selected = mutant;
  for (const chain of chains) {
    const { provider } = chain.connection;
    if (chain.snapshot !== undefined) await provider.request({ method: "evm_revert", params: [chain.snapshot] });
    chain.snapshot = String(await provider.request({ method: "evm_snapshot" }));
    chain.connection.networkHelpers.clearSnapshots();
    await setCoinbase(chain.connection);
    // Calls see the coinbase of the latest block.
    await provider.request({ method: "hardhat_mine", params: ["0x1"] });
  }
}

/** Counts a request to a chain while it is underway. */
export async function counted<T>(request: () => Promise<T>): Promise<T> {
  underway++;
  try {
    return await request();
  } finally {
    underway--;
  }
}

/** Waits until nothing asks the chains any more: a test that failed early may have left something behind. */
export async function settle(): Promise<void> {
  for (let quiet = 0; quiet < 3; quiet = underway === 0 ? quiet + 1 : 0) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function setCoinbase({ provider }: NetworkConnection<string>): Promise<void> {
  await provider.request({ method: "hardhat_setCoinbase", params: [coinbaseOf(selected)] });
}

/** Makes fixtures tell what they reach: who uses one later has been there too. */
export function watchFixtures(onFixture: (reachedByFixture: ReadonlySet<number>) => void): void {
  for (const { connection } of chains) {
    const { networkHelpers } = connection;
    const known = new Map<unknown, ReadonlySet<number>>();
    const load = networkHelpers.loadFixture.bind(networkHelpers);
    networkHelpers.loadFixture = async (fixture) => {
      const before = new Set(reached);
      reached.clear();
      const loaded = await load(fixture);
      const inside = known.get(fixture) ?? new Set(reached);
      known.set(fixture, inside);
      onFixture(inside);
      for (const mutant of before) reached.add(mutant);
      return loaded;
    };
  }
}
