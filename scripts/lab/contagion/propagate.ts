/** Rounds of failure: what each protocol does in an hour with what the hour before has left of the others. */
import { type Bucket, EMPTY_BUCKET, takeFromInsurance, UNATTRIBUTED } from "../../model/deficit.ts";
import { max, min, mulDivDown, mulDivUp, PPM, WAD } from "../../model/fixed.ts";
import { proceedsUp } from "../../model/liquidation.ts";
import { marginOf } from "../../model/liquidationPrice.ts";
import { livePrice, type Price } from "../../model/price.ts";
import type { BookAccount } from "../compare/account.ts";
import { equityOf, liquidated } from "../compare/carry.ts";
import { assetIndex } from "../compare/rules.ts";
import { type Loan, type Member, SHARE, type World } from "./world.ts";

/** What happens at the start. Shares 1e-6. */
export interface Shock {
  readonly name: string;
  /** Of the vault's assets that are lost. */
  readonly vaultLoss: bigint;
  /** Nobody can redeem the vault's shares: who buys them has no money left for others. */
  readonly frozen: boolean;
  /** Price of the stablecoin, WAD. */
  readonly stable: bigint;
  /** Fall of ETH and BTC. */
  readonly fall: bigint;
  /** Capital of the liquidators that is left. */
  readonly capital: bigint;
}

export const CALM: Omit<Shock, "name"> = { vaultLoss: 0n, frozen: false, stable: WAD, fall: 0n, capital: PPM };

export const SHOCKS: readonly Shock[] = [
  { ...CALM, name: "vault loses 10 %", vaultLoss: 100_000n },
  { ...CALM, name: "vault loses 30 %", vaultLoss: 300_000n },
  { ...CALM, name: "vault loses 60 %", vaultLoss: 600_000n },
  { ...CALM, name: "vault frozen, ETH −15 %", frozen: true, fall: 150_000n },
  { ...CALM, name: "stablecoin at 0.90", stable: (9n * WAD) / 10n },
  { ...CALM, name: "stablecoin at 0.90, ETH −15 %", stable: (9n * WAD) / 10n, fall: 150_000n },
  { ...CALM, name: "ETH −15 %, liquidators with 5 %", fall: 150_000n, capital: 50_000n },
  {
    ...CALM,
    name: "vault loses 30 %, frozen, ETH −15 %, liquidators with 5 %",
    vaultLoss: 300_000n,
    frozen: true,
    fall: 150_000n,
    capital: 50_000n,
  },
  {
    ...CALM,
    name: "vault loses 60 %, frozen, ETH −30 %, liquidators with 5 %",
    vaultLoss: 600_000n,
    frozen: true,
    fall: 300_000n,
    capital: 50_000n,
  },
];

/** After a round. Money WAD of settlement token. */
export interface Round {
  readonly round: number;
  readonly ethPrice: bigint;
  /** Value of a share of the vault against that at the start, 1e-6 of ETH. */
  readonly vaultRate: bigint;
  /** Value of a share of our pool against that at the start, 1e-6. */
  readonly poolShare: bigint;
  readonly capital: bigint;
  /** So far. */
  readonly badDebt: bigint;
  readonly fromInsurance: bigint;
  readonly poolLoss: bigint;
  readonly lenderBadDebt: bigint;
  readonly liquidatedMembers: number;
  /** Of those without any share of the vault, also through no other account of the user. */
  readonly bystanders: number;
  readonly unhealthy: number;
}

export interface Spread {
  readonly shock: Shock;
  readonly rounds: readonly Round[];
  /** What users of ours have lost, those without shares apart; WAD. */
  readonly lostByHolders: bigint;
  readonly lostByBystanders: bigint;
  /** Equity of the accounts at the start; WAD. */
  readonly equity: bigint;
}

/** Rounds that are looked at most; it has died down long before. */
const MOST_ROUNDS = 24;
const HOUR = 3_600n;
const START = 1_700_000_000n;
/** Rounds that an account without equity waits for a buyer of its collateral before that is seized. */
const PATIENCE = 2;

interface State {
  prices: Map<string, bigint>;
  rate: bigint;
  capital: bigint;
  /** Comes back at the end of the round. */
  recovering: bigint;
  books: BookAccount[];
  insolventFor: number[];
  insurance: bigint;
  poolLoss: bigint;
  badDebt: bigint;
  fromInsurance: bigint;
  lenderBadDebt: bigint;
  loans: readonly Loan[];
  buckets: Map<number, Bucket>;
  readonly liquidated: Set<number>;
  ethSold: bigint;
}

