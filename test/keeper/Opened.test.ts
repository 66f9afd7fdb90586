import { expect } from "chai";

import { Opened } from "../../scripts/keeper/Opened.ts";
import { recordingLog } from "./silent.ts";

describe("Opened", () => {
  it("closes all of it once, the last first, whatever fails", async () => {
    const { log, lines } = recordingLog();
    const opened = new Opened(log);
    const closed: string[] = [];
    for (const name of ["store", "index", "server"]) {
      opened.add(name, async () => {
        closed.push(name);
        return name === "index" ? Promise.reject(new Error("is locked")) : Promise.resolve();
      });
    }
    await opened.close();
    await opened.close();

    expect(closed).to.deep.equal(["server", "index", "store"]);
    expect(lines).to.deep.equal([
      { level: "warn", event: "not closed", fields: { part: "index", reason: "is locked" } },
    ]);
  });
});
