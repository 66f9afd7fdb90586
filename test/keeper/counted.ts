import type { Provider } from "ethers";

import { ethers } from "../fixture.ts";

const REQUESTS: ReadonlySet<unknown> = new Set(["call", "estimateGas", "getBlock", "getLogs"]);

/** A provider, and what it was asked. */
export function counted() {
  const asked: string[] = [];
  const provider = new Proxy(ethers.provider, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        if (REQUESTS.has(name)) asked.push(String(name));
        return Reflect.apply(value, target, args);
      };
    },
  }) as Provider;
  return { provider, asked };
}