/** Lets a shock spread until a round changes nothing. */
export function spread(world: World, shock: Shock): Spread {
  const scale = (amount: bigint, part: bigint): bigint => mulDivDown(amount, part, PPM);
  const state: State = {
    prices: new Map(
      [...world.prices].map(([symbol, price]) => [symbol, symbol === SHARE ? price : scale(price, PPM - shock.fall)]),
    ),
    rate: PPM - shock.vaultLoss,
    capital: scale(world.liquidators, shock.capital),
    recovering: 0n,
    books: world.members.map(({ book }) => book),
    insolventFor: world.members.map(() => 0),
    insurance: world.insurance,
    poolLoss: 0n,
    badDebt: 0n,
    fromInsurance: 0n,
    lenderBadDebt: 0n,
    loans: world.lender.loans,
    buckets: new Map(),
    liquidated: new Set(),
    ethSold: 0n,
  };
  const rounds: Round[] = [];
  for (let round = 1; round <= MOST_ROUNDS; round++) {
    const before = fingerprint(state);
    reprice(world, state);
    runOurs(world, state, { shock, now: START + BigInt(round) * HOUR });
    runLender(world, state, shock);
    runMarket(world, state);
    rounds.push(record(world, state, round));
    if (fingerprint(state) === before && round > PATIENCE + 1) break;
  }
  const holders = new Set(world.members.filter(({ holdsShares }) => holdsShares).map(({ user }) => user));
  const lostBy = (pick: (member: Member) => boolean): bigint =>
    world.members.reduce((sum, member, index) => {
      const now = state.books[index];
      if (!pick(member) || now === undefined) return sum;
      return sum + equityOf(member.book, world.rules) - max(equityOf(now, world.rules), 0n);
    }, 0n);
  return {
    shock,
    rounds,
    lostByHolders: lostBy(({ user }) => holders.has(user)),
    lostByBystanders: lostBy(({ user }) => !holders.has(user)),
    equity: world.members.reduce((sum, { book }) => sum + equityOf(book, world.rules), 0n),
  };
}

/** Each account at the prices of the round; the share is worth its rate in ETH. */
function reprice({ rules }: World, state: State): void {
  const eth = state.prices.get("ETH") ?? 0n;
  state.prices.set(SHARE, mulDivDown(eth, state.rate, PPM));
  const prices = new Map<number, Price>(
    [...state.prices].map(([symbol, price]) => [assetIndex(rules, symbol), livePrice(price)]),
  );
  state.books = state.books.map((book) => ({
    ...book,
    exposures: book.exposures.map((exposure) => ({ ...exposure, price: prices.get(exposure.asset) ?? exposure.price })),
  }));
}

/** Liquidations of ours, by whoever has capital: sales of collateral need it, closing positions does not. */
function runOurs(world: World, state: State, { shock, now }: { shock: Shock; now: bigint }): void {
  const { rules } = world;
  for (const [index, book] of state.books.entries()) {
    if (isHealthy(book, world)) continue;
    state.books[index] = tryLiquidate(world, state, { book, index, shock, now });
    const after = state.books[index];
    const owes = equityOf(after, rules) <= 0n && !isEmpty(after) && !isHealthy(after, world);
    state.insolventFor[index] = owes ? (state.insolventFor[index] ?? 0) + 1 : 0;
    if ((state.insolventFor[index] ?? 0) > PATIENCE) state.books[index] = seize(state, { book: after, shock, now });
  }
}

function tryLiquidate(
  { rules }: World,
  state: State,
  { book, index, shock, now }: { book: BookAccount; index: number; shock: Shock; now: bigint },
): BookAccount {
  const step = { time: Number(now), settlementPrice: shock.stable };
  const whole = liquidated(book, rules, step);
  const cost = whole === undefined ? 0n : whole.outcome.proceeds - whole.outcome.discount;
  // Without capital for the collateral: positions alone. A price of 0 keeps collateral out of the search.
  const done = cost <= state.capital ? whole : liquidated(book, rules, { ...step, settlementPrice: 0n });
  if (done === undefined) return book;
  const { outcome } = done;
  const spent = outcome.proceeds - outcome.discount;
  state.capital -= spent;
  // Shares of a frozen vault keep the money; what can be sold brings it back with the discount.
  if (!shock.frozen) {
    state.recovering += outcome.proceeds;
    state.ethSold += outcome.proceeds;
  }
  if (outcome.deficit !== 0n) bookDeficit(rules, state, { amount: outcome.deficit, market: outcome.market, now });
  state.liquidated.add(index);
  return done.account;
}

/** What nobody buys passes to insurance at the oracle's price; what it lacks for that and for the debt is the pool's. */
function seize(state: State, { book, shock, now }: { book: BookAccount; shock: Shock; now: bigint }): BookAccount {
  if (book.exposures.some(({ size }) => size !== 0n)) return book;
  let { cash } = book;
  for (const { amount, parameters } of book.holdings) {
    const price = book.exposures.find(({ asset }) => asset === parameters.asset)?.price.last ?? 0n;
    const paid = proceedsUp(amount, { price, settlementPrice: shock.stable });
    const insured = min(paid, state.insurance);
    state.insurance -= insured;
    state.poolLoss += paid - insured;
    cash += paid;
  }
  if (cash < 0n) bookDeficit(undefined, state, { amount: -cash, market: UNATTRIBUTED, now });
  return { exposures: [], holdings: [], cash: max(cash, 0n) };
}

