/**
 * The whole protocol over real Chainlink proxies, and the few verbs that most tests need.
 *
 *   const world = await loadFixture(empty);    nothing in it
 *   const world = await loadFixture(funded);   10 million in the pool, 100,000 USDC each for alice and bob
 *
 * Amounts are WAD (`wad("1.5")`) unless a name says units; assets and tokens are the indices of `parameters.ts`. A test
 * that needs other parameters names a fixture of its own: `async function tight() { return deploy((p) => { … }); }`.
 */
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { ContractTransactionReceipt, ContractTransactionResponse } from "ethers";
import hre, { network } from "hardhat";

import { CAUSES } from "../scripts/model/causes.ts";
import { DAY, type Parameters, defaults, SETTLEMENT, wad, WAD, WBTC_TOKEN, WETH_TOKEN } from "./parameters.ts";

export const { ethers, networkHelpers } = await network.create();
export const { time } = networkHelpers;

/** Code that counts its coverage costs more gas than what is deployed: bounds on gas do not apply to it. */
export const instrumented = hre.globalOptions.coverage;

/**
 * The state after `fixture`, which runs once, one second later: the chain's clock would otherwise jump, at the next
 * block, by what the tests since have taken.
 */
export async function loadFixture<T>(fixture: () => Promise<T>): Promise<T> {
  const world = await networkHelpers.loadFixture(fixture);
  await time.increase(1);
  return world;
}

export type World = Awaited<ReturnType<typeof deploy>>;
export type Account = string;
type Signer = HardhatEthersSigner;

const FEED_DECIMALS = 8;
const FEED_UNIT = 10n ** 10n; // WAD of one unit of an answer
const LEAST_JUMP = 5_000; // the oracle takes none below

export interface OrderOptions {
  /** Oracle price at which it settles; otherwise that of the latest round. */
  price?: bigint;
  acceptablePrice?: bigint;
  reduceOnly?: boolean;
  expiry?: number;
  /** Owner or operator; otherwise the owner of the account. */
  signer?: Signer;
}

export interface Trade {
  sequence: bigint;
  outcome: "Filled" | "Cancelled" | "Refunded";
  cause: (typeof CAUSES)[number] | undefined;
  submitted: ContractTransactionReceipt;
  executed: ContractTransactionReceipt;
}

/** Id of a sub-account. */
export function accountOf(owner: string | { address: string }, subAccount = 0n): Account {
  const address = typeof owner === "string" ? owner : owner.address;
  return ethers.toBeHex((BigInt(address) << 96n) | subAccount, 32);
}

export async function receiptOf(
  sent: ContractTransactionResponse | Promise<ContractTransactionResponse>,
): Promise<ContractTransactionReceipt> {
  const receipt = await (await sent).wait();
  if (receipt === null) throw new Error("a transaction without a receipt");
  return receipt;
}

export async function empty() {
  return deploy();
}

export async function funded() {
  const world = await deploy();
  await world.poolDeposit(world.provider, wad("10_000_000"));
  await world.fund(world.alice, wad("100_000"));
  await world.fund(world.bob, wad("100_000"));
  return world;
}

