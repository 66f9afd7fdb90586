/** One JSON-RPC endpoint over HTTP: what it answers, or why it has not. */
import { PlimsollError } from "../../deploy/PlimsollError.ts";

/** The endpoint did not answer in time, or not as JSON-RPC answers: another one may. */
export class EndpointError extends PlimsollError {}

/** An answer that is an error, in JSON-RPC's own form. */
export class RpcError extends PlimsollError {
  readonly code: number;
  readonly data: unknown;

  constructor({ code, message, data }: { code: number; message: string; data?: unknown }) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

export interface Endpoint {
  /** For logs and metrics: never a credential. */
  readonly name: string;
  /** Throws an EndpointError or an RpcError. */
  request(method: string, params: unknown): Promise<unknown>;
}

/** More than any answer that is asked for: a body without end must not fill the memory. */
const MAX_BYTES = 256 * 1_024 * 1_024;

/** Requests at once: more of them than a node works on only wait there, until it looks as if it did not answer. */
const WIDTH = 32;
/** What everything else waits for does not wait behind it. */
const AT_ONCE: ReadonlySet<string> = new Set(["eth_sendRawTransaction", "eth_getBlockByNumber"]);

/** @param timeoutMs For one request, its body included, from when it is sent. @param width Requests at once. */
export function httpEndpoint(
  url: string,
  { timeoutMs, width = WIDTH }: { timeoutMs: number; width?: number },
): Endpoint {
  const { address, name, headers } = partsOf(url);
  const queue = new Queue(width);
  let asked = 0;
  return {
    name,
    request: async (method, params) => {
      // Of its own: many are asked at once.
      const id = ++asked;
      const body = JSON.stringify({ jsonrpc: "2.0", id, method, params });
      const ask = async () => post(address, { body, headers, timeoutMs, name });
      const { status, text } = await (AT_ONCE.has(method) ? ask() : queue.run(ask));
      return resultOf(text, { id, status, name });
    },
  };
}

/** Runs so many tasks at once, in the order in which they come. One that fails takes those behind it along: an endpoint
 * that does not answer would otherwise keep each of them waiting for as long. */
class Queue {
  readonly #width: number;
  readonly #waiting: { readonly start: () => void; readonly fail: (error: unknown) => void }[] = [];
  #running = 0;

  constructor(width: number) {
    this.#width = width;
  }

  async run<Value>(task: () => Promise<Value>): Promise<Value> {
    if (this.#running >= this.#width) {
      // Whoever ends passes its place on.
      await new Promise<void>((start, fail) => this.#waiting.push({ start, fail }));
    } else {
      this.#running += 1;
    }
    try {
      return await task();
    } catch (error) {
      for (const { fail } of this.#waiting.splice(0)) fail(error);
      throw error;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next.start();
    }
  }
}

/** `fetch` refuses credentials in a URL: they become a header. */
function partsOf(url: string) {
  const address = new URL(url);
  const { username, password, host } = address;
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (username !== "" || password !== "") {
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    headers["authorization"] = `Basic ${Buffer.from(credentials).toString("base64")}`;
    address.username = "";
    address.password = "";
  }
  return { address, name: host, headers };
}

async function post(
  address: URL,
  options: { body: string; headers: Readonly<Record<string, string>>; timeoutMs: number; name: string },
): Promise<{ status: number; text: string }> {
  const { body, headers, timeoutMs, name } = options;
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    // A redirect could carry credentials to somebody else.
    const response = await fetch(address, { method: "POST", body, headers: { ...headers }, signal, redirect: "error" });
    return { status: response.status, text: await textOf(response, name) };
  } catch (cause) {
    if (cause instanceof EndpointError) throw cause;
    const late = cause instanceof Error && cause.name === "TimeoutError";
    throw new EndpointError(`${name} ${late ? `gave no answer in ${timeoutMs} ms` : "cannot be reached"}`, { cause });
  }
}

async function textOf(response: Response, name: string): Promise<string> {
  if (response.body === null) return "";
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > MAX_BYTES) throw new EndpointError(`${name} answers more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function resultOf(text: string, { id, status, name }: { id: number; status: number; name: string }): unknown {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch (cause) {
    throw new EndpointError(`${name} answers status ${status} without JSON`, { cause });
  }
  if (typeof answer !== "object" || answer === null) throw new EndpointError(`${name} answers no JSON-RPC`);
  const { error, result, id: answered } = answer as { error?: unknown; result?: unknown; id?: unknown };
  if (error !== undefined && error !== null) {
    const { code, message, data } = error as { code?: unknown; message?: unknown; data?: unknown };
    // Too many requests, or none allowed: said with the status, whatever stands in the body.
    const refused = status === 429 || status === 401 || status === 403 || status >= 500;
    if (typeof code !== "number" || typeof message !== "string" || (refused && data === undefined)) {
      throw new EndpointError(`${name} answers status ${status} with an error: ${JSON.stringify(error).slice(0, 200)}`);
    }
    throw new RpcError({ code, message, data });
  }
  if (status < 200 || status > 299) throw new EndpointError(`${name} answers status ${status}`);
  if (answered !== id || result === undefined) throw new EndpointError(`${name} answers another question`);
  return result;
}
