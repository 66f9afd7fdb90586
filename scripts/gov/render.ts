/** Reports of governance as text, and as JSON. */
import { money, renderTable } from "../replay/table.ts";
import type { Quantity } from "../deploy/readers.ts";
import { showSessions } from "../deploy/sessions.ts";
import { timeOf } from "../oracles/words.ts";
import { nameOfRole } from "./authority.ts";
import type { Gov } from "./gov.ts";
import { isHealthy, type Impact, spareOf, type Standing } from "./impact.ts";
import type { Change, FieldChange, Plan, PlannedCall } from "./plan.ts";
import { showBounds, showDuration, showQuantity } from "./units.ts";

/** Accounts that a report lists; the rest is counted. */
const SHOWN = 20;

/** Where and when a report is from. */
export function headerOf({ intent: { parameters, book }, at, time }: Gov): string {
  return `${parameters.file} against block ${String(at.blockTag)} of chain ${String(book.chainId)}, ${timeOf(time)}`;
}

export function renderPlan(gov: Gov, plan: Plan): string {
  const { calls, unreachable, unlisted, impact, simulated } = plan;
  const parts = [headerOf(gov)];
  if (calls.length === 0 && unreachable.length === 0) parts.push("nothing to change");
  if (calls.length > 0) parts.push(renderCalls(calls));
  if (calls.length > 0 && !simulated) parts.push("NOT SIMULATED: the endpoint takes no state overrides");
  if (unreachable.length > 0) parts.push(renderUnreachable(unreachable));
  if (unlisted.length > 0) parts.push(`not listed yet: ${unlisted.join(", ")}`);
  if (calls.length > 0) parts.push(renderImpact(impact));
  return parts.join("\n\n");
}

function renderCalls(calls: readonly PlannedCall[]): string {
  const rows = calls.flatMap(({ call, changes, access, refusal }, index) => {
    const fields = changes.flatMap(({ fields: changed, ramp }) => changed.map((field) => ({ ...field, ramp })));
    const lines = fields.map(({ field, from, to, steps, goal, ramp }, place) => [
      place === 0 ? String(index + 1) : "",
      place === 0 ? `${call.target}.${call.method}` : "",
      field.path,
      showValue(from, field),
      "→",
      steps === 1 ? showValue(to, field) : `${showValue(to, field)} (${showStep(steps, showValue(goal, field))})`,
      field.quantity === undefined ? "" : showBounds(field.quantity),
      ramp === 0n ? "at once" : `over ${showDuration(ramp)}`,
      place === 0 ? accessText(access) : "",
    ]);
    return refusal === undefined ? lines : [...lines, ["", "", `WOULD BE REFUSED: ${refusal}`]];
  });
  return renderTable(
    [
      { title: "", align: "right" },
      { title: "call", align: "left" },
      { title: "number", align: "left" },
      { title: "now", align: "right" },
      { title: "", align: "left" },
      { title: "file", align: "right" },
      { title: "bounds", align: "left" },
      { title: "takes hold", align: "left" },
      { title: "by", align: "left" },
    ],
    rows,
  );
}

function showStep(steps: number, goal: string): string {
  return steps === 0 ? `not ${goal}: not the caller's to move` : `step 1 of ${String(steps)} to ${goal}`;
}

function accessText({ role, holds, delay }: PlannedCall["access"]): string {
  const name = nameOfRole(role);
  if (!holds) return `${name}: NOT HELD by the caller`;
  return delay === 0n ? `${name}, at once` : `${name}, after ${showDuration(delay)}`;
}

function renderUnreachable(changes: readonly Change[]): string {
  const lines = changes.flatMap(({ fields, reason = "" }) =>
    fields.map(
      ({ field, from, goal }) => `  ${field.path}: ${showValue(from, field)} → ${showValue(goal, field)} (${reason})`,
    ),
  );
  return ["CANNOT BE CHANGED:", ...lines].join("\n");
}

