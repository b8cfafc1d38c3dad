import type { Node, Pod, PodInfo, PreemptionChoice, RemoteChoice, Verdict } from 'kernetes/sdk';
import { verdict } from 'kernetes/sdk';
import type { Connection, ConnectionSetting } from './connection.ts';

/** An entry of upstream's `extenders`. */
export interface ExtenderSetting extends ConnectionSetting {
  readonly filterVerb?: string;
  readonly prioritizeVerb?: string;
  readonly bindVerb?: string;
  readonly preemptVerb?: string;
  readonly weight?: number;
  readonly nodeCacheCapable?: boolean;
  readonly ignorable?: boolean;
  readonly managedResources?: readonly { readonly name: string }[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Upstream's bound of an extender's scores. */
const PRIORITY_MAX = 10;

/** One extender: its questions and answers, in upstream's words. Throws what is wrong with them. */
export class Extender {
  readonly setting: ExtenderSetting;
  readonly timeoutMs: number;
  readonly #connection: Connection;
  readonly #nodeOf: (name: string) => Node | undefined;

  /** `nodeOf` is asked where the extender does not know the nodes itself. */
  constructor(
    setting: ExtenderSetting,
    connection: Connection,
    nodeOf: (name: string) => Node | undefined,
  ) {
    this.setting = setting;
    this.timeoutMs = connection.timeoutMs;
    this.#connection = connection;
    this.#nodeOf = nodeOf;
  }

  /** Whether the pod asks for one of its resources; without a list, each pod is its business. */
  concerns({ spec }: PodInfo): boolean {
    const { managedResources = [] } = this.setting;
    if (managedResources.length === 0) return true;
    const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
    return containers.some(({ resources }) =>
      managedResources.some(
        ({ name }) =>
          resources?.requests?.[name] !== undefined || resources?.limits?.[name] !== undefined,
      ),
    );
  }

  /** What it has against nodes, by name. */
  async filter(pod: PodInfo, names: readonly string[]): Promise<ReadonlyMap<string, Verdict>> {
    const { filterVerb = '', nodeCacheCapable } = this.setting;
    const result = record(await this.#connection.post(filterVerb, this.#args(pod, names)));
    if (result.error) throw new Error(String(result.error));
    const passed = new Set(
      nodeCacheCapable && result.nodenames ? texts(result.nodenames) : namesOf(result.nodes),
    );
    const known = new Set(names);
    for (const name of passed) {
      if (known.has(name)) continue;
      const text = `claims a filtered node "${name}" which is not found in the input node list`;
      throw new Error(`extender "${this.setting.urlPrefix}" ${text}`);
    }
    const failed = stringsOf(result.failedNodes);
    const lost = stringsOf(result.failedAndUnresolvableNodes);
    const refusals = new Map<string, Verdict>();
    for (const name of names) {
      const never = lost.get(name);
      if (never !== undefined) refusals.set(name, verdict.unresolvable(never));
      else if (!passed.has(name)) {
        refusals.set(name, verdict.unschedulable(failed.get(name) ?? REFUSED));
      }
    }
    return refusals;
  }

  /** Scores from 0 to 10, by node name. */
  async prioritize(pod: PodInfo, names: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const { prioritizeVerb = '' } = this.setting;
    const result = await this.#connection.post(prioritizeVerb, this.#args(pod, names));
    if (!Array.isArray(result)) throw new Error('its priorities are no list');
    return new Map(
      result.map(entry => {
        const { host, score } = record(entry);
        if (typeof score === 'number' && score >= 0 && score <= PRIORITY_MAX) {
          return [String(host), score];
        }
        throw new Error(`its priority of "${host}" is ${score}, want 0 to ${PRIORITY_MAX}`);
      }),
    );
  }

  async bind({ name, namespace, uid }: PodInfo, node: string): Promise<void> {
    const { bindVerb = '' } = this.setting;
    const binding = { podName: name, podNamespace: namespace, podUID: uid, node };
    const { error } = record(await this.#connection.post(bindVerb, binding));
    if (error) throw new Error(String(error));
  }

  async preempt(
    pod: PodInfo,
    choices: readonly PreemptionChoice[],
  ): Promise<readonly RemoteChoice[]> {
    const { preemptVerb = '', nodeCacheCapable } = this.setting;
    const victimsOf = ({ victims, violations }: PreemptionChoice) => ({
      pods: nodeCacheCapable ? victims.map(({ uid }) => ({ uid })) : victims.map(podOf),
      numPDBViolations: violations,
    });
    const victims = Object.fromEntries(
      choices.map(choice => [choice.nodeName, victimsOf(choice)] as const),
    );
    const result = record(
      await this.#connection.post(preemptVerb, {
        pod: podOf(pod),
        [nodeCacheCapable ? 'nodeNameToMetaVictims' : 'nodeNameToVictims']: victims,
      }),
    );
    const left = Object.entries(record(result.nodeNameToMetaVictims ?? {}));
    return left.map(([nodeName, value]) => this.#choiceOf(nodeName, record(value), choices));
  }

  #choiceOf(nodeName: string, value: Fields, choices: readonly PreemptionChoice[]): RemoteChoice {
    const offered = choices.find(choice => choice.nodeName === nodeName);
    const pods = Array.isArray(value.pods) ? value.pods : [];
    const victims = pods.map(entry => {
      const { uid } = record(entry);
      const victim = offered?.victims.find(pod => pod.uid === uid);
      if (victim) return victim.key;
      const text = `claims to preempt pod (UID: ${uid}) on node: ${nodeName}`;
      throw new Error(
        `extender: ${this.setting.urlPrefix} ${text}, but the pod is not found there`,
      );
    });
    return { nodeName, victims, violations: Number(value.numPDBViolations ?? 0) };
  }

  #args(pod: PodInfo, names: readonly string[]): object {
    if (this.setting.nodeCacheCapable) return { pod: podOf(pod), nodenames: names };
    const items = names.flatMap(name => this.#nodeOf(name) ?? []);
    return { pod: podOf(pod), nodes: { apiVersion: 'v1', kind: 'NodeList', metadata: {}, items } };
  }
}

const REFUSED = 'node(s) were refused by an extender';

function podOf({ name, namespace, uid, labels, annotations, spec }: PodInfo): Pod {
  const metadata = { name, namespace, uid, labels, annotations };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec };
}

function record(value: unknown): Fields {
  if (typeof value === 'object' && value !== null) return value as Fields;
  throw new Error('its answer is no object');
}

function texts(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.map(String);
  throw new Error('its node names are no list');
}

function namesOf(nodes: unknown): readonly string[] {
  const { items } = record(nodes ?? {});
  if (!Array.isArray(items)) return [];
  return items.map(item => String(record(record(item).metadata).name));
}

function stringsOf(value: unknown): ReadonlyMap<string, string> {
  const entries = Object.entries(record(value ?? {}));
  return new Map(entries.map(([name, text]) => [name, String(text)]));
}
