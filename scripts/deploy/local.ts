/** `npm run deploy:local`: the protocol with tokens and feeds of its own on a throw-away chain (`npx hardhat node`). */
import { join } from "node:path";

import { network } from "hardhat";

import { readArguments, runCommand } from "../command.ts";
import { writeAddressBook } from "./addressBook.ts";
import { deployPlimsoll } from "./deploy.ts";
import { EXIT } from "./exit.ts";
import { stateFolder } from "./ignition.ts";
import { loadParameters } from "./parameters.ts";

const USAGE = `npm run deploy:local -- [options]
  --network NAME   of hardhat.config.ts (default localhost)
  --out FILE       where the addresses go (default deploy/deployments/chain-31337/addresses.json)`;

const file = join(import.meta.dirname, "../../deploy/parameters/local.ts");

async function main(): Promise<number> {
  const { values } = readArguments({
    options: {
      network: { type: "string", default: "localhost" },
      out: { type: "string", default: join(stateFolder("chain-31337"), "addresses.json") },
    },
  });
  const connection = await network.create({ network: values.network });
  const { book } = await deployPlimsoll({ connection, parameters: await loadParameters(file), fresh: true });
  writeAddressBook(values.out, book);
  for (const [name, address] of Object.entries(book.contracts)) console.log(`${name.padEnd(14)} ${address}`);
  console.log(`addresses in ${values.out}`);
  await connection.close();
  return EXIT.deployed;
}

await runCommand({ main, usage: USAGE, exit: EXIT });