export function showValue(value: bigint | string, { path, quantity }: FieldChange["field"]): string {
  if (typeof value === "string") return value;
  if (path.endsWith(".sessions")) return value === 0n ? "always" : showSessions(value);
  return showQuantity(value, quantity);
}

function renderImpact({ accounts, changed, newlyUnhealthy, newlyBelowInitial, pool, insurance }: Impact): string {
  const head = `impact at the prices of the block, at the end of every ramp: ${String(changed.length)} of ${String(accounts)} accounts change`;
  const rows = changed
    .slice(0, SHOWN)
    .map(({ account, before, after }) => [
      account,
      money(before.maintenance, 2),
      money(after.maintenance, 2),
      money(spareOf(before), 2),
      money(spareOf(after), 2),
      verdictOf(before, after),
    ]);
  const table = renderTable(
    [
      { title: "account", align: "left" },
      { title: "maintenance", align: "right" },
      { title: "then", align: "right" },
      { title: "to spare", align: "right" },
      { title: "then", align: "right" },
      { title: "", align: "left" },
    ],
    rows,
  );
  const rest = changed.length > SHOWN ? [`and ${String(changed.length - SHOWN)} more`] : [];
  const figures = (title: string, before: bigint, after: bigint): string[] => [
    title,
    money(before, 2),
    money(after, 2),
  ];
  const capacity = renderTable(
    [
      { title: "USD", align: "left" },
      { title: "now", align: "right" },
      { title: "then", align: "right" },
    ],
    [
      figures("pool: equity", pool.before.equity, pool.after.equity),
      figures("  requirement, maintenance", pool.before.maintenance, pool.after.maintenance),
      figures("  requirement, initial", pool.before.initial, pool.after.initial),
      figures("  redeemable", pool.before.redeemable, pool.after.redeemable),
      figures("  open interest it takes", pool.before.capacity, pool.after.capacity),
      figures("insurance: balance", insurance.before.balance, insurance.after.balance),
      figures("  target", insurance.before.target, insurance.after.target),
      figures("  deficits within a day", insurance.before.daily, insurance.after.daily),
    ],
  );
  const warnings = [
    `newly below maintenance: ${listOf(newlyUnhealthy)}`,
    `newly below initial: ${listOf(newlyBelowInitial)}`,
  ];
  return [head, ...(changed.length > 0 ? [table, ...rest] : []), warnings.join("\n"), capacity].join("\n\n");
}

function verdictOf(before: Standing, after: Standing): string {
  if (isHealthy(before) && !isHealthy(after)) return "LIQUIDATABLE";
  return before.meetsInitial && !after.meetsInitial ? "below initial" : "";
}

function listOf(accounts: readonly string[]): string {
  return accounts.length === 0 ? "none" : `${String(accounts.length)}: ${accounts.slice(0, SHOWN).join(", ")}`;
}

/** Amounts and other numbers of the chain as strings. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, entry: unknown) => (typeof entry === "bigint" ? String(entry) : entry), 2);
}

/** A plan without what only the program needs. */
export function planToJson(gov: Gov, { calls, unreachable, impact, simulated, unlisted }: Plan): string {
  const changeOf = ({ fields, ramp, reason }: Change) => ({
    fields: fields.map(({ field: { path, quantity }, from, to, steps, goal }) => {
      return { path, from, to, steps, goal, ...boundsOf(quantity) };
    }),
    ramp,
    ...(reason === undefined ? {} : { reason }),
  });
  return toJson({
    file: gov.intent.parameters.file,
    block: gov.at.blockTag,
    calls: calls.map(({ call, changes, access, refusal }) => ({
      target: call.target,
      address: call.address,
      method: call.method,
      data: call.data,
      role: nameOfRole(access.role),
      holds: access.holds,
      delay: access.delay,
      refusal: refusal ?? null,
      changes: changes.map(changeOf),
    })),
    unreachable: unreachable.map(changeOf),
    unlisted,
    simulated,
    impact,
  });
}

function boundsOf(quantity: Quantity | undefined) {
  return quantity === undefined ? {} : { min: quantity.min, max: quantity.max, unit: quantity.unit };
}
