/** The configuration of the repository, for a program with mutants in it. */
import { defineConfig } from "hardhat/config";
import type { HardhatPlugin } from "hardhat/types/plugins";

import base from "../../hardhat.config.ts";
import { adopt, coinbaseOf, counted, MUTANT_VARIABLE, NONE, OPTIMIZER_VARIABLE, reached } from "./connections.ts";

/** Steps that cannot make a stack deeper: with the others, functions full of switches do not fit. */
const OPTIMIZER = { yul: true, yulDetails: { stackAllocation: true, optimizerSteps: "dhfoDgvulfnTUtnIf:fDnTOcmu" } };

const plugin: HardhatPlugin = {
  id: "mutation",
  dependencies: () => [import("@nomicfoundation/hardhat-network-helpers")],
  hookHandlers: {
    solidity: () =>
      Promise.resolve({
        default: () =>
          Promise.resolve({
            preprocessSolcInputBeforeBuilding: (context, input, next) => {
              const { viaIR, optimizer } = input.settings;
              if (viaIR !== true || process.env[OPTIMIZER_VARIABLE] !== "shallow") return next(context, input);
              const settings = { ...input.settings, optimizer: { ...optimizer, details: OPTIMIZER } };
              return next(context, { ...input, settings });
            },
          }),
      }),
    network: () =>
      Promise.resolve({
        default: () =>
          Promise.resolve({
            newConnection: async (context, next) => {
              const connection = await next(context);
              await adopt(connection);
              return connection;
            },
            onRequest: (context, connection, request, next) => counted(() => next(context, connection, request)),
            onCoverageData: (_context, tags) => {
              for (const tag of tags) reached.add(parseInt(tag, 16));
              return Promise.resolve();
            },
          }),
      }),
  },
};

const coinbase = coinbaseOf(Number(process.env[MUTANT_VARIABLE] ?? NONE));

export default defineConfig({
  ...base,
  plugins: [...(base.plugins ?? []), plugin],
  test: {
    ...base.test,
    solidity: { ...base.test?.solidity, coinbase },
  },
});
