import type { Round } from "./rounds.ts";

/** A round of one feed, as it is transmitted. */
export interface Report {
  readonly feed: string;
  readonly round: Round;
}

/** What happens at one second: rounds first, then what the traders do. */
export interface Step<Action> {
  /** Unix seconds. */
  readonly time: number;
  readonly reports: readonly Report[];
  readonly actions: readonly Action[];
}

export interface TimelineInput<Action> {
  /** Rounds by feed. */
  readonly rounds: ReadonlyMap<string, readonly Round[]>;
  readonly actions: readonly { readonly time: number; readonly action: Action }[];
  /** First second, unix. */
  readonly from: number;
  /** Last second, unix. */
  readonly to: number;
}

export interface Timeline<Action> {
  /** The last round of each feed before the first second. */
  readonly opening: ReadonlyMap<string, Round>;
  /** In ascending order of time. */
  readonly steps: readonly Step<Action>[];
}

/** Orders all that happens. Actions before `from` happen at `from`; those after `to` do not happen. */
export function buildTimeline<Action>({ rounds, actions, from, to }: TimelineInput<Action>): Timeline<Action> {
  const opening = new Map<string, Round>();
  const steps = new Map<number, { reports: Report[]; actions: Action[] }>();
  const stepAt = (time: number) => {
    const step = steps.get(time) ?? { reports: [], actions: [] };
    steps.set(time, step);
    return step;
  };
  for (const [feed, series] of rounds) {
    for (const round of series) {
      if (round.updatedAt < from) opening.set(feed, round);
      else if (round.updatedAt <= to) stepAt(round.updatedAt).reports.push({ feed, round });
    }
    // A feed that starts later opens with its first answer.
    const [first] = series;
    if (!opening.has(feed) && first !== undefined) opening.set(feed, { ...first, updatedAt: from, startedAt: from });
  }
  for (const { time, action } of actions) {
    if (time <= to) stepAt(Math.max(time, from)).actions.push(action);
  }
  return {
    opening,
    steps: [...steps].map(([time, step]) => ({ time, ...step })).sort((a, b) => a.time - b.time),
  };
}
