import { expect } from "chai";
import { encryptKeystoreJsonSync, Transaction, Wallet } from "ethers";

import { type Endpoint, EndpointError } from "../../../scripts/keeper/rpc/endpoint.ts";
import {
  externalSigner,
  keySigner,
  keystoreSigner,
  SignerError,
  type UnsignedTransaction,
} from "../../../scripts/keeper/send/signer.ts";
import { rejected } from "../rejected.ts";

/** The first account of every local chain. */
const KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const wallet = new Wallet(KEY);

const asked: UnsignedTransaction = {
  chainId: 31337n,
  nonce: 0,
  to: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
  data: "0xABCDEF01",
  value: 5n,
  gasLimit: 100_000n,
  maxFeePerGas: 2_000n,
  maxPriorityFeePerGas: 0n,
};

/** A signer of its own mind: signs what is asked, changed by `change`. */
function remote(change: Partial<UnsignedTransaction> & { readonly type?: number } = {}, signer = wallet) {
  const seen: Record<string, unknown>[] = [];
  const endpoint: Endpoint = {
    name: "signer",
    request: async (_, params) => {
      const [request] = params as [Record<string, string>];
      seen.push(request);
      const transaction = {
        type: 2,
        chainId: BigInt(request["chainId"] ?? ""),
        nonce: Number(request["nonce"]),
        to: request["to"] ?? "",
        data: request["data"] ?? "",
        value: BigInt(request["value"] ?? ""),
        gasLimit: BigInt(request["gas"] ?? ""),
        maxFeePerGas: BigInt(request["maxFeePerGas"] ?? ""),
        maxPriorityFeePerGas: BigInt(request["maxPriorityFeePerGas"] ?? ""),
      };
      return signer.signTransaction({ ...transaction, ...change });
    },
  };
  return { endpoint, seen };
}

describe("keystoreSigner", function () {
  this.timeout(20_000);

  it("opens a keystore with its password, and with no other", async () => {
    const json = encryptKeystoreJsonSync(wallet, "right", { scrypt: { N: 1_024 } });

    expect((await keystoreSigner(json, "right")).address).to.equal(wallet.address);
    expect(await rejected(keystoreSigner(json, "wrong"))).to.be.instanceOf(SignerError);
    expect(await rejected(keystoreSigner("{}", "right"))).to.be.instanceOf(SignerError);
  });
});

describe("externalSigner", () => {
  const sign = async ({ endpoint }: { endpoint: Endpoint }) => externalSigner(endpoint, wallet.address).sign(asked);

  it("signs the same as a key would", async () => {
    const signer = remote();

    expect(await sign(signer)).to.equal(await keySigner(KEY).sign(asked));
    expect(signer.seen[0]).to.deep.include({ from: wallet.address, nonce: "0x0", value: "0x5", gas: "0x186a0" });
  });

  it("takes an answer with the transaction inside", async () => {
    const raw = await keySigner(KEY).sign(asked);
    const endpoint: Endpoint = { name: "clef", request: async () => Promise.resolve({ raw, tx: {} }) };

    expect(await sign({ endpoint })).to.equal(raw);
  });

  const changes: [string, Partial<UnsignedTransaction> & { readonly type?: number }][] = [
    ["chain", { chainId: 1n }],
    ["nonce", { nonce: 1 }],
    ["receiver", { to: wallet.address }],
    ["data", { data: "0xabcdef02" }],
    ["value", { value: 6n }],
    ["gas", { gasLimit: 100_001n }],
    ["fee", { maxFeePerGas: 2_001n }],
    ["tip", { maxPriorityFeePerGas: 1n }],
  ];
  for (const [what, change] of changes) {
    it(`refuses a transaction with another ${what}`, async () => {
      expect(await rejected(sign(remote(change)))).to.be.instanceOf(SignerError);
    });
  }

  it("refuses the signature of another account", async () => {
    expect(await rejected(sign(remote({}, new Wallet(`0x${"11".repeat(32)}`))))).to.match(/has signed from/);
  });

  it("refuses what is no transaction, or unsigned", async () => {
    const { unsignedSerialized } = Transaction.from({ type: 2, ...asked });
    for (const answer of ["0x02", "", null, 5, {}, unsignedSerialized]) {
      const endpoint: Endpoint = { name: "broken", request: async () => Promise.resolve(answer) };
      expect(await rejected(sign({ endpoint }))).to.be.instanceOf(SignerError);
    }
  });

  it("says that the signer does not answer", async () => {
    const endpoint: Endpoint = { name: "gone", request: async () => Promise.reject(new EndpointError("gone")) };

    expect(await rejected(sign({ endpoint }))).to.be.instanceOf(SignerError);
  });
});
