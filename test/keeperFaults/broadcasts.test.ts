import { expect } from "chai";
import { concat, HDNodeWallet, Mnemonic } from "ethers";

import { accountsIn, Broadcasts } from "../../scripts/keeperFaults/broadcasts.ts";

/** The published phrase of local chains. */
const PHRASE = "test test test test test test test test test test test junk";
const wallet = HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(PHRASE), "m/44'/60'/0'/0/1");
const other = HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(PHRASE), "m/44'/60'/0'/0/4");

const ALICE = `0x${"a1".repeat(20)}${"00".repeat(12)}`;
const BOB = `0x${"b0".repeat(20)}${"00".repeat(12)}`;
const SELECTOR = "0x12345678";

async function signed(
  { nonce, accounts, fee = 1n }: { nonce: number; accounts: readonly string[]; fee?: bigint },
  signer = wallet,
): Promise<string> {
  return signer.signTransaction({
    type: 2,
    chainId: 31_337,
    to: other.address,
    nonce,
    data: concat([SELECTOR, ...accounts]),
    gasLimit: 100_000n,
    maxFeePerGas: fee,
    maxPriorityFeePerGas: 0n,
  });
}

describe("broadcasts", () => {
  let broadcasts: Broadcasts;
  beforeEach(() => {
    broadcasts = new Broadcasts([ALICE, BOB]);
  });

  async function send(options: Parameters<typeof signed>[0], at: number, signer = wallet): Promise<void> {
    broadcasts.add(await signed(options, signer), at);
  }

  it("finds accounts in a call, and in a call inside a call", () => {
    const known = new Set([ALICE, BOB]);
    expect(accountsIn(concat([SELECTOR, ALICE]), known)).to.deep.equal(new Set([ALICE]));
    expect(accountsIn(concat([SELECTOR, SELECTOR, BOB]), known)).to.deep.equal(new Set([BOB]));
  });

  it("reports two transactions in flight for one account", async () => {
    await send({ nonce: 0, accounts: [ALICE] }, 1);
    await send({ nonce: 1, accounts: [BOB, ALICE] }, 2);
    expect(broadcasts.doubleSends().map(({ account }) => account)).to.deep.equal([ALICE]);
  });

  it("takes a replacement at the same nonce for what it is", async () => {
    await send({ nonce: 0, accounts: [ALICE] }, 1);
    await send({ nonce: 0, accounts: [ALICE], fee: 2n }, 2);
    expect(broadcasts.doubleSends()).to.deep.equal([]);
  });

  it("allows another one when the first is in a block", async () => {
    await send({ nonce: 0, accounts: [ALICE] }, 1);
    broadcasts.used({ from: wallet.address, nonce: 0, block: 7, at: 2 });
    await send({ nonce: 1, accounts: [ALICE] }, 3);
    expect(broadcasts.doubleSends()).to.deep.equal([]);
  });

  it("reports another one that came before the first was in a block", async () => {
    await send({ nonce: 0, accounts: [ALICE] }, 1);
    await send({ nonce: 1, accounts: [ALICE] }, 2);
    broadcasts.used({ from: wallet.address, nonce: 0, block: 7, at: 3 });
    expect(broadcasts.doubleSends()).to.have.length(1);
  });

  describe("with the first in a block that is taken back", () => {
    beforeEach(async () => {
      await send({ nonce: 0, accounts: [ALICE] }, 1);
      broadcasts.used({ from: wallet.address, nonce: 0, block: 7, at: 2 });
    });

    it("reports another one that comes after that", async () => {
      broadcasts.takenBack({ block: 7, at: 4 });
      await send({ nonce: 1, accounts: [ALICE] }, 5);
      expect(broadcasts.doubleSends()).to.have.length(1);
    });

    it("allows another one that came while it was in the block", async () => {
      await send({ nonce: 1, accounts: [ALICE] }, 3);
      broadcasts.takenBack({ block: 7, at: 4 });
      expect(broadcasts.doubleSends()).to.deep.equal([]);
    });

    it("allows another one once it is in a block again", async () => {
      broadcasts.takenBack({ block: 5, at: 4 });
      broadcasts.used({ from: wallet.address, nonce: 0, block: 6, at: 5 });
      await send({ nonce: 1, accounts: [ALICE] }, 6);
      expect(broadcasts.doubleSends()).to.deep.equal([]);
    });

    it("leaves blocks before alone", async () => {
      broadcasts.takenBack({ block: 8, at: 4 });
      await send({ nonce: 1, accounts: [ALICE] }, 5);
      expect(broadcasts.doubleSends()).to.deep.equal([]);
    });
  });

  it("allows another account, and another sender", async () => {
    await send({ nonce: 0, accounts: [ALICE] }, 1);
    await send({ nonce: 1, accounts: [BOB] }, 2);
    await send({ nonce: 0, accounts: [ALICE] }, 3, other);
    expect(broadcasts.doubleSends()).to.deep.equal([]);
  });

  it("counts a transaction once, however many endpoints it comes through", async () => {
    await send({ nonce: 0, accounts: [ALICE] }, 1);
    await send({ nonce: 0, accounts: [ALICE] }, 2);
    expect(broadcasts.all.map(({ at }) => at)).to.deep.equal([1]);
  });
});
