import type { NodeTrial, PodInfo, PreemptionChoice, Refusal } from 'kernetes/sdk';
import type { Budgets } from './budgets.ts';
import { byImportance, type StartTimes, type Victim } from './importance.ts';

/**
 * The pods that have to go from a node so that a pod fits; or why it does not fit even without any
 * pod that matters less. Costs a check of the node for each pod that may have to go.
 */
export class VictimSearch {
  readonly #budgets: Pick<Budgets, 'violators'>;
  readonly #times: StartTimes;

  constructor(budgets: Pick<Budgets, 'violators'>, times: StartTimes) {
    this.#budgets = budgets;
    this.#times = times;
  }

  /** `lesser`: all pods on the node that matter less. */
  select(trial: NodeTrial, lesser: readonly PodInfo[]): PreemptionChoice | Refusal {
    // The last first: each is then where it is looked for first.
    for (let i = lesser.length - 1; i >= 0; i--) trial.remove(lesser[i] as PodInfo);
    const refusal = trial.check();
    if (refusal) return refusal;
    const potential = lesser.map(pod => this.#times.victim(pod)).sort(byImportance);
    const violators = this.#budgets.violators(potential);
    const victims: Victim[] = [];
    for (const each of withViolatorsFirst(potential, violators)) {
      trial.add(each.pod);
      if (trial.check() === undefined) continue;
      trial.remove(each.pod);
      victims.push(each);
    }
    victims.sort(byImportance);
    const violations = victims.filter(({ pod }) => violators.has(pod)).length;
    return { nodeName: trial.node.name, victims: victims.map(({ pod }) => pod), violations };
  }
}

function withViolatorsFirst(
  potential: readonly Victim[],
  violators: ReadonlySet<PodInfo>,
): readonly Victim[] {
  if (violators.size === 0) return potential;
  return [
    ...potential.filter(({ pod }) => violators.has(pod)),
    ...potential.filter(({ pod }) => !violators.has(pod)),
  ];
}
