import type { NodeInfo, PostFilterContext, PreemptionChoice, Refusal } from 'kernetes/sdk';
import type { Budgets } from './budgets.ts';

/**
 * What was found for nodes on behalf of the pod before: pods that make room for themselves come in
 * dozens that are alike, and most nodes are as they were. It holds for pods of that shape while the
 * node, its pods and the budgets stay, nobody is nominated there, and the filters look at no other
 * node. One shape is kept: a number and a choice per node.
 */
export class KnownChoices {
  readonly #budgets: Pick<Budgets, 'version'>;
  readonly #byNode = new Map<string, Known>();
  #scope: object | undefined;
  #shape = '';
  #version = 0;

  constructor(budgets: Pick<Budgets, 'version'>) {
    this.#budgets = budgets;
  }

  get(context: Context, node: NodeInfo): Found | undefined {
    const { nominations } = context;
    if (!this.#isAbout(context)) return undefined;
    const known = this.#byNode.get(node.name);
    if (known?.generation !== node.generation || nominations.has(node.name)) return undefined;
    return known.found;
  }

  set(context: Context, node: NodeInfo, found: Found): void {
    const { pod, trialScope, nominations } = context;
    if (!trialScope || nominations.has(node.name)) return;
    if (!this.#isAbout(context)) this.#byNode.clear();
    this.#scope = trialScope;
    this.#shape = pod.shape;
    this.#version = this.#budgets.version;
    this.#byNode.set(node.name, { generation: node.generation, found });
  }

  #isAbout({ pod, trialScope }: Context): boolean {
    return (
      trialScope !== undefined &&
      trialScope === this.#scope &&
      pod.shape === this.#shape &&
      this.#version === this.#budgets.version
    );
  }
}

type Context = Pick<PostFilterContext, 'pod' | 'trialScope' | 'nominations'>;
type Found = PreemptionChoice | Refusal;

interface Known {
  readonly generation: number;
  readonly found: Found;
}
