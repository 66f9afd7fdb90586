import { HDNodeWallet, Mnemonic } from "ethers";

/** The published phrase of local chains: its keys are known to everybody. */
export const MNEMONIC = "test test test test test test test test test test test junk";

/** Accounts that the chain funds with ether. */
export const ACCOUNTS = 60;

/** Places of the phrase. The deployer is the first, as Hardhat's signers have it. */
export const ROLES = { deployer: 0, keeper: 1, provider: 2, insurer: 3 } as const;
export const FIRST_TRADER = 10;

export function walletAt(index: number): HDNodeWallet {
  return HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(MNEMONIC), `m/44'/60'/0'/0/${index}`);
}
