/**
 * A JSON-RPC endpoint between a keeper and the node that goes wrong on demand. What it breaks is what operators of nodes
 * and of load balancers break: answers that never come, that are no answers, that are late, or that are lost.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

import { lagging, type RpcAnswer, type RpcCall, trim } from "./lag.ts";

export type Mode =
  | { readonly kind: "pass" }
  /** Requests are taken and never answered. */
  | { readonly kind: "hang" }
  /** HTTP errors, JSON-RPC errors, garbage and broken connections, in turn. */
  | { readonly kind: "errors" }
  /** Answers as a node that is so many blocks behind. */
  | { readonly kind: "lag"; readonly blocks: number }
  /** Transactions reach the node, but the answer is lost. Everything else passes. */
  | { readonly kind: "dropAfterBroadcast" };

export interface Heard {
  /** A signed transaction has arrived. @param at `performance.now()` before the node has seen it. */
  broadcast(raw: string, at: number): void;
  /** An answer has told the keeper of this block. */
  head?(block: number, at: number): void;
}

export interface ProxyOptions {
  readonly target: string;
  /** Number of the node's latest block. */
  readonly head: () => number;
  readonly heard: Heard;
}

export class FaultProxy {
  readonly url: string;
  /** Requests, and how many of them went wrong by each mode. */
  readonly counts = { requests: 0, hang: 0, errors: 0, lag: 0, dropAfterBroadcast: 0 };
  readonly #options: ProxyOptions;
  readonly #server: Server;
  readonly #hanging = new Set<ServerResponse>();
  #mode: Mode = { kind: "pass" };
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => undefined;
  #busy = 0;
  #turn = 0;

  private constructor(options: ProxyOptions, server: Server, port: number) {
    this.#options = options;
    this.#server = server;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(options: ProxyOptions): Promise<FaultProxy> {
    const server = createServer({ keepAliveTimeout: 60_000 });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", resolve);
    });
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("a server without a port");
    const proxy = new FaultProxy(options, server, address.port);
    server.on("request", (request, response) => {
      proxy.#take(request, response).catch(() => {
        // The node is gone, or the keeper is: either way this answer is not to be had.
        response.destroy();
      });
    });
    return proxy;
  }

  get mode(): Mode {
    return this.#mode;
  }

  /** What hangs is cut off when the mode ends. */
  set mode(mode: Mode) {
    this.#mode = mode;
    for (const response of this.#hanging) response.destroy();
    this.#hanging.clear();
  }

  /** Holds requests back from the node, and waits for those that are with it. */
  async pause(): Promise<void> {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
    while (this.#busy > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  resume(): void {
    this.#open();
    this.#gate = Promise.resolve();
  }

  async close(): Promise<void> {
    this.mode = { kind: "pass" };
    this.resume();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await textOf(request);
    this.counts.requests += 1;
    const body = JSON.parse(text) as RpcCall | readonly RpcCall[];
    const calls = Array.isArray(body) ? (body as readonly RpcCall[]) : [body as RpcCall];
    const mode = this.#mode;
    if (mode.kind === "hang") {
      this.counts.hang += 1;
      this.#hanging.add(response);
      return;
    }
    if (mode.kind === "errors") {
      this.counts.errors += 1;
      spoil(response, calls, this.#turn++);
      return;
    }
    const raws = calls.flatMap((call) => (call.method === "eth_sendRawTransaction" ? [String(call.params?.[0])] : []));
    await this.#gate;
    this.#busy += 1;
    try {
      const now = performance.now();
      for (const raw of raws) this.#options.heard.broadcast(raw, now);
      const answer = mode.kind === "lag" ? await this.#late(calls, mode.blocks, body) : await this.#ask(text);
      if (mode.kind === "dropAfterBroadcast" && raws.length > 0) {
        this.counts.dropAfterBroadcast += 1;
        response.destroy();
        return;
      }
      this.#tellOfHead(calls, answer);
      reply(response, { status: 200, text: answer });
    } finally {
      this.#busy -= 1;
    }
  }

  async #ask(text: string): Promise<string> {
    const response = await fetch(this.#options.target, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: text,
    });
    return response.text();
  }

  /** As a node would answer that has not got the last blocks yet. */
  async #late(calls: readonly RpcCall[], blocks: number, body: unknown): Promise<string> {
    const head = Math.max(0, this.#options.head() - blocks);
    const found = await Promise.all(
      calls.map(async (call): Promise<{ answer: RpcAnswer; isOld: boolean }> => {
        const outcome = lagging(call, head);
        if ("answer" in outcome) return { answer: { jsonrpc: "2.0", id: call.id, ...outcome.answer }, isOld: true };
        const told = JSON.parse(await this.#ask(JSON.stringify(outcome.call))) as RpcAnswer;
        const answer = trim(call, told, head);
        return { answer, isOld: outcome.call !== call || answer !== told };
      }),
    );
    if (found.some(({ isOld }) => isOld)) this.counts.lag += 1;
    const answers = found.map(({ answer }) => answer);
    return JSON.stringify(Array.isArray(body) ? answers : answers[0]);
  }

  #tellOfHead(calls: readonly RpcCall[], answer: string): void {
    const { heard } = this.#options;
    if (heard.head === undefined || !calls.some(({ method }) => HEAD_METHODS.has(method))) return;
    const at = performance.now();
    const parsed = JSON.parse(answer) as RpcAnswer | readonly RpcAnswer[];
    const answers = Array.isArray(parsed) ? (parsed as readonly RpcAnswer[]) : [parsed as RpcAnswer];
    for (const { id, result } of answers) {
      const call = calls.find((asked) => asked.id === id);
      if (call === undefined || !HEAD_METHODS.has(call.method)) continue;
      const number = typeof result === "string" ? result : (result as { number?: string } | null)?.number;
      if (number !== undefined) heard.head(Number(number), at);
    }
  }
}

const HEAD_METHODS = new Set(["eth_blockNumber", "eth_getBlockByNumber"]);

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("utf8");
}

function reply(response: ServerResponse, { status, text }: { status: number; text: string }): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(text);
}

/** One of the ways in which an endpoint fails. */
function spoil(response: ServerResponse, calls: readonly RpcCall[], turn: number): void {
  const id = calls[0]?.id ?? null;
  const answers: readonly (() => void)[] = [
    () => {
      reply(response, { status: 503, text: "upstream connect error" });
    },
    () => {
      reply(response, { status: 429, text: "too many requests" });
    },
    () => {
      const error = { code: -32603, message: "internal error" };
      reply(response, { status: 200, text: JSON.stringify({ jsonrpc: "2.0", id, error }) });
    },
    () => {
      reply(response, { status: 200, text: "<html><body>Bad gateway</body></html>" });
    },
    () => {
      reply(response, { status: 200, text: '{"jsonrpc":"2.0","id":1,"resu' });
    },
    () => {
      reply(response, { status: 200, text: JSON.stringify({ jsonrpc: "2.0", id }) });
    },
    () => {
      reply(response, { status: 200, text: JSON.stringify({ jsonrpc: "2.0", id: "another", result: "0x1" }) });
    },
    () => {
      response.destroy();
    },
  ];
  answers[turn % answers.length]?.();
}
