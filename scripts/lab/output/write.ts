import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

import { EXIT, LabError } from "../errors.ts";
import { renderCsv } from "./csv.ts";
import { renderPage } from "./page.ts";
import type { Report } from "./report.ts";
import { renderSvg } from "./svg.ts";
import { toText } from "./text.ts";

/** The file that a folder of a report has, and by which it is known as one. */
const MAIN_FILE = "report.json";

/**
 * Writes `report.json`, `report.html`, a CSV file for each table and the report's own files into `folder`. All of it or
 * nothing: they are written beside it, and take its place at the end. Throws a LabError where the folder has
 * something else than a report, or a name is no file's or is used twice.
 */
export async function writeReport(folder: string, report: Report): Promise<void> {
  const target = resolve(folder);
  checkReplaceable(target);
  const drawings = [];
  for (const plot of report.plots) drawings.push({ plot, svg: await renderSvg(plot) });
  const files: [name: string, text: string][] = [
    [MAIN_FILE, `${toText(contentOf(report), 2)}\n`],
    ["report.html", renderPage(report, drawings)],
    ...report.tables.map((table): [string, string] => [`${table.name}.csv`, renderCsv(table)]),
    ...Object.entries(report.files ?? {}),
  ];
  checkNames(files.map(([name]) => name));
  checkNames(report.plots.map(({ name }) => name));

  mkdirSync(dirname(target), { recursive: true });
  const fresh = mkdtempSync(join(dirname(target), `.${basename(target)}-`));
  try {
    // A temporary folder is its owner's alone.
    chmodSync(fresh, 0o755);
    for (const [name, text] of files) writeFileSync(join(fresh, name), text);
    replace(target, fresh);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    throw error;
  }
}

/** What `report.json` says. */
function contentOf({ tables, plots, files = {}, json, failures = [], ...head }: Report): unknown {
  return {
    ...head,
    failures,
    plots: plots.map(({ name, title, note }) => ({ name, title, note })),
    tables: tables.map(({ name, title, columns, rows }) => ({ name, title, columns, rows: rows.length })),
    files: Object.keys(files),
    data: json,
  };
}

/** A folder that is not there, is empty, or has a report. */
export function checkReplaceable(folder: string): void {
  if (!existsSync(folder)) return;
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (cause) {
    throw new LabError(`${folder} is no folder`, { cause });
  }
  if (names.length > 0 && !names.includes(MAIN_FILE)) {
    throw new LabError(`${folder} has something else than a report: it is not replaced`);
  }
}

function checkNames(names: readonly string[]): void {
  for (const [index, name] of names.entries()) {
    const fault = !/^[\w-]+(\.[\w-]+)*$/.test(name) ? "is no name of a file" : "is there twice";
    if (fault === "is no name of a file" || names.indexOf(name) !== index) {
      throw new LabError(`a report's "${name}" ${fault}`, { exitCode: EXIT.unexpected });
    }
  }
}

function replace(target: string, fresh: string): void {
  if (!existsSync(target)) {
    renameSync(fresh, target);
    return;
  }
  const old = `${fresh}-old`;
  renameSync(target, old);
  try {
    renameSync(fresh, target);
  } catch (error) {
    renameSync(old, target);
    throw error;
  }
  rmSync(old, { recursive: true, force: true });
}