/** @param adapt Changes the parameters before they are used. */
export async function deploy(adapt: (parameters: Parameters) => void = () => undefined) {
  const parameters = defaults();
  adapt(parameters);
  const people = await signersByName();
  const { admin, keeper } = people;
  const signers = new Map(Object.values(people).map((signer) => [signer.address, signer]));
  const tokens = {
    usdc: await ethers.deployContract("TestToken", ["USD Coin", "USDC", 6]),
    weth: await ethers.deployContract("TestWETH"),
    wbtc: await ethers.deployContract("TestToken", ["Wrapped BTC", "WBTC", 8]),
  };
  const authority = await ethers.deployContract("TestAuthority");
  const { oracle, feeds, sequencer } = await deployOracle(authority, parameters);
  const core = await deployCore(admin, authority, oracle, tokens.usdc, parameters);
  const { clearingHouse, vault, orders, pool, lens } = core;

  await vault.list(tokens.weth, parameters.custody.weth.cap, parameters.custody.weth.outflowLimit);
  await vault.list(tokens.wbtc, parameters.custody.wbtc.cap, parameters.custody.wbtc.outflowLimit);
  await clearingHouse.listAssets(parameters.assets);
  // Tests move prices further at once than insurance would have to pay for: only after the listing.
  for (const [asset, { limits }] of parameters.feeds.entries()) await oracle.configure(asset, limits);
  for (const { asset, saleDiscount, lotExponent } of parameters.collateral) {
    await clearingHouse.listCollateral(asset, saleDiscount, lotExponent);
  }

  // ---------------------------------------------------------------- oracle

  function feedOf(asset: number) {
    const feed = feeds[asset];
    if (feed === undefined) throw new Error(`no feed of asset ${String(asset)}`);
    return feed;
  }

  async function priceOf(asset: number): Promise<bigint> {
    const { aggregator } = feedOf(asset);
    return (await aggregator.latestAnswer()) * FEED_UNIT;
  }

  /** Puts the next block one second after the last: otherwise it follows the clock of the machine. */
  async function tick(): Promise<number> {
    const at = (await time.latest()) + 1;
    await time.setNextBlockTimestamp(at);
    return at;
  }

  /** A new round at the time of its block; without a price the last one again. Returns its id at the proxy. */
  async function setPrice(asset: number, price?: bigint): Promise<bigint> {
    const { aggregator, proxy } = feedOf(asset);
    const answer = (price ?? (await priceOf(asset))) / FEED_UNIT;
    const at = await tick();
    await aggregator.transmit(answer, at, at);
    const [round] = await proxy.latestRoundData();
    return round;
  }

  /** A new round of every feed at its last price, so that none is stale. */
  async function refresh(): Promise<void> {
    for (const asset of feeds.keys()) await setPrice(asset);
  }

  /** Lets time pass, without new rounds. */
  async function advance(seconds: number): Promise<void> {
    await time.increase(seconds);
  }

  async function setSequencer(up: boolean): Promise<void> {
    const at = await tick();
    await sequencer.aggregator.transmit(up ? 0 : 1, at, at);
  }

  /** The hint that proves the settlement round of an order in the feed's current phase. */
  async function hintFor(asset: number, boundary: bigint): Promise<{ round: bigint; before: bigint }> {
    const { proxy } = feedOf(asset);
    const [latest] = await proxy.latestRoundData();
    const phase = (latest >> 64n) << 64n;
    let round = 0n;
    let before = latest;
    for (; before > phase; before--) {
      const [, , , updatedAt] = await proxy.getRoundData(before);
      if (updatedAt <= boundary) break;
      round = before;
    }
    return { round, before: before > phase ? before : 0n };
  }

  // ---------------------------------------------------------------- governance

  /** Sets the skew cap of a market and nothing else: at once where that flags nobody, otherwise by half a day. */
  async function setSkewCap(asset: number, cap: bigint): Promise<void> {
    const market = parameters.assets[asset];
    if (market === undefined) throw new Error(`no market ${String(asset)}`);
    const { openInterestCap, openInterestShare, takerFee, makerFee, insuranceCap } = market;
    for (;;) {
      const { longSize, shortSize } = await clearingHouse.marketOf(asset);
      const skew = longSize > shortSize ? longSize - shortSize : shortSize - longSize;
      const harmless = (skew + 1n) / 2n;
      const current = (await lens.market(asset)).skewCap;
      const half = current > harmless ? harmless : (current + 1n) / 2n;
      const next = cap >= current || cap >= harmless || cap > half ? cap : half;
      const last = Number(await clearingHouse.changedAt(ethers.encodeBytes32String("skewCap"), asset));
      if (next < current && next < harmless && (await time.latest()) < last + DAY) {
        await time.increaseTo(last + DAY);
        await refresh();
      }
      await clearingHouse.setLimits(asset, openInterestCap, openInterestShare, next, takerFee, makerFee, insuranceCap);
      if (next === cap) return;
    }
  }

  // ---------------------------------------------------------------- accounts

  function signerOf(account: Account): Signer {
    const signer = signers.get(ethers.getAddress(ethers.dataSlice(account, 0, 20)));
    if (signer === undefined) throw new Error(`no signer for ${account}`);
    return signer;
  }

  /** Mints settlement tokens to a trader and deposits them into a sub-account. */
  async function fund(trader: Signer, amount: bigint, subAccount = 0n): Promise<Account> {
    const account = accountOf(trader, subAccount);
    const units = amount / 10n ** 12n;
    await tokens.usdc.mint(trader, units);
    await tokens.usdc.connect(trader).approve(vault, ethers.MaxUint256);
    await vault.connect(trader).deposit(account, SETTLEMENT, units);
    return account;
  }

  /** Gets collateral to a trader and deposits it. */
  async function fundCollateral(trader: Signer, token: number, amount: bigint, subAccount = 0n): Promise<Account> {
    const account = accountOf(trader, subAccount);
    const units = token === WETH_TOKEN ? amount : amount / 10n ** 10n;
    if (token === WETH_TOKEN) await tokens.weth.connect(trader).deposit({ value: units });
    else if (token === WBTC_TOKEN) await tokens.wbtc.mint(trader, units);
    else throw new Error(`no collateral token ${String(token)}`);
    const contract = token === WETH_TOKEN ? tokens.weth : tokens.wbtc;
    await contract.connect(trader).approve(vault, ethers.MaxUint256);
    await vault.connect(trader).deposit(account, token, units);
    return account;
  }

  // ---------------------------------------------------------------- pool

  /** Asks the pool to take newly minted settlement tokens of a provider. Returns the batch. */
  async function requestDeposit(from: Signer, amount: bigint): Promise<bigint> {
    const units = amount / 10n ** 12n;
    await tokens.usdc.mint(from, units);
    await tokens.usdc.connect(from).approve(pool, ethers.MaxUint256);
    await pool.connect(from).requestDeposit(units, from, from);
    return (await pool.queue()).latest;
  }

  /** Lets a batch mature; every feed has a new round then. */
  async function mature(batch: bigint): Promise<void> {
    const { maturesAt } = await pool.batchOf(batch);
    if (BigInt(await time.latest()) < maturesAt) await time.increaseTo(maturesAt);
    await refresh();
  }

  /** A deposit from its request to its claim, some two hours later. Returns the shares. */
  async function poolDeposit(from: Signer, amount: bigint): Promise<bigint> {
    const before = await pool.balanceOf(from);
    const batch = await requestDeposit(from, amount);
    await mature(batch);
    await pool.fulfill(batch);
    await pool.connect(from)["deposit(uint256,address)"](await pool.claimableDepositRequest(batch, from), from);
    return (await pool.balanceOf(from)) - before;
  }

  // ---------------------------------------------------------------- orders

  /** Submits a single order; it stays pending. */
  async function submit(account: Account, asset: number, delta: bigint, options: OrderOptions = {}) {
    const { acceptablePrice = 0n, reduceOnly = false, expiry = 0, signer = signerOf(account) } = options;
    const { sequence } = await clearingHouse.accountOf(account);
    await tick();
    const receipt = await receiptOf(
      orders.connect(signer).submit(account, { asset, delta, acceptablePrice, reduceOnly, expiry }),
    );
    return { sequence, receipt };
  }

  /** Brings the settlement round of a pending order. */
  async function settle(account: Account, sequence: bigint, price?: bigint) {
    const { asset, boundary } = await orders.orderOf(account, sequence);
    if (BigInt(await time.latest()) < boundary) await time.increaseTo(boundary);
    await setPrice(Number(asset), price);
    return [await hintFor(Number(asset), boundary)];
  }

  /** Executes a pending order whose settlement round is there. */
  async function execute(account: Account, sequence: bigint, hints: Awaited<ReturnType<typeof settle>>) {
    await tick();
    const receipt = await receiptOf(orders.connect(keeper).execute(account, sequence, hints, accountOf(keeper)));
    return { receipt, ...readOutcome(receipt) };
  }

  function readOutcome(receipt: ContractTransactionReceipt): Pick<Trade, "outcome" | "cause"> {
    for (const log of receipt.logs) {
      const event = orders.interface.parseLog(log);
      if (event?.name === "OrderFilled") return { outcome: "Filled", cause: "None" };
      if (event?.name === "OrderRefunded") return { outcome: "Refunded", cause: "None" };
      if (event?.name === "OrderCancelled") {
        return { outcome: "Cancelled", cause: CAUSES[Number(event.args.getValue("cause"))] };
      }
    }
    throw new Error("an execution without an outcome");
  }

  /** An order from its submission to its end. The pool is marked first if its mark is too old for the caps. */
  async function trade(account: Account, asset: number, delta: bigint, options: OrderOptions = {}): Promise<Trade> {
    const { markTime } = await clearingHouse.balances();
    const age = BigInt(await time.latest()) - markTime;
    if (age > BigInt(parameters.globals.markMaxAge) / 2n) await clearingHouse.markPool();
    const { sequence, receipt: submitted } = await submit(account, asset, delta, options);
    const hints = await settle(account, sequence, options.price);
    const { receipt: executed, outcome, cause } = await execute(account, sequence, hints);
    return { sequence, submitted, executed, outcome, cause };
  }

  return {
    parameters,
    ...people,
    tokens,
    authority,
    oracle,
    feeds,
    sequencer,
    ...core,
    feedOf,
    priceOf,
    tick,
    setPrice,
    refresh,
    advance,
    setSequencer,
    setSkewCap,
    hintFor,
    fund,
    fundCollateral,
    requestDeposit,
    mature,
    poolDeposit,
    submit,
    settle,
    execute,
    trade,
  };
}

