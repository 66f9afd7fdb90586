/** What a keeper is started with. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { getAddress, isAddress, parseUnits } from "ethers";

import { type AddressBook, readAddressBook } from "../deploy/addressBook.ts";
import { messageOf, PlimsollError } from "../deploy/PlimsollError.ts";
import { type Role, ROLES } from "./job.ts";
import { isLogLevel, LOG_LEVELS, type LogLevel } from "./log.ts";

export const USAGE = `npm run keeper -- ROLE... --deployment FILE --rpc URL[,URL...] [options]
  ROLE                ${ROLES.join(", ")}; several at once

  --deployment FILE   address book that the deployment wrote
  --rpc URL[,URL...]  JSON-RPC endpoints; three or more outvote one that lies
  --rpc-env NAME      in its place: environment variable that holds them
  --relay URL         private endpoint that alone takes the transactions; what was sent is remembered beside --database
  --send              send transactions; without it only say what would be sent

  --key-env NAME      environment variable that holds the private key
  --keystore FILE     in its place: encrypted JSON keystore, with
  --password-env NAME or --password-file FILE
  --signer URL        in its place: signer that is asked by eth_signTransaction, with
  --address ADDRESS   whose account it signs for; alone enough for a dry run

  --database FILE     SQLite file of the index; in memory without. DATABASE_URL in the environment: PostgreSQL instead
  --shard I/N         look after the I-th (from 0) of N parts of the accounts; 0/1

  --max-fee GWEI      most that a unit of gas may cost; 500
  --max-tip GWEI      most of it that is offered as a tip, three quarters at first; 0.01
  --margin AMOUNT     least profit of a transaction, in settlement token; 0. A loss: --margin=-AMOUNT
  --min-balance ETH   least balance of the signer; 0.01
  --take-over AMOUNT  largest notional that the keeper's account takes over at once; 0: none
  --confirmations N   blocks on a transaction before it counts; 1
  --in-flight N       transactions that may wait at once; 8
  --timeout MS        after which an unconfirmed transaction is weighed anew, and replaced or withdrawn; 30000

  --interval MS       pause between cycles; 2000
  --deadline MS       longest cycle; 120000
  --rpc-timeout MS    longest answer of an endpoint; 10000
  --log-range N       blocks per request for events; 2000
  --check-interval S  between two checks of the whole index; 3600, 0: never
  --once              one cycle, then exit

  --port N            serve /metrics and /health; not without it
  --host ADDRESS      at this address; 127.0.0.1
  --stale-after S     /health is 503, and an alert is sent, without a good cycle for so long; 120
  --overdue-after S   an alert is sent when an account can be liquidated for so long; 300
  --alert-webhook URL posts alerts there; --alert-webhook-env NAME: to the URL in that variable
  --log-level LEVEL   ${LOG_LEVELS.join(", ")}; info`;

export class ConfigError extends PlimsollError {}

/** No key is given, or what is given is none. */
export class KeyError extends PlimsollError {}

export type KeySource =
  | { readonly kind: "key"; readonly key: string }
  | { readonly kind: "keystore"; readonly json: string; readonly password: string }
  | { readonly kind: "external"; readonly url: string; readonly address: string }
  /** Nothing is signed: a dry run, or nothing but `monitor`. */
  | { readonly kind: "none"; readonly address: string };

export interface Config {
  readonly roles: ReadonlySet<Role>;
  readonly book: AddressBook;
  readonly rpc: readonly string[];
  readonly relay: string | undefined;
  readonly send: boolean;
  readonly once: boolean;
  readonly key: KeySource;
  readonly database: { readonly url: string } | { readonly file: string } | undefined;
  readonly shard: { readonly index: number; readonly count: number };
  /** Wei for a unit of gas. */
  readonly maxFee: bigint;
  /** Wei for a unit of gas. */
  readonly maxTip: bigint;
  /** WAD of settlement token. */
  readonly margin: bigint;
  /** Wei. */
  readonly minBalance: bigint;
  /** WAD of settlement token. */
  readonly maxTakeOver: bigint;
  readonly confirmations: number;
  readonly maxInFlight: number;
  readonly timeoutMs: number;
  readonly intervalMs: number;
  readonly deadlineMs: number;
  readonly rpcTimeoutMs: number;
  readonly logRange: number;
  /** 0: never. */
  readonly checkIntervalMs: number;
  readonly watch: { readonly host: string; readonly port: number } | undefined;
  readonly staleAfterMs: number;
  readonly overdueAfterMs: number;
  readonly webhook: string | undefined;
  readonly logLevel: LogLevel;
}

