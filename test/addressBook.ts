/** Address books for tests that need no chain behind them. */
import { ZeroAddress } from "ethers";

import { type AddressBook, CONTRACTS, type ContractName } from "../scripts/deploy/addressBook.ts";

/** A local deployment of nothing: all is zero but what is given, other contracts too. */
export function addressBookWith({
  contracts = {},
  ...others
}: Partial<Omit<AddressBook, "contracts">> & {
  readonly contracts?: Partial<Record<ContractName, string>>;
} = {}): AddressBook {
  const none = Object.fromEntries(CONTRACTS.map((name) => [name, ZeroAddress])) as Record<ContractName, string>;
  return {
    parameters: "local.ts",
    chainId: 31337n,
    block: 7n,
    deployer: ZeroAddress,
    contracts: { ...none, ...contracts },
    libraries: {},
    tokens: {},
    feeds: {},
    legs: {},
    vaults: {},
    streams: {},
    streamReports: ZeroAddress,
    reportRelay: ZeroAddress,
    sequencer: ZeroAddress,
    verifier: ZeroAddress,
    aggregators: {},
    ...others,
  };
}
