/**
 * `npm run deploy:local`: the protocol with tokens and feeds of its own on a throw-away chain (`npx hardhat node`).
 *
 *   --network NAME     of `hardhat.config.ts`; localhost
 *   --out FILE         where the addresses go; deploy/deployments/chain-31337/addresses.json
 *
 * Exit codes: 0 deployed, 1 not, 2 wrong arguments.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";

import { network } from "hardhat";

import { writeAddressBook } from "./addressBook.ts";
import { deployPlimsoll } from "./deploy.ts";
import { stateFolder } from "./ignition.ts";
import { loadParameters } from "./parameters.ts";
import { messageOf, PlimsollError } from "./PlimsollError.ts";

class ArgumentError extends PlimsollError {}

const file = join(import.meta.dirname, "../../deploy/parameters/local.ts");

function read() {
  try {
    return parseArgs({
      options: {
        network: { type: "string", default: "localhost" },
        out: { type: "string", default: join(stateFolder("chain-31337"), "addresses.json") },
      },
    }).values;
  } catch (cause) {
    throw new ArgumentError(messageOf(cause), { cause });
  }
}

try {
  const values = read();
  const connection = await network.create({ network: values.network });
  const { book } = await deployPlimsoll({ connection, parameters: await loadParameters(file), fresh: true });
  writeAddressBook(values.out, book);
  for (const [name, address] of Object.entries(book.contracts)) console.log(`${name.padEnd(14)} ${address}`);
  console.log(`addresses in ${values.out}`);
  await connection.close();
} catch (error) {
  console.error(error instanceof PlimsollError ? messageOf(error) : error);
  process.exitCode = error instanceof ArgumentError ? 2 : 1;
}
