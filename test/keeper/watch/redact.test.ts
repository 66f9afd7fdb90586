import { expect } from "chai";

import { redactor } from "../../../scripts/keeper/watch/redact.ts";

const KEY = `0x${"ab".repeat(32)}`;

describe("redactor", () => {
  const secrets: [string, string, string[]][] = [
    [
      "a key, with and without its prefix",
      KEY,
      [KEY, KEY.slice(2), KEY.toUpperCase().replace("0X", "0x").toLowerCase()],
    ],
    ["a password inside JSON", 'pass"word 1', ['{"a":"pass\\"word 1"}']],
    [
      "what is secret of a URL",
      "https://user:longpassword@rpc.example/v3/0123456789abcdef?key=topsecretvalue",
      ["/v3/0123456789abcdef", "topsecretvalue", "longpassword", "https://user:longpassword@rpc.example"],
    ],
    ["a database", "postgres://keeper:databaseword@db.example:5432/index", ["databaseword"]],
    ["a webhook", "https://hooks.example/services/T0001/B0002/abcdefghijk", ["abcdefghijk"]],
  ];
  for (const [what, secret, texts] of secrets) {
    it(`takes out ${what}`, () => {
      const redact = redactor([secret]);
      const parts = secret.includes("://")
        ? ["0123456789abcdef", "topsecretvalue", "longpassword", "databaseword", "abcdefghijk"]
        : [secret, secret.slice(2), 'pass\\"word'];
      for (const text of texts) for (const part of parts) expect(redact(`before ${text} after`)).not.to.include(part);
    });
  }

  it("leaves no part of a secret that begins like another", () => {
    expect(redactor(["firstsecret", "firstsecretandmore"])("x firstsecretandmore y")).to.equal("x … y");
  });

  it("leaves the rest, and the host of an endpoint", () => {
    const redact = redactor(["https://rpc.example/0123456789abcdef", "http://127.0.0.1:8545", undefined]);

    expect(redact("rpc.example at http://127.0.0.1:8545 is down")).to.equal(
      "rpc.example at http://127.0.0.1:8545 is down",
    );
  });
});
