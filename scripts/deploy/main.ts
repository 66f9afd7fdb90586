/**
 * `npm run deploy`: the protocol with the numbers of a parameter file on a live chain; run again, it goes on where it was
 * interrupted. See `USAGE`; exit codes: `EXIT`.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { network } from "hardhat";

import { ConfigError, readArguments, runCommand } from "../command.ts";
import { writeAddressBook } from "./addressBook.ts";
import { deployPlimsoll } from "./deploy.ts";
import { EXIT } from "./exit.ts";
import { stateFolder } from "./ignition.ts";
import { loadParameters } from "./parameters.ts";
import type { SignedReports } from "./sources.ts";

const USAGE = `npm run deploy -- --parameters FILE [options]
  --parameters FILE   of the network
  --network NAME      of hardhat.config.ts (default live)
  --reports FILE      where markets settle by reports: {"reports": ["0x…"], "fee": "0"}, the latest of each stream; the fee
                      in wei of the native token
  --out FILE          where the addresses go (default deploy/deployments/chain-<id>/addresses.json)`;

/** Throws a ConfigError for anything but reports in hex and a fee in wei. */
function readReports(file: string): SignedReports {
  let raw: unknown;
  try {
    raw = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new ConfigError(`cannot read the reports of ${file}`, { cause });
  }
  const { reports, fee } = raw as { reports?: unknown; fee?: unknown };
  const isHex = (report: unknown): report is string => typeof report === "string" && /^0x([0-9a-f]{2})+$/i.test(report);
  if (!Array.isArray(reports) || !reports.every(isHex) || typeof fee !== "string" || !/^\d+$/.test(fee)) {
    throw new ConfigError(`${file} is not {"reports": ["0x…"], "fee": "0"}`);
  }
  return { reports, fee: BigInt(fee) };
}

async function main(): Promise<number> {
  const { values } = readArguments({
    options: {
      parameters: { type: "string" },
      network: { type: "string", default: "live" },
      reports: { type: "string" },
      out: { type: "string" },
    },
  });
  if (values.parameters === undefined) throw new ConfigError("--parameters is missing");
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
  return EXIT.deployed;
}

await runCommand({ main, usage: USAGE, exit: EXIT });
