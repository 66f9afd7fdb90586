/** The rows of `npm run gas` for Data Streams: Chainlink's verifier, a DON of 16 of which six sign, feeds that have reports. */
import type { ContractTransactionResponse } from "ethers";

import { ethers, receiptOf, time, type World } from "../test/fixture.ts";
import { BTC_STREAM, deployPaidStreams, deployStreams, type Streams } from "../test/streams/don.ts";

/** When the reports are made, the same in every run: calldata costs less where the time or a signature has a zero byte. */
export const REPORTED_FROM = Date.UTC(2040, 0, 2) / 1000;

const SIGNERS = 16;
const FEES = { nativeFee: 10n ** 15n, linkFee: 10n ** 16n };
/** Reports in order before the measured ones: a late one has to find its place among them. */
const STORED = 32;
const APART = 10;

export async function streamFigures(
  { orders, clearingHouse }: Pick<World, "orders" | "clearingHouse">,
  figures: Record<string, number>,
): Promise<void> {
  const free = await deployStreams(SIGNERS);
  const now = await fill(free, REPORTED_FROM);
  const { reports, don } = free;
  await time.setNextBlockTimestamp(now);
  const report = don.report(now - 1);
  figures["stream.report.new"] = await gasOf(reports.submit([report]));
  figures["stream.report.again"] = await gasOf(reports.submit([report]));
  figures["stream.report.late"] = await gasOf(reports.submit([don.report(REPORTED_FROM + 15 * APART + 1)]));

  const relay = await ethers.deployContract("ReportRelay", [reports, orders, clearingHouse]);
  const next = now + APART;
  await time.setNextBlockTimestamp(next);
  const two = [don.report(next - 1), don.report(next - 1, { feedId: BTC_STREAM })];
  figures["stream.relay.two"] = await gasOf(relay.relay(two, []));

  const paid = await deployPaidStreams(SIGNERS);
  const last = await fill(paid, REPORTED_FROM + 2 * STORED * APART, FEES);
  await time.setNextBlockTimestamp(last);
  figures["stream.report.paid"] = await gasOf(
    paid.reports.submit([paid.don.report(last - 1, FEES)], { value: FEES.nativeFee }),
  );
}

/** Reports of both streams from a time on, each some seconds after the one before. Returns a time at which all are in. */
async function fill({ reports, don }: Streams, first: number, fees: Partial<typeof FEES> = {}): Promise<number> {
  await time.increaseTo(first + STORED * APART);
  const value = (fees.nativeFee ?? 0n) * 8n;
  for (let i = 0; i < STORED; i += 4) {
    const times = [0, 1, 2, 3].map((k) => first + (i + k) * APART);
    const pairs = times.flatMap((at) => [don.report(at, fees), don.report(at, { ...fees, feedId: BTC_STREAM })]);
    await receiptOf(reports.submit(pairs, { value }));
  }
  return first + (STORED + 4) * APART;
}

async function gasOf(sent: Promise<ContractTransactionResponse>): Promise<number> {
  return Number((await receiptOf(sent)).gasUsed);
}
