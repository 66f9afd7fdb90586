/**
 * `npm run rehearse`: the whole deployment on a throw-away chain in this process, with a holder of its own for every role:
 * contracts, listings, roles, handover by the deployer, audit. Prints who may call what in the end. Exit codes: 0 all as
 * the file says, 1 not.
 */
import { network } from "hardhat";

import { setStage } from "../drill/stage.ts";
import { readAudit, renderAudit } from "../gov/audit.ts";
import { nameOfRole, readMembers } from "../gov/authority.ts";
import { readMatrix, renderMatrix } from "../gov/matrix.ts";
import { messageOf, PlimsollError } from "./PlimsollError.ts";

/** What is left to the deployer, or differs from the file. */
class RehearsalError extends PlimsollError {}

async function rehearse(): Promise<void> {
  const connection = await network.create();
  try {
    const stage = await setStage(connection, { pool: 0n });
    const { deployer, governor, guardian, steward } = stage;
    const gov = await stage.gov();
    const left = (await readMembers(gov)).filter(({ account }) => account === deployer.address);
    const audit = await readAudit(gov);
    const names = new Map([
      [deployer.address, "DEPLOYER"],
      [governor.address, "governor's account"],
      [guardian.address, "guardian's account"],
      [steward.address, "steward's account"],
    ]);
    console.log(renderMatrix(await readMatrix(gov), names));
    console.log(`\n${renderAudit(gov, audit)}`);
    if (left.length > 0) {
      throw new RehearsalError(`the deployer is still ${left.map(({ role }) => nameOfRole(role)).join(", ")}`);
    }
    if (audit.findings.length > 0) throw new RehearsalError("the deployment is not as its file says");
    console.log(`\n${String(gov.at.blockTag)} blocks; the deployer has no role left`);
  } finally {
    await connection.close();
  }
}

try {
  await rehearse();
} catch (error) {
  console.error(error instanceof PlimsollError ? messageOf(error) : error);
  process.exitCode = 1;
}
