/**
 * Holds a keeper's database locked until it is ended, as a backup or a forgotten shell does. Started by `faults.ts`.
 *
 *   node scripts/keeperFaults/lockHolder.ts FILE
 */
import { DatabaseSync } from "node:sqlite";

const [file = ""] = process.argv.slice(2);
const database = new DatabaseSync(file, { timeout: 10_000 });
database.exec("BEGIN EXCLUSIVE");
process.send?.("locked");
// The channel alone keeps nothing alive.
setInterval(() => undefined, 60_000);