/** All that must never be written anywhere. */
export function secretsOf({ rpc, relay, key, database, webhook }: Config): (string | undefined)[] {
  return [
    ...rpc,
    relay,
    webhook,
    key.kind === "key" ? key.key : undefined,
    key.kind === "keystore" ? key.password : undefined,
    key.kind === "external" ? key.url : undefined,
    database !== undefined && "url" in database ? database.url : undefined,
  ];
}

/** Whether any of the roles ever sends a transaction. */
export function mayAct(roles: ReadonlySet<Role>): boolean {
  return [...roles].some((role) => role !== "monitor");
}

type Environment = Readonly<Record<string, string | undefined>>;

/** No account of anybody: nothing is signed for it. */
const NOBODY = "0x0000000000000000000000000000000000000001";
const MAX_SHARDS = 1_024;

/** Throws a ConfigError that names the flag and its value, or a KeyError; neither shows a secret. */
export function parseConfig(argv: readonly string[], env: Environment): Config {
  const { values, positionals } = read(argv);
  const roles = rolesOf(positionals);
  const deployment = values.deployment;
  if (deployment === undefined || deployment === "") throw new ConfigError("--deployment is missing");
  const intervalMs = whole("interval", values.interval, { min: 50, max: 600_000 });
  const deadlineMs = whole("deadline", values.deadline, { min: 1_000, max: 3_600_000 });
  const staleAfter = whole("stale-after", values["stale-after"], { min: 1, max: 86_400 });
  if (staleAfter * 1_000 < 2 * intervalMs) {
    throw new ConfigError(`--stale-after ${staleAfter} s is less than two pauses of --interval ${intervalMs} ms`);
  }
  const rpcTimeoutMs = whole("rpc-timeout", values["rpc-timeout"], { min: 100, max: 300_000 });
  if (rpcTimeoutMs > deadlineMs) {
    throw new ConfigError(
      `--rpc-timeout ${rpcTimeoutMs} ms is above --deadline ${deadlineMs} ms: one answer outlasts a cycle`,
    );
  }
  const overdueAfter = whole("overdue-after", values["overdue-after"], { min: 1, max: 86_400 });
  if (overdueAfter * 1_000 < 2 * intervalMs) {
    throw new ConfigError(`--overdue-after ${overdueAfter} s is less than two pauses of --interval ${intervalMs} ms`);
  }
  const maxFee = amount("max-fee", values["max-fee"], { unit: 9, min: "0.001", max: "100000" });
  const maxTip = amount("max-tip", values["max-tip"], { unit: 9, min: "0", max: "1000" });
  if (maxTip > maxFee) {
    throw new ConfigError(
      `--max-tip ${values["max-tip"]} is above --max-fee ${values["max-fee"]}, which it is a part of`,
    );
  }
  const maxTakeOver = amount("take-over", values["take-over"], { unit: 18, min: "0", max: "1000000000" });
  if (maxTakeOver > 0n && !roles.has("liquidate")) {
    throw new ConfigError(`--take-over ${values["take-over"]} without the role liquidate, which alone takes over`);
  }
  const config: Config = {
    roles,
    book: bookOf(deployment),
    rpc: endpointsOf(values, env),
    relay: values.relay === undefined ? undefined : httpUrl("relay", values.relay),
    send: values.send,
    once: values.once,
    key: keyOf(values, env, values.send && mayAct(roles)),
    database: databaseOf(values.database, env),
    shard: shardOf(values.shard),
    maxFee,
    maxTip,
    margin: amount("margin", values.margin, { unit: 18, min: "-1000", max: "100000" }),
    minBalance: amount("min-balance", values["min-balance"], { unit: 18, min: "0", max: "1000" }),
    maxTakeOver,
    confirmations: whole("confirmations", values.confirmations, { min: 1, max: 64 }),
    maxInFlight: whole("in-flight", values["in-flight"], { min: 1, max: 16 }),
    timeoutMs: whole("timeout", values.timeout, { min: 500, max: 3_600_000 }),
    intervalMs,
    deadlineMs,
    rpcTimeoutMs,
    logRange: whole("log-range", values["log-range"], { min: 1, max: 100_000 }),
    checkIntervalMs: whole("check-interval", values["check-interval"], { min: 0, max: 604_800 }) * 1_000,
    watch: watchOf(values),
    staleAfterMs: staleAfter * 1_000,
    overdueAfterMs: overdueAfter * 1_000,
    webhook: webhookOf(values, env),
    logLevel: levelOf(values["log-level"]),
  };
  return config;
}

