/**
 * How a token behaves, tried out without sending anything: an account that has none is given a balance by a state override,
 * and transfers from it run within one `eth_call`.
 */
import { AbiCoder, concat, Interface, keccak256, type Provider, toBeHex, ZeroHash, zeroPadValue } from "ethers";

import { refusalText } from "./contracts.ts";
import { runSequence, SequenceError, type SequenceCall, type SequenceResult } from "./sequence.ts";

export interface ProbeResult {
  /** Why it must not be listed. */
  readonly faults: readonly string[];
  /** What a reviewer should know. */
  readonly notes: readonly string[];
}

type Requests = Provider & { send?: (method: string, params: unknown[]) => Promise<unknown> };

const TOKEN = new Interface([
  "function balanceOf(address) view returns (uint256)",
  "function totalSupply() view returns (uint256)",
  "function transfer(address, uint256)",
  "function transferFrom(address, address, uint256)",
  "function approve(address, uint256)",
]);

/** Nobody's accounts. */
const SENDER = "0x00000000000000000000000000000000005e4de5";
const RECEIVER = "0x00000000000000000000000000000000004ece19";

/** Slots at which compilers put a mapping of balances. */
const SLOTS = 64;
/** ERC-7201 namespace of OpenZeppelin's upgradeable ERC-20. */
const OPENZEPPELIN_SLOT = "0x52c63247e1f47db19d5ce0460030c497f067ca4cebf71ba98eeadabe20bace00";
/** Solady's seed of its balance slots. */
const SOLADY_SEED = "0x000000000000000087a211a2";
/** EIP-1967. */
const IMPLEMENTATION_SLOT = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc";
/** Balances are told apart by what is beyond this. */
const MARK = 1n << 60n;
const YEAR = 365n * 86_400n;

/** Views of tokens whose balances are shares of something that grows or shrinks. */
const REBASING = [
  "sharesOf(address)",
  "scaledBalanceOf(address)",
  "scaledTotalSupply()",
  "getPooledEthByShares(uint256)",
  "rebasingCreditsPerToken()",
  "gonsBalanceOf(address)",
];
/** Views of tokens that their issuers can stop. */
const STOPPABLE = [
  "paused()",
  "isBlacklisted(address)",
  "isBlackListed(address)",
  "blacklister()",
  "isFrozen(address)",
];

/**
 * @param token With code. @param vault Where it will be held. @param holder An account that has some of it, for a token
 * whose balances are kept where nobody finds them. @param amount Token units that are moved.
 */
export async function probeToken(
  provider: Requests,
  {
    token,
    vault,
    holder,
    amount,
    blockTag,
    time,
  }: {
    token: string;
    vault: string;
    holder: string | undefined;
    amount: bigint;
    blockTag: number;
    time: bigint;
  },
): Promise<ProbeResult> {
  const faults: string[] = [];
  const notes: string[] = [];
  const run = async (
    from: string,
    calls: readonly SequenceCall[],
    more: { stateDiff?: Record<string, string>; time?: bigint } = {},
  ) =>
    runSequence(provider, {
      from,
      calls,
      blockTag,
      ...(more.stateDiff === undefined ? {} : { overrides: { [token]: { stateDiff: more.stateDiff } } }),
      ...(more.time === undefined ? {} : { time: more.time }),
    });
  const ask = (to: string, signature: string): SequenceCall => ({
    to,
    data: concat([keccak256(Buffer.from(signature)).slice(0, 10), zeroPadValue(SENDER, 32)]),
  });

  let slot: string | undefined;
  try {
    slot = holder === undefined ? await findBalance(run, token) : undefined;
  } catch (error) {
    if (!(error instanceof SequenceError)) throw error;
    return { faults: [`cannot be tried out: ${error.message}`], notes };
  }
  if (holder === undefined && slot === undefined) {
    const hint = "its balances are not kept as plain numbers, as those of tokens that rebase: try --holder";
    return { faults: [`cannot be tried out: ${hint}`], notes };
  }
  const from = holder ?? SENDER;
  const stateDiff = slot === undefined ? undefined : { [slot]: wordOf(4n * amount) };
  const moved = await tryTransfers(async (calls) => run(from, calls, stateDiff === undefined ? {} : { stateDiff }), {
    token,
    from,
    amount,
    vault,
  });
  faults.push(...moved.faults);
  notes.push(...moved.notes);

  const rebasing = await run(
    from,
    REBASING.map((view) => ask(token, view)),
  );
  for (const [index, { success, data }] of rebasing.entries()) {
    if (success && data.length >= 66) faults.push(`has ${String(REBASING[index])}: its balances change by themselves`);
  }
  const stoppable = await run(
    from,
    STOPPABLE.map((view) => ask(token, view)),
  );
  for (const [index, { success, data }] of stoppable.entries()) {
    if (success && data.length >= 66) notes.push(`has ${String(STOPPABLE[index])}: its issuer can stop transfers`);
  }
  if ((await provider.getStorage(token, IMPLEMENTATION_SLOT, blockTag)) !== ZeroHash) {
    notes.push("is a proxy: its issuer can replace its code");
  }
  const later = await balanceLater(
    async (at) =>
      run(from, [balanceOf(token, from)], {
        ...(stateDiff === undefined ? {} : { stateDiff }),
        ...(at === undefined ? {} : { time: at }),
      }),
    time + YEAR,
  );
  if (later === undefined) notes.push("was not tried at a later time: the endpoint cannot");
  else if (later.before !== later.after) {
    faults.push(`rebases: ${String(later.before)} are ${String(later.after)} a year later`);
  }
  return { faults, notes };
}

