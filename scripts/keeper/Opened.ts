/** What a start has opened so far: closed as a whole, the last first, whatever of it fails. */
import { messageOf } from "../deploy/PlimsollError.ts";
import type { Log } from "./log.ts";

export class Opened {
  readonly #log: Log;
  readonly #parts: { readonly name: string; readonly close: () => Promise<void> | void }[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  add(name: string, close: () => Promise<void> | void): void {
    this.#parts.push({ name, close });
  }

  /** Does not throw: what does not close is logged, and the rest is closed. */
  async close(): Promise<void> {
    for (let part = this.#parts.pop(); part !== undefined; part = this.#parts.pop()) {
      try {
        await part.close();
      } catch (error) {
        this.#log.warn("not closed", { part: part.name, reason: messageOf(error) });
      }
    }
  }
}
