import { ReplicaSet, StatefulSet } from './api/types-apps-v1.ts';
import { ReplicationController, Service } from './api/types-core-v1.ts';
import type { LabelSelector, LabelSelectorRequirement } from './api/types-meta-v1.ts';
import type { Informer } from './informer.ts';
import { apiVersionOf, type Kind, type KubeObject, type StringMap } from './kind.ts';
import type { PluginContext } from './plugin.ts';
import type { PodInfo } from './scheduler-info.ts';
import { type Selector, selectorFrom } from './selector.ts';
import { serviceSelects } from './service-pods.ts';

/**
 * Which pods belong with a pod that does not say so itself, for those who spread them: what the
 * Services that select it and the ReplicaSet, ReplicationController or StatefulSet that made it
 * select, all together.
 */
export class SpreadSelectors {
  readonly #services: Informer<Service>;
  readonly #controllers: readonly SelectingKind[];
  /** By namespace: how often something in it changed that matters here. */
  readonly #epochs = new Map<string, number>();

  constructor(ctx: Pick<PluginContext, 'informer'>) {
    const open = <T extends KubeObject>(kind: Kind<T>) => {
      const informer = ctx.informer(kind, { fields: ['spec.selector'] });
      informer.on({
        added: object => this.#changed(object),
        updated: (object, old) => {
          if (selectorText(object) !== selectorText(old)) this.#changed(object);
        },
        deleted: object => this.#changed(object),
      });
      return informer;
    };
    this.#services = open(Service);
    const replication = open(ReplicationController);
    const [replicas, states] = [open(ReplicaSet), open(StatefulSet)];
    this.#controllers = [
      {
        kind: ReplicationController,
        find: key => fromLabels(replication.get(key)?.spec?.selector),
      },
      { kind: ReplicaSet, find: key => replicas.get(key)?.spec?.selector },
      { kind: StatefulSet, find: key => states.get(key)?.spec?.selector },
    ];
  }

  /** As long as it is the same, so is the answer for a pod of this namespace. */
  epoch(namespace: string): number {
    return this.#epochs.get(namespace) ?? 0;
  }

  /** Undefined: it belongs with none. */
  selectorOf({ namespace, labels, controller }: PodInfo): Selector | undefined {
    const requirements: LabelSelectorRequirement[] = [];
    const merged: StringMap = {};
    for (const service of this.#services.list(namespace)) {
      if (serviceSelects(service, labels)) Object.assign(merged, service.spec?.selector);
    }
    const kind =
      controller &&
      this.#controllers.find(
        ({ kind }) => kind.kind === controller.kind && apiVersionOf(kind) === controller.apiVersion,
      );
    const own = kind?.find(`${namespace}/${controller?.name}`);
    for (const selector of own ? [{ matchLabels: merged }, own] : [{ matchLabels: merged }]) {
      requirements.push(...requirementsOf(selector));
    }
    if (requirements.length === 0) return undefined;
    return selectorFrom({ matchExpressions: requirements });
  }

  #changed({ metadata: { namespace = '' } }: KubeObject): void {
    this.#epochs.set(namespace, this.epoch(namespace) + 1);
  }
}

interface SelectingKind {
  readonly kind: Kind;
  /** The selector of the object of this key. */
  find(key: string): LabelSelector | undefined;
}

function fromLabels(matchLabels: StringMap | undefined): LabelSelector | undefined {
  return matchLabels && { matchLabels };
}

/** As expressions, so that selectors of several origins can be put together. */
function requirementsOf(selector: LabelSelector): LabelSelectorRequirement[] {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  const equal = Object.entries(matchLabels).map(([key, value]): LabelSelectorRequirement => {
    return { key, operator: 'In', values: [value] };
  });
  return [...equal, ...matchExpressions];
}

function selectorText(object: KubeObject): string | undefined {
  return JSON.stringify((object as { spec?: { selector?: unknown } }).spec?.selector);
}
