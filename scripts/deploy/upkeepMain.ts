/** `npm run deploy:upkeep`: a keeper's upkeep over a deployment, and what to register with a network. See `USAGE`. */
import { Interface } from "ethers";
import { artifacts, network } from "hardhat";

import { ConfigError, readArguments, runCommand } from "../command.ts";
import { readAddressBook } from "./addressBook.ts";
import { EXIT } from "./exit.ts";
import { deployUpkeep, registrationsOf } from "./upkeep.ts";

const USAGE = `npm run deploy:upkeep -- --deployment FILE [options]
  --deployment FILE   address book of the protocol
  --network NAME      of hardhat.config.ts (default localhost)
  --owner ADDRESS     takes out what it earns (default the deployer)
  --gas N             of a perform, as it will be registered (default 5000000)
  --size N            most bytes of the data of a perform, as the registry has it (default 1000)
  --period N          seconds between two checks of the network (default 2)
  --shards N          of the accounts (default 1)`;

async function main(): Promise<number> {
  const { values } = readArguments({
    options: {
      deployment: { type: "string" },
      network: { type: "string", default: "localhost" },
      owner: { type: "string" },
      gas: { type: "string", default: "5000000" },
      size: { type: "string", default: "1000" },
      period: { type: "string", default: "2" },
      shards: { type: "string", default: "1" },
    },
  });
  if (values.deployment === undefined) throw new ConfigError("--deployment is missing");
  const limits = {
    gas: wholeOf("gas", values.gas),
    size: wholeOf("size", values.size),
    period: wholeOf("period", values.period),
    shards: Number(wholeOf("shards", values.shards)),
  };
  const book = readAddressBook(values.deployment);
  const interfaces = { clearingHouse: await interfaceOf("IClearingHouse"), orders: await interfaceOf("Orders") };
  const registrations = registrationsOf(book, interfaces, limits);
  const connection = await network.create({ network: values.network });
  const { upkeep, finder, owner } = await deployUpkeep({
    connection,
    book,
    ...(values.owner === undefined ? {} : { owner: values.owner }),
  });
  console.log(`upkeep  ${await upkeep.getAddress()}\nfinder  ${finder}\nowner   ${owner}`);
  for (const { name, trigger, checkData, source, topic } of registrations) {
    console.log(`\n${name}: ${trigger}, ${String(limits.gas)} gas`);
    console.log(
      trigger === "log" ? `  contract ${source ?? ""}\n  topic0   ${topic ?? ""}` : `  check data ${checkData}`,
    );
  }
  await connection.close();
  return EXIT.deployed;
}

/** Throws a ConfigError for what is no whole number. */
function wholeOf(flag: string, text: string): bigint {
  if (!/^\d+$/.test(text)) throw new ConfigError(`--${flag} ${text}: not a whole number`);
  return BigInt(text);
}

async function interfaceOf(name: string): Promise<Interface> {
  const { abi } = await artifacts.readArtifact(name);
  return new Interface(abi);
}

await runCommand({ main, usage: USAGE, exit: EXIT });