type Values = ReturnType<typeof read>["values"];

function read(argv: readonly string[]) {
  const text = { type: "string" } as const;
  const or = (value: string) => ({ type: "string", default: value }) as const;
  const flag = { type: "boolean", default: false } as const;
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        deployment: text,
        rpc: text,
        "rpc-env": text,
        relay: text,
        send: flag,
        once: flag,
        "key-env": text,
        keystore: text,
        "password-env": text,
        "password-file": text,
        signer: text,
        address: text,
        database: text,
        shard: or("0/1"),
        "max-fee": or("500"),
        "max-tip": or("0.01"),
        margin: or("0"),
        "min-balance": or("0.01"),
        "take-over": or("0"),
        confirmations: or("1"),
        "in-flight": or("8"),
        timeout: or("30000"),
        interval: or("2000"),
        deadline: or("120000"),
        "rpc-timeout": or("10000"),
        "log-range": or("2000"),
        "check-interval": or("3600"),
        port: text,
        host: or("127.0.0.1"),
        "stale-after": or("120"),
        "overdue-after": or("300"),
        "alert-webhook": text,
        "alert-webhook-env": text,
        "log-level": or("info"),
      },
    });
  } catch (cause) {
    throw new ConfigError(messageOf(cause), { cause });
  }
}

// ---------------------------------------------------------------- what, and where

function rolesOf(positionals: readonly string[]): ReadonlySet<Role> {
  if (positionals.length === 0) throw new ConfigError(`no role: one or more of ${ROLES.join(", ")}`);
  return new Set(
    positionals.map((name) => {
      const role = ROLES.find((known) => known === name);
      if (role === undefined) throw new ConfigError(`unknown role ${name}: none of ${ROLES.join(", ")}`);
      return role;
    }),
  );
}

function bookOf(file: string): AddressBook {
  try {
    return readAddressBook(file);
  } catch (cause) {
    throw new ConfigError(`--deployment: ${messageOf(cause)}`, { cause });
  }
}

function endpointsOf(values: Values, env: Environment): string[] {
  const name = values["rpc-env"];
  if (values.rpc !== undefined && name !== undefined) throw new ConfigError("--rpc and --rpc-env exclude each other");
  const list = name === undefined ? values.rpc : variable("rpc-env", name, env);
  if (list === undefined || list === "") throw new ConfigError("--rpc is missing");
  const urls = list.split(",").map((url) => httpUrl("rpc", url.trim()));
  // The same one twice would be a majority of itself.
  if (new Set(urls.map((url) => new URL(url).href)).size < urls.length) {
    throw new ConfigError("--rpc names an endpoint twice");
  }
  return urls;
}

/** The value is not shown: it may hold credentials. */
function httpUrl(flag: string, text: string): string {
  if (!/^https?:\/\/./.test(text) || !URL.canParse(text)) throw new ConfigError(`--${flag} is no http URL`);
  return text;
}

function databaseOf(file: string | undefined, env: Environment): Config["database"] {
  const url = env["DATABASE_URL"];
  if (url !== undefined && url !== "") {
    if (file !== undefined) throw new ConfigError("--database and DATABASE_URL exclude each other");
    if (!/^postgres(ql)?:\/\/./.test(url) || !URL.canParse(url)) {
      throw new ConfigError("DATABASE_URL is no postgres:// URL");
    }
    return { url };
  }
  if (file === "") throw new ConfigError("--database is empty");
  return file === undefined ? undefined : { file };
}

