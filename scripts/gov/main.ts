/** `npm run gov`: see `USAGE` in `config.ts`. Exit codes: `EXIT` in `errors.ts`. */
import { writeFileSync } from "node:fs";

import type { JsonRpcProvider } from "ethers";

import { runCommand } from "../command.ts";
import { connect, UnreachableError } from "../deploy/endpoint.ts";
import { readAudit, renderAudit } from "./audit.ts";
import type { Call } from "./authority.ts";
import { parseCall } from "./calls.ts";
import { type Config, parseConfig, USAGE } from "./config.ts";
import {
  EXIT,
  type ExitCode,
  NothingToDoError,
  NotReadyError,
  RefusedError,
  UnauthorizedError,
  WrongChainError,
} from "./errors.ts";
import { type Gov, openGov } from "./gov.ts";
import { makeListing, renderListing } from "./list.ts";
import { cancel, check, execute, propose, type Transaction } from "./operations.ts";
import { makePlan, type Plan, simulate } from "./plan.ts";
import { headerOf, planToJson, renderPlan, toJson } from "./render.ts";
import { safeBatch } from "./safe.ts";
import { sendAll } from "./send.ts";
import { readStatus, renderStatus } from "./status.ts";

async function main(argv: readonly string[]): Promise<ExitCode> {
  const config = await parseConfig(argv, process.env);
  const provider = await connect(config.rpc);
  try {
    return await run(await openGov(provider, config), provider, config);
  } finally {
    provider.destroy();
  }
}

async function run(gov: Gov, provider: JsonRpcProvider, config: Config): Promise<ExitCode> {
  const { command, json, from, only } = config;
  switch (command) {
    case "plan": {
      const plan = await makePlan(gov, { caller: from, only });
      console.log(json ? planToJson(gov, plan) : renderPlan(gov, plan));
      return plan.unreachable.length > 0 || isRefused(plan) ? EXIT.refused : EXIT.ok;
    }
    case "status": {
      const status = await readStatus(gov);
      console.log(json ? toJson(status) : renderStatus(gov, status));
      return EXIT.ok;
    }
    case "audit": {
      const audit = await readAudit(gov);
      console.log(json ? toJson({ asTheFileSays: audit.findings.length === 0, ...audit }) : renderAudit(gov, audit));
      return audit.findings.length === 0 ? EXIT.ok : EXIT.attention;
    }
    case "propose":
      return act(gov, provider, config, await proposed(gov, config));
    case "list": {
      const listing = await makeListing(gov, config);
      if (!json) console.log(renderListing(gov, listing));
      if (listing.faults.length > 0) {
        if (json) console.log(toJson(listing));
        return EXIT.attention;
      }
      return act(gov, provider, config, await schedule(gov, config, listing.calls));
    }
    case "execute":
      return act(gov, provider, config, await execute(gov, { selection: selectionOf(config), caller: from }));
    case "cancel":
      return act(gov, provider, config, await cancel(gov, { selection: selectionOf(config), caller: from }));
  }
}

function isRefused({ calls }: Plan): boolean {
  return calls.some(({ refusal, access }) => refusal !== undefined || !access.holds);
}

function selectionOf({ all, operations }: Config): { all: true } | { ids: readonly string[] } {
  return all ? { all } : { ids: operations };
}

/** The transactions that schedule the file's changes, or one call that is named. */
async function proposed(gov: Gov, config: Config): Promise<Transaction[]> {
  const { call, only, from, json } = config;
  if (call !== undefined) return schedule(gov, config, [parseCall(gov, call)]);
  const plan = await makePlan(gov, { caller: from, only });
  if (!json) console.log(renderPlan(gov, plan));
  if (plan.unreachable.length > 0) {
    const paths = plan.unreachable.flatMap(({ fields }) => fields.map(({ field }) => field.path));
    throw new RefusedError(`no call changes ${paths.join(", ")} (--only leaves them out)`);
  }
  return schedule(
    gov,
    config,
    plan.calls.map((planned) => planned.call),
  );
}

async function schedule(gov: Gov, config: Config, calls: readonly Call[]): Promise<Transaction[]> {
  const { refusals } = await simulate(gov, calls);
  const heeded = config.allowRefused ? calls.map(() => undefined) : refusals;
  const { transactions, skipped } = await propose(gov, {
    calls,
    caller: config.from,
    when: config.when,
    refusals: heeded,
  });
  await check(gov, config.from, transactions);
  if (!config.json) for (const line of skipped) console.log(`left out: ${line}`);
  return [...transactions];
}

/** Sends, writes a file, or says what would be sent. */
async function act(
  gov: Gov,
  provider: JsonRpcProvider,
  { send, safe, key, from, json, command }: Config,
  transactions: readonly Transaction[],
): Promise<ExitCode> {
  const sent: { readonly hash: string; readonly description: string }[] = [];
  if (send && key !== undefined) {
    await sendAll(provider, key, transactions, ({ description }, hash) => {
      sent.push({ hash, description });
      if (!json) console.log(`${hash} ${description}`);
    });
  } else if (safe !== undefined) {
    const name = `Plimsoll: ${command}, ${gov.intent.parameters.file.replace(/^.*\//, "")}`;
    const { chainId } = gov.intent.book;
    const batch = safeBatch({ name, chainId, safe: from, createdAt: Date.now(), transactions });
    writeFileSync(safe, `${JSON.stringify(batch, null, 2)}\n`);
  }
  if (json) console.log(toJson({ from, sent: sent.length > 0, transactions, hashes: sent.map(({ hash }) => hash) }));
  else if (!send) console.log(renderTransactions(gov, transactions, safe));
  return EXIT.ok;
}

function renderTransactions(gov: Gov, transactions: readonly Transaction[], safe: string | undefined): string {
  const lines = transactions.map(
    ({ to, data, description }, index) => `${String(index + 1)}. ${description}\n   to ${to}\n   data ${data}`,
  );
  const verdict = safe === undefined ? "dry run: nothing is sent without --send" : `written to ${safe}`;
  return [headerOf(gov), ...lines, verdict].join("\n\n");
}

await runCommand({
  main: async () => main(process.argv.slice(2)),
  usage: USAGE,
  exit: EXIT,
  codes: [
    [WrongChainError, EXIT.wrongChain],
    [UnreachableError, EXIT.unreachable],
    [NothingToDoError, EXIT.nothingToDo],
    [NotReadyError, EXIT.notReady],
    [UnauthorizedError, EXIT.unauthorized],
    [RefusedError, EXIT.refused],
  ],
});
