import { expect } from "chai";

import { loadParameters, type Parameters } from "../../../scripts/deploy/parameters.ts";
import { canonical, hashParameters, readCommit } from "../../../scripts/lab/output/provenance.ts";

describe("provenance of a report", () => {
  let parameters: Parameters;

  before(async () => {
    parameters = await loadParameters("deploy/parameters/local.ts");
  });

  it("hashes what parameters say, wherever their file lies", () => {
    expect(hashParameters({ ...parameters, file: "elsewhere.ts" })).to.equal(hashParameters(parameters));
    expect(hashParameters(parameters)).to.match(/^0x[0-9a-f]{64}$/);
  });

  it("hashes one number otherwise", () => {
    const { globals } = parameters;
    const changed = { ...parameters, globals: { ...globals, deepLoss: globals.deepLoss + 1n } };
    expect(hashParameters(changed)).not.to.equal(hashParameters(parameters));
  });

  it("does not depend on the order of keys, but on that of lists", () => {
    expect(canonical({ b: 1n, a: { d: [1, 2], c: undefined } })).to.equal('{"a":{"d":[1,2]},"b":"1"}');
    expect(canonical([1, 2])).not.to.equal(canonical([2, 1]));
  });

  it("names a commit, with a mark for changes, or says that it is unknown", () => {
    expect(readCommit()).to.match(/^([0-9a-f]{40}\+?|unknown)$/);
  });
});
