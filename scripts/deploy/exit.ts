/** How commands of deployment end. */
export const EXIT = { deployed: 0, unexpected: 1, config: 2 } as const;