async function signersByName() {
  const [admin, alice, bob, carol, keeper, provider, stranger] = await ethers.getSigners();
  if (!admin || !alice || !bob || !carol || !keeper || !provider || !stranger) throw new Error("too few signers");
  return { admin, alice, bob, carol, keeper, provider, stranger };
}

async function deployOracle(authority: { getAddress(): Promise<string> }, parameters: Parameters) {
  const deployed = await ethers.deployContract("PriceOracle", [await authority.getAddress()]);
  const oracle = await ethers.getContractAt("IPriceOracle", await deployed.getAddress());
  const now = await time.latest();
  const feeds = [];
  for (const { description, price } of parameters.feeds) {
    const feed = await deployFeed(FEED_DECIMALS, description);
    await feed.aggregator.transmit(price / FEED_UNIT, now, now);
    feeds.push(feed);
  }
  const sequencer = await deployFeed(0, "L2 Sequencer Uptime Status Feed");
  const upSince = now - 10 * parameters.environment.sequencerGrace;
  await sequencer.aggregator.transmit(0, upSince, upSince);

  const inputs = [];
  for (const [asset, { kind, limits }] of parameters.feeds.entries()) {
    const careful = { ...limits, jump: LEAST_JUMP };
    inputs.push({ proxy: (await feeds[asset]?.proxy.getAddress()) ?? "", kind, limits: careful });
  }
  await oracle.list(inputs);
  await oracle.setEnvironment({ sequencer: await sequencer.proxy.getAddress(), ...parameters.environment });
  return { oracle, feeds, sequencer };
}

