/** What commands that read a chain and judge it have in common: how they end. */
import { messageOf, PlimsollError } from "./deploy/PlimsollError.ts";

export interface CommandOptions {
  /** @returns The exit code. */
  readonly main: () => Promise<number>;
  /** Shown after an error of this class: what was asked for is not understood. */
  readonly usage: { readonly text: string; readonly after: new (message: string) => PlimsollError };
  /** Of errors, by class; the first that fits. */
  readonly codes: readonly (readonly [new (message: string) => PlimsollError, number])[];
  readonly unexpected: number;
}

/** Runs a command and sets the exit code of the process. The unexpected is shown with where it came from. */
export async function runCommand({ main, usage, codes, unexpected }: CommandOptions): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(messageOf(error));
    if (error instanceof usage.after) console.error(usage.text);
    if (!(error instanceof PlimsollError)) console.error(error);
    process.exitCode = codes.find(([Kind]) => error instanceof Kind)?.[1] ?? unexpected;
  }
}
