/** Who may call what: the roles of the access manager and the functions that each may call. */

export const ROLES = {
  /** Sets bounded parameters and lists, after the delay of its grant. */
  governor: 1n,
  /** Stops things, at once: halted prices stay vetoed, markets become reduce-only. It cannot give anything. */
  guardian: 2n,
} as const;

export type Role = keyof typeof ROLES;

/** Every function that is `restricted`, by the contract that it is in. */
export const TARGETS = {
  oracle: { governor: ["list", "configure", "setEnvironment"], guardian: ["vetoJump"] },
  vault: { governor: ["list", "setCap", "setOutflowLimit"], guardian: [] },
  orders: { governor: ["setParameters"], guardian: [] },
  pool: { governor: ["setCooldown", "setDeviation"], guardian: [] },
  clearingHouse: {
    governor: ["listAssets", "listCollateral", "rampRisk", "setLimits", "setMoney", "payProtocolFees"],
    guardian: ["setReduceOnly"],
  },
} as const satisfies Record<string, Record<Role, readonly string[]>>;
