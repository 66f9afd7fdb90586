/** A market whose betas are known: candles of five minutes. */
import { seeded } from "../../../scripts/history/random.ts";

export const START = 1_700_006_400;
const STEP = 300;

export interface KnownAsset {
  readonly symbol: string;
  readonly price: number;
  /** Of the common move. */
  readonly slope: number;
  /** Of its own move, in the same unit. */
  readonly own: number;
}

/** Text of a candle file for each asset. @param volatility Of the common move in five minutes, by the hour. */
export function candlesOf(
  assets: readonly KnownAsset[],
  { seed, hours, volatility }: { seed: number; hours: number; volatility: (hour: number) => number },
): ReadonlyMap<string, string> {
  const random = seeded(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const lines = new Map(assets.map(({ symbol }) => [symbol, ["unix_timestamp,open,high,low,close"]]));
  const prices = new Map(assets.map(({ symbol, price }) => [symbol, price]));
  for (let candle = 0; candle < 12 * hours; candle++) {
    const scale = volatility(Math.floor(candle / 12));
    const common = scale * normal();
    for (const { symbol, slope, own } of assets) {
      const open = prices.get(symbol) ?? 1;
      const close = open * (1 + slope * common + own * scale * normal());
      prices.set(symbol, close);
      const [high, low] = [Math.max(open, close), Math.min(open, close)];
      lines.get(symbol)?.push([START + candle * STEP, open, high, low, close].join(","));
    }
  }
  return new Map([...lines].map(([symbol, rows]) => [symbol, `${rows.join("\n")}\n`]));
}
