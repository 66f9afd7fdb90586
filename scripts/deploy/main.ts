/**
 * `npm run deploy`: the protocol with the numbers of a parameter file on a live chain; run again, it goes on where it was
 * interrupted. Exit codes: 0 deployed, and as the file says; 1 not; 2 wrong arguments.
 *
 *   --parameters FILE  of the network
 *   --network NAME     of `hardhat.config.ts`; live
 *   --reports FILE     where markets settle by reports: {"reports": ["0x…"], "fee": "0"}, the latest of each stream; the
 *                      fee in wei of the native token
 *   --out FILE         where the addresses go; deploy/deployments/chain-<id>/addresses.json
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { network } from "hardhat";

import { writeAddressBook } from "./addressBook.ts";
import { deployPlimsoll } from "./deploy.ts";
import { stateFolder } from "./ignition.ts";
import { loadParameters } from "./parameters.ts";
import { messageOf, PlimsollError } from "./PlimsollError.ts";
import type { SignedReports } from "./sources.ts";

class ArgumentError extends PlimsollError {}

function read(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        parameters: { type: "string" },
        network: { type: "string", default: "live" },
        reports: { type: "string" },
        out: { type: "string" },
      },
    }).values;
  } catch (cause) {
    throw new ArgumentError(messageOf(cause), { cause });
  }
}

/** Throws an ArgumentError for anything but reports in hex and a fee in wei. */
function readReports(file: string): SignedReports {
  let raw: unknown;
  try {
    raw = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new ArgumentError(`cannot read the reports of ${file}`, { cause });
  }
  const { reports, fee } = raw as { reports?: unknown; fee?: unknown };
  const isHex = (report: unknown): report is string => typeof report === "string" && /^0x([0-9a-f]{2})+$/i.test(report);
  if (!Array.isArray(reports) || !reports.every(isHex) || typeof fee !== "string" || !/^\d+$/.test(fee)) {
    throw new ArgumentError(`${file} is not {"reports": ["0x…"], "fee": "0"}`);
  }
  return { reports, fee: BigInt(fee) };
}

try {
  const values = read(process.argv.slice(2));
  if (values.parameters === undefined) throw new ArgumentError("--parameters is missing");
  const parameters = await loadParameters(resolve(values.parameters));
  const signed = values.reports === undefined ? undefined : readReports(values.reports);
  const connection = await network.create({ network: values.network });
  const { book } = await deployPlimsoll({
    connection,
    parameters,
    displayUi: true,
    ...(signed === undefined ? {} : { fetchReports: async () => Promise.resolve(signed) }),
  });
  const file = values.out ?? join(stateFolder(`chain-${String(book.chainId)}`), "addresses.json");
  writeAddressBook(file, book);
  for (const [name, address] of Object.entries(book.contracts)) console.log(`${name.padEnd(14)} ${address}`);
  console.log(`addresses in ${file}; now: npm run gov -- audit --deployment ${file} --rpc URL`);
  await connection.close();
} catch (error) {
  console.error(error instanceof PlimsollError ? messageOf(error) : error);
  process.exitCode = error instanceof ArgumentError ? 2 : 1;
}
