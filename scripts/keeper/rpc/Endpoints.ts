/** Several JSON-RPC endpoints as one provider: the head by quorum, reads with failover, transactions to all. */
import {
  JsonRpcApiProvider,
  type JsonRpcError,
  type JsonRpcPayload,
  type JsonRpcResult,
  keccak256,
  Network,
} from "ethers";

import { messageOf, PlimsollError } from "../../deploy/PlimsollError.ts";
import type { BlockRef } from "../index/entries.ts";
import { mostTelling } from "../send/classify.ts";
import { blockOf, isOfChain, isWellFormed, mayBeElsewhere } from "./answers.ts";
import { type Endpoint, EndpointError, RpcError } from "./endpoint.ts";
import { pinned } from "./pinned.ts";
import { agree, type Vote } from "./quorum.ts";

/** No endpoint has answered; `cause` is the last failure. Worth trying again. */
export class EndpointsError extends PlimsollError {}

/** Endpoints answer, but no majority of them has the same block. Worth trying again. */
export class QuorumError extends PlimsollError {}

export interface EndpointsOptions {
  readonly endpoints: readonly Endpoint[];
  readonly chainId: bigint;
  /** Takes the transactions in place of all endpoints. */
  readonly relay?: Endpoint | undefined;
  /** Blocks that an endpoint may be behind and still count for the quorum. */
  readonly maxLag?: number;
  readonly now?: () => number;
}

/** As of the last question for the head. */
export interface Standing {
  readonly configured: number;
  readonly reachable: number;
  readonly agreeing: number;
  readonly lagging: readonly string[];
  readonly disagreeing: readonly string[];
  /** Whether more than half of those configured agree on the head. */
  readonly quorum: boolean;
}

interface State {
  readonly endpoint: Endpoint;
  failures: number;
  /** Left alone until then, milliseconds. */
  retryAt: number;
  latencyMs: number;
  /** Has the block of the last agreement. */
  agrees: boolean;
  /** Has another in its place: nothing is read there. */
  outvoted: boolean;
}

const MAX_LAG = 5;
const FORK_DEPTH = 64;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;
/** Weight of a new latency in the running mean. */
const SMOOTHING = 0.2;

export class Endpoints extends JsonRpcApiProvider {
  readonly #states: readonly State[];
  readonly #relay: Endpoint | undefined;
  readonly #maxLag: number;
  readonly #now: () => number;
  #standing: Standing;
  /** Failures of endpoints so far, by their names. */
  readonly failures = new Map<string, number>();