async function deployFeed(decimals: number, description: string) {
  const aggregator = await ethers.deployContract("AccessListAggregator", [decimals, description, false]);
  const proxy = await ethers.deployContract("EACAggregatorProxy", [aggregator, ethers.ZeroAddress]);
  await aggregator.addAccess(proxy);
  return { aggregator, proxy };
}

/** The clearing house and its satellites know each other by immutables, so its address is computed first. */
async function deployCore(
  deployer: Signer,
  authority: { getAddress(): Promise<string> },
  oracle: { getAddress(): Promise<string> },
  settlementToken: { getAddress(): Promise<string> },
  parameters: Parameters,
) {
  const libraries = await deployLibraries();
  const { globals, hedgeFloors, money, custody } = parameters;
  const before = 6; // satellites, governance and extension
  const nonce = (await deployer.getNonce()) + before;
  const predicted = ethers.getCreateAddress({ from: deployer.address, nonce });
  const authorityAddress = await authority.getAddress();
  const oracleAddress = await oracle.getAddress();

  const vault = await ethers.deployContract("Vault", [
    authorityAddress,
    predicted,
    await settlementToken.getAddress(),
    custody.usdc.cap,
    custody.usdc.outflowLimit,
  ]);
  const orders = await ethers.deployContract("Orders", [authorityAddress, predicted, oracleAddress, parameters.orders]);
  const pool = await ethers.deployContract("LiquidityPool", [
    authorityAddress,
    predicted,
    await vault.getAddress(),
    parameters.pool.cooldown,
    parameters.pool.deviation,
  ]);
  const insuranceFund = await ethers.deployContract("InsuranceFund", [
    authorityAddress,
    predicted,
    parameters.insurance.targetShare,
  ]);

  const links = {
    authority: authorityAddress,
    oracle: oracleAddress,
    vault: await vault.getAddress(),
    orders: await orders.getAddress(),
    pool: await pool.getAddress(),
    insuranceFund: await insuranceFund.getAddress(),
  };
  const { Deleveraging, Listings, Liquidations, PoolAccount, Ramps, Settings, Waterfall } = libraries;
  const governance = await ethers.deployContract("ClearingHouseGovernance", [links], {
    libraries: { Deleveraging, Listings, Ramps, Settings },
  });
  const extension = await ethers.deployContract("ClearingHouseExtension", [links, await governance.getAddress()], {
    libraries: { Deleveraging, Liquidations, Listings, PoolAccount, Waterfall },
  });
  const house = await ethers.deployContract(
    "ClearingHouse",
    [links, await extension.getAddress(), packGlobals(globals), packWord(hedgeFloors, 24), money],
    { libraries: { Listings, Liquidations } },
  );
  const clearingHouse = await ethers.getContractAt("IClearingHouse", await house.getAddress());
  const lens = await ethers.deployContract("Lens", [predicted]);
  return { clearingHouse, extension, governance, vault, orders, pool, insuranceFund, lens };
}

