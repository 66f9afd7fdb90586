/** The highest nonce that was sent, over the end of the process: no endpoint shows what waits at a private relay. */
import { readFileSync, renameSync, writeFileSync } from "node:fs";

import { messageOf, PlimsollError } from "../../deploy/PlimsollError.ts";

/** It cannot be kept: nothing is sent then. */
export class SentNonceError extends PlimsollError {}

export interface SentNonce {
  /** Undefined where it is not known. */
  readonly last: number | undefined;
  /** Before the transaction is signed. Throws a SentNonceError. */
  keep(nonce: number): void;
}

/** @param file Undefined: nothing is kept. A file that is not there, or of another signer, says nothing. */
export function sentNonceIn(
  file: string | undefined,
  { chainId, address }: { readonly chainId: bigint; readonly address: string },
): SentNonce {
  const signer = `${String(chainId)} ${address}`;
  let last = file === undefined ? undefined : read(file, signer);
  return {
    get last() {
      return last;
    },
    keep: (nonce) => {
      if (file === undefined || (last !== undefined && nonce <= last)) return;
      try {
        // Whole or not at all, and on the disk.
        writeFileSync(`${file}.new`, JSON.stringify({ signer, nonce }), { flush: true });
        renameSync(`${file}.new`, file);
      } catch (cause) {
        throw new SentNonceError(`cannot keep nonce ${nonce} in ${file}: ${messageOf(cause)}`, { cause });
      }
      last = nonce;
    },
  };
}

function read(file: string, signer: string): number | undefined {
  try {
    const kept = JSON.parse(readFileSync(file, "utf8")) as { signer?: unknown; nonce?: unknown } | null;
    return kept?.signer === signer && Number.isSafeInteger(kept.nonce) ? (kept.nonce as number) : undefined;
  } catch {
    return undefined;
  }
}