type Run = (
  from: string,
  calls: readonly SequenceCall[],
  more?: { stateDiff?: Record<string, string>; time?: bigint },
) => Promise<SequenceResult[]>;

/** The storage slot of the sender's balance: every candidate gets a number of its own, and the balance tells which it is. */
async function findBalance(run: Run, token: string): Promise<string | undefined> {
  const account = zeroPadValue(SENDER, 32);
  const slots = Array.from({ length: SLOTS }, (_, slot) => zeroPadValue(toBeHex(slot), 32));
  const candidates = [
    ...[...slots, OPENZEPPELIN_SLOT].map((slot) => keccak256(concat([account, slot]))),
    // Vyper hashes the other way round.
    ...slots.map((slot) => keccak256(concat([slot, account]))),
    keccak256(concat([SENDER, SOLADY_SEED])),
  ];
  const stateDiff = Object.fromEntries(candidates.map((key, index) => [key, wordOf(MARK + BigInt(index))]));
  const [balance] = await run(SENDER, [balanceOf(token, SENDER)], { stateDiff });
  const read = numberIn(balance);
  return read === undefined ? undefined : candidates[Number(read - MARK)];
}

interface Trial {
  readonly token: string;
  readonly from: string;
  readonly amount: bigint;
  readonly vault: string;
}

/** A transfer to somebody and to the vault, and one by allowance, each with the balances around it. */
async function tryTransfers(
  run: (calls: readonly SequenceCall[]) => Promise<SequenceResult[]>,
  { token, from, amount, vault }: Trial,
): Promise<ProbeResult> {
  const faults: string[] = [];
  const notes: string[] = [];
  const kinds = [
    { name: "transfer", receiver: RECEIVER, call: encode("transfer", [RECEIVER, amount]) },
    { name: "transfer to the vault", receiver: vault, call: encode("transfer", [vault, amount]) },
    { name: "transferFrom", receiver: vault, call: encode("transferFrom", [from, vault, amount]) },
  ];
  const calls = kinds.flatMap(({ receiver, call }) => [
    balanceOf(token, from),
    balanceOf(token, receiver),
    { to: token, data: encode("approve", [from, amount]) },
    { to: token, data: call },
    balanceOf(token, from),
    balanceOf(token, receiver),
    { to: token, data: encode("approve", [from, 0n]) },
  ]);
  const results = await run(calls);
  const perKind = calls.length / kinds.length;
  for (const [index, { name }] of kinds.entries()) {
    const at = (place: number): SequenceResult | undefined => results[index * perKind + place];
    const done = at(3);
    if (done?.success !== true) {
      faults.push(`refuses a ${name}: ${refusalText(done?.data ?? "0x")}`);
      continue;
    }
    if (done.data === "0x") notes.push(`returns nothing from a ${name}`);
    else if (numberIn(done) !== 1n) faults.push(`returns ${done.data} from a ${name}`);
    const [sent, received] = [difference(at(0), at(4)), difference(at(5), at(1))];
    if (received !== amount)
      faults.push(`delivers ${String(received)} of ${String(amount)} in a ${name}: it takes a fee`);
    if (sent !== amount) faults.push(`takes ${String(sent)} for ${String(amount)} in a ${name}: a surcharge`);
  }
  return { faults, notes: [...new Set(notes)] };
}

async function balanceLater(
  balanceAt: (time: bigint | undefined) => Promise<SequenceResult[]>,
  time: bigint,
): Promise<{ before: bigint; after: bigint } | undefined> {
  const [now] = await balanceAt(undefined);
  try {
    const [later] = await balanceAt(time);
    const [before, after] = [numberIn(now), numberIn(later)];
    return before === undefined || after === undefined ? undefined : { before, after };
  } catch (error) {
    if (error instanceof SequenceError) return undefined;
    throw error;
  }
}

function encode(method: string, args: readonly unknown[]): string {
  return TOKEN.encodeFunctionData(method, args);
}

function balanceOf(token: string, account: string): SequenceCall {
  return { to: token, data: encode("balanceOf", [account]) };
}

function numberIn(result: SequenceResult | undefined): bigint | undefined {
  if (result?.success !== true || result.data.length < 66) return undefined;
  return AbiCoder.defaultAbiCoder().decode(["uint256"], result.data)[0] as bigint;
}

function difference(from: SequenceResult | undefined, less: SequenceResult | undefined): bigint | undefined {
  const [a, b] = [numberIn(from), numberIn(less)];
  return a === undefined || b === undefined ? undefined : a - b;
}

function wordOf(value: bigint): string {
  return zeroPadValue(toBeHex(value), 32);
}
