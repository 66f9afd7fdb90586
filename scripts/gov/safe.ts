/**
 * A file that Safe's Transaction Builder takes in: format and checksum as in its repository, safe-global/safe-react-apps,
 * apps/tx-builder/src/typings/models.ts and src/lib/checksum.ts.
 */
import { id } from "ethers";

import type { Transaction } from "./operations.ts";

export interface SafeBatch {
  readonly version: "1.0";
  readonly chainId: string;
  /** Milliseconds. */
  readonly createdAt: number;
  readonly meta: {
    readonly name: string;
    readonly description: string;
    readonly txBuilderVersion: string;
    readonly createdFromSafeAddress: string;
    readonly createdFromOwnerAddress: string;
    readonly checksum?: string;
  };
  readonly transactions: readonly {
    readonly to: string;
    readonly value: string;
    readonly data: string;
    readonly contractMethod: null;
    readonly contractInputsValues: null;
  }[];
}

/** The version of the builder whose format this is. */
const BUILDER = "1.18.2";

/** @param createdAt Milliseconds. */
export function safeBatch({
  name,
  chainId,
  safe,
  createdAt,
  transactions,
}: {
  name: string;
  chainId: bigint;
  safe: string;
  createdAt: number;
  transactions: readonly Transaction[];
}): SafeBatch {
  const batch: SafeBatch = {
    version: "1.0",
    chainId: String(chainId),
    createdAt,
    meta: {
      name,
      description: transactions.map(({ description }) => description).join("\n"),
      txBuilderVersion: BUILDER,
      createdFromSafeAddress: safe,
      createdFromOwnerAddress: "",
    },
    transactions: transactions.map(({ to, data }) => ({
      to,
      value: "0",
      data,
      contractMethod: null,
      contractInputsValues: null,
    })),
  };
  return { ...batch, meta: { ...batch.meta, checksum: checksumOf(batch) } };
}

/** Over everything but the name. The builder checks a file without the checksum that is in it. */
export function checksumOf(batch: { readonly meta: object }): string {
  return id(canonical({ ...batch, meta: { ...batch.meta, name: null } }));
}

/** Keys in order before the values; what is undefined as null. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value ?? null);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  const keys = JSON.stringify(entries.map(([key]) => key));
  return `{${keys}${entries.map(([, entry]) => `${canonical(entry)},`).join("")}}`;
}