  constructor({ endpoints, chainId, relay, maxLag = MAX_LAG, now = Date.now }: EndpointsOptions) {
    const network = Network.from(chainId);
    // One request for each call: the failure of an endpoint costs one answer. Nothing is kept: a block may change.
    super(network, { staticNetwork: network, batchMaxCount: 1, cacheTimeout: -1 });
    if (endpoints.length === 0) throw new PlimsollError("no endpoint");
    const fresh = { failures: 0, retryAt: 0, latencyMs: 0, agrees: true, outvoted: false };
    this.#states = endpoints.map((endpoint) => ({ endpoint: pinned(endpoint, chainId), ...fresh }));
    this.#relay = relay;
    this.#maxLag = maxLag;
    this.#now = now;
    this.#standing = {
      configured: endpoints.length,
      reachable: 0,
      agreeing: 0,
      lagging: [],
      disagreeing: [],
      quorum: false,
    };
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** The highest block that a majority of the reachable endpoints has. Throws an EndpointsError or a QuorumError. */
  async head(): Promise<BlockRef> {
    const available = this.#states.filter(({ retryAt }) => retryAt <= this.#now());
    const asked = available.length > 0 ? available : this.#states;
    let failure: unknown;
    const votes: Vote[] = [];
    await Promise.all(
      asked.map(async (state) => {
        try {
          const head = await this.#blockOf(state, "latest");
          if (head === undefined) throw new EndpointError(`${state.endpoint.name} has no latest block`);
          votes.push({ voter: this.#states.indexOf(state), head });
        } catch (error) {
          failure = error;
        }
      }),
    );
    votes.sort((a, b) => a.voter - b.voter);
    const blockAt = async (voter: number, number: number): Promise<BlockRef | undefined> => {
      const state = this.#states[voter];
      return state && this.#blockOf(state, `0x${number.toString(16)}`).catch(() => undefined);
    };
    const agreement = await agree(votes, blockAt, { maxLag: this.#maxLag, depth: FORK_DEPTH });
    const names = (places: readonly number[]): string[] =>
      places.map((place) => this.#states[place]?.endpoint.name ?? "");
    const configured = this.#states.length;
    const agreeing = agreement?.agreeing.length ?? 0;
    this.#standing = {
      configured,
      reachable: votes.length,
      agreeing,
      lagging: names(agreement?.lagging ?? []),
      disagreeing: names(agreement?.disagreeing ?? []),
      quorum: agreeing * 2 > configured,
    };
    if (votes.length === 0) throw new EndpointsError("no endpoint answers", { cause: failure });
    if (agreement === undefined) throw new QuorumError(`${votes.length} endpoints agree on no block`);
    for (const [place, state] of this.#states.entries()) {
      state.agrees = agreement.agreeing.includes(place);
      state.outvoted = agreement.disagreeing.includes(place);
    }
    return agreement.head;
  }

  override async send(method: string, params: unknown[] | Record<string, unknown>): Promise<unknown> {
    this._start();
    return super.send(method, params) as Promise<unknown>;
  }

  override async _send(payload: JsonRpcPayload | JsonRpcPayload[]): Promise<(JsonRpcResult | JsonRpcError)[]> {
    const payloads = Array.isArray(payload) ? payload : [payload];
    return Promise.all(
      payloads.map(async ({ id, method, params }) => {
        try {
          if (method !== "eth_sendRawTransaction") return { id, result: await this.#read(method, params) };
          const [raw] = params as readonly [string];
          return { id, result: await this.#broadcast(raw, this.#takers) };
        } catch (error) {
          if (!(error instanceof RpcError)) throw error;
          const { code, message, data } = error;
          return { id, error: data === undefined ? { code, message } : { code, message, data } };
        }
      }),
    );
  }

  // ---------------------------------------------------------------- reads

  /** The first answer that the chain gives. */
  async #read(method: string, params: unknown): Promise<unknown> {
    let failure: unknown;
    let refusal: RpcError | undefined;
    let absent = false;
    for (const state of this.#inOrder()) {
      try {
        const result = await this.#ask(state, method, params);
        if (result !== null || !mayBeElsewhere(method)) return result;
        absent = true;
      } catch (error) {
        if (error instanceof RpcError && isOfChain(method, error)) throw error;
        if (error instanceof RpcError) refusal = error;
        failure = error;
      }
    }
    if (absent) return null;
    // To whoever has called, an error of these two is a revert: an endpoint's must not look like one.
    const asksChain = method === "eth_call" || method === "eth_estimateGas";
    if (refusal !== undefined && !asksChain) throw refusal;
    throw new EndpointsError(`no endpoint answers ${method}: ${messageOf(failure)}`, { cause: failure });
  }

  /** Best first: those with the agreed block, then by speed; those that have failed lately last. */
  #inOrder(): State[] {
    const now = this.#now();
    const rank = (state: State): number => (state.retryAt > now ? 2 : 0) + (state.agrees ? 0 : 1);
    const trusted = this.#states.filter(({ outvoted }) => !outvoted);
    return trusted.sort((a, b) => rank(a) - rank(b) || a.latencyMs - b.latencyMs);
  }

  async #ask(state: State, method: string, params: unknown): Promise<unknown> {
    const { endpoint } = state;
    const begun = this.#now();
    try {
      const result = await endpoint.request(method, params);
      if (!isWellFormed(method, result)) throw new EndpointError(`${endpoint.name} answers ${method} malformed`);
      this.#succeed(state, this.#now() - begun);
      return result;
    } catch (error) {
      if (error instanceof RpcError) this.#succeed(state, this.#now() - begun);
      else this.#fail(state);
      throw error;
    }
  }

  async #blockOf(state: State, tag: string): Promise<BlockRef | undefined> {
    return blockOf(await this.#ask(state, "eth_getBlockByNumber", [tag, false]));
  }

  #succeed(state: State, latencyMs: number): void {
    state.failures = 0;
    state.retryAt = 0;
    state.latencyMs += SMOOTHING * (latencyMs - state.latencyMs);
  }

  #fail(state: State): void {
    const { name } = state.endpoint;
    this.failures.set(name, (this.failures.get(name) ?? 0) + 1);
    state.failures += 1;
    state.retryAt = this.#now() + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (state.failures - 1));
  }

  // ---------------------------------------------------------------- transactions

  /** To the relay and to all endpoints: for what is no secret. Throws an RpcError or an EndpointsError. */
  async broadcastOpenly(raw: string): Promise<void> {
    const open = this.#states.map(({ endpoint }) => endpoint);
    await this.#broadcast(raw, this.#relay === undefined ? open : [this.#relay, ...open]);
  }

  /**
   * The hash as soon as one has taken it. Where none has, the error that tells most is thrown: a node's refusal for good
   * says nothing as long as another may have taken it, its answer lost.
   */
  async #broadcast(raw: string, takers: readonly Endpoint[]): Promise<string> {
    try {
      await Promise.any(
        takers.map(async (taker) => {
          const result = await taker.request("eth_sendRawTransaction", [raw]);
          if (!isWellFormed("eth_sendRawTransaction", result)) {
            throw new EndpointError(`${taker.name} answers eth_sendRawTransaction malformed`);
          }
        }),
      );
      return keccak256(raw);
    } catch (cause) {
      const error = mostTelling((cause as AggregateError).errors as readonly unknown[]);
      if (error instanceof RpcError) throw error;
      throw new EndpointsError(`no endpoint takes the transaction: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Where a transaction goes that is not said to be open. */
  get #takers(): readonly Endpoint[] {
    return this.#relay === undefined ? this.#states.map(({ endpoint }) => endpoint) : [this.#relay];
  }
}
