/**
 * The chain: a Hardhat node behind real JSON-RPC, in a process of its own. Started by `chain.ts`.
 *
 *   node scripts/replay/node.ts PORT GENESIS_TIME
 */
import { network } from "hardhat";

import { ACCOUNTS, MNEMONIC } from "./wallets.ts";

/** A whole hour of orders may be submitted in one block. */
const BLOCK_GAS_LIMIT = 300_000_000n;

const [port = "", genesis = ""] = process.argv.slice(2);
const server = await network.createServer(
  {
    network: "node",
    override: {
      initialDate: new Date(Number(genesis) * 1000),
      // Blocks of one moment: what traders and keepers do takes no time of its own, however fast the machine is.
      allowBlocksWithSameTimestamp: true,
      blockGasLimit: BLOCK_GAS_LIMIT,
      accounts: { mnemonic: MNEMONIC, count: ACCOUNTS },
      mining: { auto: true, mempool: { order: "fifo" } },
      loggingEnabled: false,
      throwOnTransactionFailures: false,
    },
  },
  "127.0.0.1",
  Number(port),
);
const { address, port: bound } = await server.listen();
process.on("SIGTERM", () => {
  process.exit(0);
});
process.send?.({ listening: `http://${address}:${bound}` });
