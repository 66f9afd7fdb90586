/**
 * A DON of our own in front of the verifier that Chainlink publishes: the same contracts, configuration and encoding as on a
 * live chain, with signers whose keys the tests know.
 */
import type { BytesLike } from "ethers";

import { ethers, networkHelpers, time, WAD } from "../fixture.ts";

const SCHEMA_V3 = ["bytes32", "uint32", "uint32", "uint192", "uint192", "uint32", "int192", "int192", "int192"];
const SIGNED_REPORT = ["bytes32[3]", "bytes", "bytes32[]", "bytes32[]", "bytes32"];

export const ETH_STREAM = feedIdOf(3, "ETH / USD");
export const BTC_STREAM = feedIdOf(3, "BTC / USD");
export const DIGEST = digestOf("first configuration");

/** How long reports can be verified, s. */
const LIFETIME = 30 * 86_400;

export interface ReportFields {
  feedId: string;
  validFrom: number;
  observed: number;
  nativeFee: bigint;
  linkFee: bigint;
  expiresAt: number;
  price: bigint;
  bid: bigint;
  ask: bigint;
}

export interface SigningOptions {
  digest?: string;
  /** How many sign; otherwise as many as the verifier asks for. */
  signatures?: number;
}

/** An id as Chainlink makes them: two bytes of schema in front. */
export function feedIdOf(schema: number, name: string): string {
  return ethers.concat([ethers.toBeHex(schema, 2), ethers.dataSlice(ethers.id(name), 2)]);
}

export function digestOf(name: string): string {
  return ethers.concat(["0x0006", ethers.dataSlice(ethers.id(name), 2)]);
}

export class Don {
  readonly signers;
  /** Faulty signers that the configuration bears; f + 1 sign. */
  readonly faulty: number;

  constructor(size: number, name = "oracle") {
    this.signers = Array.from({ length: size }, (_, i) => new ethers.Wallet(ethers.id(`${name} ${i}`)));
    this.faulty = Math.floor((size - 1) / 3);
  }

  get addresses(): string[] {
    return this.signers.map(({ address }) => address);
  }

  /** A report of one second, ten cents between bid and ask, unless said otherwise. */
  report(observed: number, fields: Partial<ReportFields> = {}, options: SigningOptions = {}): string {
    const price = fields.price ?? 2_000n * WAD;
    return this.sign(
      encodeReport({
        feedId: ETH_STREAM,
        validFrom: observed,
        observed,
        nativeFee: 0n,
        linkFee: 0n,
        expiresAt: observed + LIFETIME,
        price,
        bid: price - WAD / 20n,
        ask: price + WAD / 20n,
        ...fields,
      }),
      options,
    );
  }

  /** Signs report data as the oracles of a DON do: f + 1 of them, over the data's hash and the context. */
  sign(data: string, { digest = DIGEST, signatures = this.faulty + 1 }: SigningOptions = {}): string {
    const context = [digest, ethers.toBeHex(0x0101, 32), ethers.ZeroHash];
    const hash = ethers.keccak256(ethers.concat([ethers.keccak256(data), ...context]));
    const signed = this.signers.slice(0, signatures).map((signer) => signer.signingKey.sign(hash));
    const parities = Uint8Array.from({ length: 32 }, (_, i) => signed[i]?.yParity ?? 0);
    return encodeSigned({ context, data, rs: signed.map(({ r }) => r), ss: signed.map(({ s }) => s), parities });
  }
}

export function encodeReport(fields: ReportFields): string {
  return ethers.AbiCoder.defaultAbiCoder().encode(SCHEMA_V3, [
    fields.feedId,
    fields.validFrom,
    fields.observed,
    fields.nativeFee,
    fields.linkFee,
    fields.expiresAt,
    fields.price,
    fields.bid,
    fields.ask,
  ]);
}

export interface SignedParts {
  context: readonly BytesLike[];
  data: string;
  rs: readonly string[];
  ss: readonly string[];
  parities: BytesLike;
}

export function encodeSigned({ context, data, rs, ss, parities }: SignedParts): string {
  return ethers.AbiCoder.defaultAbiCoder().encode(SIGNED_REPORT, [context, data, rs, ss, parities]);
}

export function decodeSigned(payload: string): SignedParts {
  const [context, data, rs, ss, parities] = ethers.AbiCoder.defaultAbiCoder()
    .decode(SIGNED_REPORT, payload)
    .toArray(true) as [string[], string, string[], string[], string];
  return { context, data, rs, ss, parities };
}

export type Streams = Awaited<ReturnType<typeof deployStreams>>;

/** The verifier with one configuration, the contracts over it and a feed for each of two streams. */
export async function deployStreams(size = 4) {
  const [owner, stranger] = await ethers.getSigners();
  if (owner === undefined || stranger === undefined) throw new Error("the network has no accounts");
  const don = new Don(size);
  const proxy = await ethers.deployContract("VerifierProxy", [ethers.ZeroAddress]);
  const verifier = await ethers.deployContract("Verifier", [proxy]);
  await proxy.initializeVerifier(verifier);
  await verifier.setConfig(DIGEST, don.addresses, don.faulty, []);

  const reports = await ethers.deployContract("StreamReports", [proxy]);
  const createFeed = async (feedId: string) => {
    await reports.createFeed(feedId);
    return ethers.getContractAt("StreamFeed", await reports.feedOf(feedId));
  };
  const feed = await createFeed(ETH_STREAM);
  const bitcoin = await createFeed(BTC_STREAM);
  return { owner, stranger, don, proxy, verifier, reports, feed, bitcoin };
}

/** As `deployStreams`, and reports cost what they say: the fee manager is on, with LINK to pay the oracles by. */
export async function deployPaidStreams(size = 4) {
  const streams = await deployStreams(size);
  const { owner, proxy } = streams;
  const link = await ethers.deployContract("TestToken", ["ChainLink Token", "LINK", 18]);
  const weth = await ethers.deployContract("TestWETH");
  const rewards = await ethers.deployContract("RewardManager", [link]);
  const fees = await ethers.deployContract("FeeManager", [link, weth, proxy, rewards]);
  await rewards.setFeeManager(fees);
  await proxy.setFeeManager(fees);
  await fees.setFeeRecipients(DIGEST, [{ addr: owner, weight: WAD }]);
  await link.mint(fees, 1_000n * WAD);
  return { ...streams, link, weth, rewards, fees };
}

/** A time that all reports of a test can lie before: the next block's. */
export async function nextBlock(): Promise<number> {
  const at = (await time.latest()) + 1;
  await networkHelpers.time.setNextBlockTimestamp(at);
  return at;
}

export function inOrder(number: number): bigint {
  return (1n << 64n) + BigInt(number);
}

export function byTime(observed: number): bigint {
  return (2n << 64n) + BigInt(observed);
}

/** What a feed answers to a round that it has. */
export function round(id: bigint, answer: bigint, validFrom: number, observed: number): bigint[] {
  return [id, answer, BigInt(validFrom), BigInt(observed), id];
}

export function noRound(id: bigint): bigint[] {
  return [id, 0n, 0n, 0n, id];
}
