/** Whether the code at the addresses of a deployment is what this tree builds. */
import type { ContractName } from "../deploy/addressBook.ts";
import { type Built, builtAs } from "./artifacts.ts";
import type { Gov } from "./gov.ts";

/** Names of contracts whose code is another's; immutables and linked libraries apart, which the audit compares by views. */
export async function findForeignCode({ provider, intent: { book }, at }: Gov): Promise<ContractName[]> {
  const names = Object.keys(book.contracts) as ContractName[];
  const found = await Promise.all(
    names.map(async (name) => {
      const built = builtAs(name);
      const code = await provider.getCode(book.contracts[name], at.blockTag);
      return masked(code, built) !== masked(built.deployedBytecode, built);
    }),
  );
  return names.filter((_, index) => found[index]);
}

/** With zeros where a deployment writes what only it knows. */
function masked(code: string, { immutableReferences = {}, deployedLinkReferences = {} }: Built): string {
  const digits = code.slice(2).split("");
  const links = Object.values(deployedLinkReferences).flatMap((library) => Object.values(library));
  for (const { start, length } of [...Object.values(immutableReferences), ...links].flat()) {
    digits.fill("0", 2 * start, 2 * (start + length));
  }
  return digits.join("").toLowerCase();
}
