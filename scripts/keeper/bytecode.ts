/** Whether code on a chain is what this tree builds, but for what only a deployment knows. */
import { getAddress } from "ethers";

import type { Built } from "../gov/artifacts.ts";

/** Immutables, libraries, the address that a library has pushed of itself, and the trailing metadata do not count. */
export function isBuiltAs(code: string, built: Built): boolean {
  return codeOnly(code, built) === codeOnly(built.deployedBytecode, built);
}

/** Addresses that the code is linked with, by the library's name. */
export function linksIn(code: string, { deployedLinkReferences = {} }: Built): (readonly [string, string])[] {
  return Object.values(deployedLinkReferences).flatMap((file) =>
    Object.entries(file).flatMap(([library, places]) =>
      places.map(({ start, length }) => {
        const digits = code.slice(2 + 2 * start, 2 + 2 * (start + length));
        return [library, getAddress(`0x${digits.toLowerCase()}`)] as const;
      }),
    ),
  );
}

function codeOnly(code: string, { deployedBytecode, immutableReferences = {}, deployedLinkReferences = {} }: Built) {
  const digits = code.slice(2).toLowerCase().split("");
  const links = Object.values(deployedLinkReferences).flatMap((file) => Object.values(file));
  const own = LIBRARY.test(deployedBytecode) ? [{ start: 1, length: 20 }] : [];
  for (const { start, length } of [...Object.values(immutableReferences), ...links, own].flat()) {
    digits.fill("0", 2 * start, Math.min(digits.length, 2 * (start + length)));
  }
  return withoutMetadata(digits.join(""));
}

/** PUSH20 of zero, ADDRESS, EQ: refuses calls that are not by delegation. */
const LIBRARY = /^0x730{40}3014/;

/** The compiler ends code with a CBOR map, of the sources' hash and its own version, and the map's length in two bytes. */
function withoutMetadata(digits: string): string {
  const end = digits.length - 4 - 2 * parseInt(digits.slice(-4), 16);
  return end >= 0 && /^a[1-4]/.test(digits.slice(end)) ? digits.slice(0, end) : digits;
}
