import type { Metrics } from "../../scripts/keeper/watch/metrics.ts";

/** The value of a series; undefined if there is none. */
export async function valueOf(
  metrics: Metrics,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number | undefined> {
  const metric = await metrics.registry.getSingleMetric(name)?.get();
  const wanted = Object.entries(labels);
  return metric?.values.find((one) => wanted.every(([label, value]) => one.labels[label] === value))?.value;
}
