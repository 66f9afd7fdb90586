import { readdirSync, readFileSync } from "node:fs";

import { expect } from "chai";

/** First and second cell of each row under "Rounding". */
function rows(): string[] {
  const page = readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");
  const [, section = ""] = /^## Rounding$(.*?)^## /ms.exec(page) ?? [];
  const cells = [...section.matchAll(/^\| (.*?) \| (.*?) \|/gm)].map(([, value = "", direction = ""]) => [
    value,
    direction,
  ]);
  return cells.slice(2).map(([value, direction]) => `${value}: ${direction}`);
}

function titles(): string[] {
  const folder = new URL(".", import.meta.url);
  const files = readdirSync(folder).filter((file) => file.endsWith(".test.ts") && file !== "table.test.ts");
  const texts = files.map((file) => readFileSync(new URL(file, folder), "utf8"));
  return texts.flatMap((text) => [...text.matchAll(/^ {2}it\("(.*)", async/gm)].map(([, title = ""]) => title));
}

describe("table of roundings", () => {
  it("has a test for each row, and a row for each test", () => {
    expect(rows()).to.have.members(titles());
  });
});