/** What the clearing house and its extension are linked with. */
async function deployLibraries() {
  const deployed = async (name: string) => (await ethers.deployContract(name)).getAddress();
  return {
    Listings: await deployed("Listings"),
    Ramps: await deployed("Ramps"),
    Settings: await deployed("Settings"),
    Liquidations: await deployed("Liquidations"),
    PoolAccount: await deployed("PoolAccount"),
    Waterfall: await deployed("Waterfall"),
    Deleveraging: await deployed("Deleveraging"),
  };
}

function packGlobals({ takeoverDiscount, ...globals }: Parameters["globals"]): bigint {
  const fields = [
    globals.maintenanceFactor,
    globals.shortfallInitial,
    globals.shortfallMaintenance,
    globals.protocolFeeShare,
    globals.insuranceFeeShare,
    globals.markMaxAge,
    globals.liquidationTarget,
    globals.liquidationPenalty,
    globals.liquidatorShare,
    globals.deepLoss,
  ];
  return packWord(fields, 24) | (BigInt(takeoverDiscount) << 240n);
}

/** Fields from the lowest bits up. */
function packWord(fields: number[], bits: number): bigint {
  return fields.reduce((word, field, index) => word | (BigInt(field) << BigInt(index * bits)), 0n);
}

export { WAD };
