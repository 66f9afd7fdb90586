import { expect } from "chai";

import { PPM, WAD } from "../../scripts/model/fixed.ts";
import { decodeFunding, encodeFunding, NO_FUNDING } from "../../scripts/model/funding.ts";
import { encodePrice, livePrice } from "../../scripts/model/price.ts";
import { call } from "../model/harness.ts";
import { ceil, floor } from "./exact.ts";

const DAY = 86_400n;
const PRICE = 1_799_123_456_789_012_345_679n;
const SIZE = 1_234_567_890_123_456_789n;
const DEPTH = 250_000n * WAD;
const SKEW = 700_000_000_000_000_000_001n;

describe("rounding of pricing, funding and price intervals", () => {
  it("quote of a fill: up (account pays)", async () => {
    const index = 3_000_000_000_000_000_007n;
    const exact = (delta: bigint) => delta * (PRICE * (2n * DEPTH + 2n * SKEW + delta) - 2n * DEPTH * index);
    const inputs = [SIZE, -SIZE].map((delta) => [delta, PRICE, SKEW, DEPTH, index]);

    expect(await call("quoteCeil", inputs)).to.deep.equal([
      [ceil(exact(SIZE), 2n * DEPTH * WAD)],
      [ceil(exact(-SIZE), 2n * DEPTH * WAD)],
    ]);
  });

  it("funding step, velocity: toward −∞", async () => {
    const [rate, velocity, elapsed] = [-7_654_321n, -123_457n, 1_001n];
    const funding = { ...NO_FUNDING, index: 5n * WAD, rate, velocity, time: 1_000n };
    const later = rate + floor(velocity * elapsed, DAY);
    const step = floor((rate + later) * elapsed * PRICE, 2n * DAY * WAD);
    const [stepped] = await call("accrued", [[encodeFunding(funding), WAD, PRICE, 1_000n + elapsed]]);
    const after = decodeFunding(stepped?.[0] as bigint);
    expect([after.rate, after.index]).to.deep.equal([later, 5n * WAD + step]);

    const steered = await call(
      "steered",
      [SKEW, -SKEW].map((skew) => [encodeFunding(NO_FUNDING), WAD / 7n, skew, DEPTH]),
    );
    expect(steered.map((answer) => decodeFunding(answer?.[0] as bigint).velocity)).to.deep.equal([
      floor((WAD / 7n) * SKEW, DEPTH),
      floor((WAD / 7n) * -SKEW, DEPTH),
    ]);
  });

  it("price interval, lower / upper end: down / up", async () => {
    const [last, spread] = [PRICE, 30_001n];
    const word = encodePrice({ ...livePrice(last), spread, refusal: "Stale" });

    const [packed] = await call("packPrice", [[last, spread, 4, false, false, 0n]]);
    expect(packed?.slice(0, 3)).to.deep.equal([
      word,
      floor(last * (PPM - spread), PPM),
      ceil(last * (PPM + spread), PPM),
    ]);
  });
});