/** Insurance pays up to the market's bucket, the pool the rest. */
function bookDeficit(
  rules: World["rules"] | undefined,
  state: State,
  { amount, market, now }: { amount: bigint; market: number; now: bigint },
): void {
  const cap = rules?.assets[market]?.trade.insuranceCap ?? rules?.money.unattributedCap ?? 0n;
  const { taken, bucket } = takeFromInsurance(amount, {
    bucket: state.buckets.get(market) ?? EMPTY_BUCKET,
    insurance: state.insurance,
    cap,
    now,
  });
  state.buckets.set(market, bucket);
  state.insurance -= taken;
  state.fromInsurance += taken;
  state.badDebt += amount;
  state.poolLoss += amount - taken;
}

/** The lender's liquidations draw on the same capital; its bad debt is a loss of the vault. */
function runLender(world: World, state: State, shock: Shock): void {
  const { lender, pool, prices } = world;
  const poolShare = max(0n, pool - state.poolLoss);
  const ethNow = state.prices.get("ETH") ?? 0n;
  const ethBefore = prices.get("ETH") ?? 1n;
  const lostBefore = state.lenderBadDebt;
  state.loans = state.loans.filter(({ debt, poolShares, eth }) => {
    const owed = mulDivUp(debt, shock.stable, WAD);
    const value =
      mulDivDown(mulDivDown(poolShares, poolShare, pool), shock.stable, WAD) + mulDivDown(eth, ethNow, ethBefore);
    if (owed * PPM <= value * lender.threshold) return true;
    const needed = min(owed, value);
    if (needed > state.capital && value >= owed) return true;
    const isBought = needed <= state.capital;
    if (isBought) state.capital -= needed;
    // Shares of our pool are paid out after its cooldown; ETH is sold at once.
    if (isBought && eth !== 0n) {
      state.recovering += needed;
      state.ethSold += needed;
    }
    state.lenderBadDebt += max(0n, owed - value);
    return false;
  });
  const lost = min(state.lenderBadDebt - lostBefore, lender.deposits);
  if (lost > 0n) state.rate -= min(state.rate, mulDivUp(state.rate, lost, lender.deposits));
}

/** What was sold moves the price of ETH; its proceeds are free again. */
function runMarket({ lender }: World, state: State): void {
  const eth = state.prices.get("ETH") ?? 0n;
  const units = eth === 0n ? 0n : mulDivDown(state.ethSold, WAD, eth);
  const impact = min(PPM / 2n, mulDivUp(units, PPM, lender.marketDepth));
  if (state.ethSold !== 0n) state.prices.set("ETH", mulDivDown(eth, PPM - impact, PPM));
  state.ethSold = 0n;
  state.capital += state.recovering;
  state.recovering = 0n;
}

function record(world: World, state: State, round: number): Round {
  const holders = new Set(world.members.filter(({ holdsShares }) => holdsShares).map(({ user }) => user));
  const hit = [...state.liquidated].filter((index) => !holders.has(world.members[index]?.user ?? -1));
  return {
    round,
    ethPrice: state.prices.get("ETH") ?? 0n,
    vaultRate: state.rate,
    poolShare: mulDivDown(max(0n, world.pool - state.poolLoss), PPM, world.pool),
    capital: state.capital,
    badDebt: state.badDebt,
    fromInsurance: state.fromInsurance,
    poolLoss: state.poolLoss,
    lenderBadDebt: state.lenderBadDebt,
    liquidatedMembers: state.liquidated.size,
    bystanders: hit.length,
    unhealthy: state.books.filter((book) => !isHealthy(book, world)).length,
  };
}

function isHealthy(book: BookAccount, { rules: { groups, globals } }: World): boolean {
  return isEmpty(book) || marginOf({ ...book, groups, globals, time: 0n }) > 0n;
}

function isEmpty({ exposures, holdings, cash }: BookAccount): boolean {
  return cash >= 0n && exposures.every(({ size }) => size === 0n) && holdings.every(({ amount }) => amount === 0n);
}

function fingerprint({
  prices,
  rate,
  capital,
  books,
  poolLoss,
  lenderBadDebt,
  insolventFor,
  liquidated: hit,
}: State): string {
  const cash = books.reduce((sum, book) => sum + book.cash, 0n);
  return [...prices.values(), rate, capital, cash, poolLoss, lenderBadDebt, insolventFor.join(","), hit.size].join("|");
}
