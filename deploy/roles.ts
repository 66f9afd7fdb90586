/** Who may call what: the roles of the access manager and the functions that each may call. */

/** OpenZeppelin's: gives and takes roles, and says which function is whose. It never is one that calls a function of ours. */
export const ADMIN_ROLE = 0n;

export const ROLES = {
  /** Sets bounded parameters and lists, after the delay of its grant. */
  governor: 1n,
  /** Stops things, at once: halted prices stay vetoed, markets, or all of it, become reduce-only. It cannot give
   * anything, nor start again what it has stopped. */
  guardian: 2n,
  /** Moves risk parameters by small steps, at once, each at most once a day. */
  steward: 3n,
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
    steward: [],
  },
  vault: { governor: ["list", "setCap", "setOutflowLimit"], guardian: [], steward: [] },
  orders: { governor: ["setParameters"], guardian: [], steward: [] },
  pool: { governor: ["setCooldown", "setDeviation"], guardian: [], steward: [] },
  insuranceFund: { governor: ["payOut", "setTargetShare"], guardian: [], steward: [] },
  clearingHouse: {
    governor: [
      "listAssets",
      "listCollateral",
      "rampRisk",
      "rampMargins",
      "setGroup",
      "setDepth",
      "setLimits",
      "setGlobals",
      "setMoney",
      "payProtocolFees",
      "reopenMarket",
      "windDown",
      "unpause",
    ],
    guardian: ["restrictMarket", "pause"],
    steward: ["tuneRisk", "tuneMargins", "tuneDepth", "tuneLimits"],
  },
} as const satisfies Record<string, Record<Role, readonly string[]>>;
