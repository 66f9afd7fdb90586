/** Who may call what: the roles of the access manager and the functions that each may call. */

export const ROLES = {
  /** Sets bounded parameters and lists, after the delay of its grant. */
  governor: 1n,
  /** Stops things, at once: halted prices stay vetoed, markets, or all of it, become reduce-only. It cannot give
   * anything, nor start again what it has stopped. */
  guardian: 2n,
} as const;

export type Role = keyof typeof ROLES;

/** Every function that is `restricted`, by the contract that it is in. */
export const TARGETS = {
  oracle: {
    governor: [
      "list",
      "configure",
      "setEnvironment",
      "setSettlement",
      "setSessions",
      "proposeSource",
      "adoptSource",
      "cancelSource",
    ],
    guardian: ["vetoJump"],
  },
  vault: { governor: ["list", "setCap", "setOutflowLimit"], guardian: [] },
  orders: { governor: ["setParameters"], guardian: [] },
  pool: { governor: ["setCooldown", "setDeviation"], guardian: [] },
  insuranceFund: { governor: ["payOut", "setTargetShare"], guardian: [] },
  clearingHouse: {
    governor: [
      "listAssets",
      "listCollateral",
      "rampRisk",
      "setLimits",
      "setMoney",
      "payProtocolFees",
      "reopenMarket",
      "windDown",
      "unpause",
    ],
    guardian: ["restrictMarket", "pause"],
  },
} as const satisfies Record<string, Record<Role, readonly string[]>>;