function shardOf(text: string): Config["shard"] {
  const [, index, count] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (index === undefined || count === undefined || index >= count || count > MAX_SHARDS) {
    throw new ConfigError(`--shard is not I/N with I below N and N at most ${MAX_SHARDS}: ${text}`);
  }
  return { index, count };
}

function watchOf({ port, host }: Values): Config["watch"] {
  if (host === "") throw new ConfigError("--host is empty");
  return port === undefined ? undefined : { host, port: whole("port", port, { min: 0, max: 65_535 }) };
}

function webhookOf(values: Values, env: Environment): string | undefined {
  const name = values["alert-webhook-env"];
  if (name !== undefined && values["alert-webhook"] !== undefined) {
    throw new ConfigError("--alert-webhook and --alert-webhook-env exclude each other");
  }
  const url = name === undefined ? values["alert-webhook"] : variable("alert-webhook-env", name, env);
  return url === undefined ? undefined : httpUrl("alert-webhook", url);
}

function levelOf(text: string): LogLevel {
  if (!isLogLevel(text)) throw new ConfigError(`--log-level is none of ${LOG_LEVELS.join(", ")}: ${text}`);
  return text;
}

// ---------------------------------------------------------------- keys

function keyOf(values: Values, env: Environment, needed: boolean): KeySource {
  const { keystore, signer, address } = values;
  const name = values["key-env"];
  const given = [name, keystore, signer].filter((source) => source !== undefined);
  if (given.length > 1) throw new ConfigError("--key-env, --keystore and --signer exclude each other");
  if (!isAddress(address ?? NOBODY)) throw new ConfigError(`--address is no address: ${address ?? ""}`);
  if (name !== undefined) {
    const key = env[name];
    if (key === undefined || key === "") throw new KeyError(`the environment has no ${name}`);
    if (!/^0x[0-9a-fA-F]{64}$/.test(key)) throw new KeyError(`${name} is not a private key (0x and 64 hex digits)`);
    return { kind: "key", key };
  }
  if (keystore !== undefined) {
    return { kind: "keystore", json: contentOf("keystore", keystore), password: passwordOf(values, env) };
  }
  if (signer !== undefined) {
    if (address === undefined) throw new ConfigError("--signer needs --address");
    return { kind: "external", url: httpUrl("signer", signer), address: getAddress(address) };
  }
  if (needed) throw new KeyError("--send needs --key-env, --keystore or --signer");
  return { kind: "none", address: address === undefined ? NOBODY : getAddress(address) };
}

function passwordOf(values: Values, env: Environment): string {
  const name = values["password-env"];
  const file = values["password-file"];
  if ((name === undefined) === (file === undefined)) {
    throw new ConfigError("--keystore needs --password-env or --password-file");
  }
  if (name !== undefined) {
    const password = env[name];
    if (password === undefined) throw new KeyError(`the environment has no ${name}`);
    return password;
  }
  return contentOf("password-file", file ?? "").replace(/\r?\n$/, "");
}

function contentOf(flag: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new KeyError(`--${flag}: cannot read ${file}`, { cause });
  }
}

// ---------------------------------------------------------------- values

function variable(flag: string, name: string, env: Environment): string {
  const value = env[name];
  if (value === undefined || value === "") throw new ConfigError(`--${flag}: the environment has no ${name}`);
  return value;
}

function whole(name: string, text: string, { min, max }: { min: number; max: number }): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new ConfigError(`--${name} is not a whole number from ${min} to ${max}: ${text}`);
  }
  return value;
}

/** @param unit Decimals of what is written in whole units. */
function amount(name: string, text: string, { unit, min, max }: { unit: number; min: string; max: string }): bigint {
  const refuse = (): never => {
    throw new ConfigError(`--${name} is not a number from ${min} to ${max} with at most ${unit} decimals: ${text}`);
  };
  const [, decimals = ""] = /^-?\d{1,12}(?:\.(\d+))?$/.exec(text) ?? refuse();
  if (decimals.length > unit) refuse();
  const value = parseUnits(text, unit);
  return value < parseUnits(min, unit) || value > parseUnits(max, unit) ? refuse() : value;
}
