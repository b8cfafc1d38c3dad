import {
  type ClusterNetwork,
  type ContainerUsage,
  type NetworkAddress,
  type NetworkAnswer,
  type NetworkFinding,
  type NetworkRequest,
  type Pod,
  type RuntimeUsage,
  toTime,
  type UsageRequest,
} from 'kernetes/sdk';
import { usageRequest } from './usage.ts';

export interface KubeletsOptions {
  readonly nodeAt: (
    ip: string,
  ) => { readonly name: string; readonly isServed: boolean } | undefined;
  readonly podsOf: (node: string) => readonly Pod[];
  /** What the pods' containers use; undefined: the runtime cannot tell. */
  readonly usage: ((pods: readonly UsageRequest[]) => Promise<RuntimeUsage>) | undefined;
}

/** What a kubelet's server tells of its node, as far as the agent knows it. */
export class Kubelets implements ClusterNetwork {
  readonly #options: KubeletsOptions;

  constructor(options: KubeletsOptions) {
    this.#options = options;
  }

  find({ ip, port }: NetworkAddress): NetworkFinding {
    const node = this.#options.nodeAt(ip);
    if (node === undefined) return 'unknown';
    return node.isServed && port === KUBELET_PORT ? 'https' : 'refused';
  }

  async request({ ip, method, path }: NetworkRequest): Promise<NetworkAnswer> {
    const node = this.#options.nodeAt(ip);
    if (node === undefined) throw new Error(`Cannot answer for ${ip}: it is no node's address`);
    if (method !== 'GET' && method !== 'HEAD') return answer(405, TEXT, 'Method Not Allowed\n');
    const pods = this.#options.podsOf(node.name);
    const { usage } = this.#options;
    const page = await PAGES.get(path.split('?', 1)[0] ?? '')?.({ node: node.name, pods, usage });
    const { type, body } = page ?? { type: TEXT, body: '404 page not found\n' };
    return answer(page ? 200 : 404, type, method === 'HEAD' ? '' : body);
  }
}

function answer(status: number, type: string, body: string): NetworkAnswer {
  return { status, headers: { 'content-type': type }, body: Buffer.from(body) };
}

interface Page {
  readonly type: string;
  readonly body: string;
}

const TEXT = 'text/plain; charset=utf-8';
const JSON_TYPE = 'application/json';

/** What pages are made of. */
interface Told {
  readonly node: string;
  readonly pods: readonly Pod[];
  readonly usage: KubeletsOptions['usage'];
}

const PAGES = new Map<string, (told: Told) => Page | Promise<Page>>([
  ['/healthz', () => ({ type: TEXT, body: 'ok' })],
  ['/metrics', metrics],
  ['/pods', podList],
  ['/stats/summary', summary],
]);

function podList({ pods }: Told): Page {
  const list = { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: pods };
  return { type: JSON_TYPE, body: JSON.stringify(list) };
}

function metrics({ node, pods }: Told): Page {
  const running = pods.filter(({ status }) => status?.phase === 'Running');
  const containers = running.flatMap(({ status }) => status?.containerStatuses ?? []);
  const lines = [
    '# HELP kubelet_node_name The name of the node.',
    '# TYPE kubelet_node_name gauge',
    `kubelet_node_name{node="${node}"} 1`,
    '# HELP kubelet_running_containers Containers by their state.',
    '# TYPE kubelet_running_containers gauge',
    `kubelet_running_containers{container_state="running"} ${
      containers.filter(({ state }) => state?.running).length
    }`,
    '# HELP kubelet_running_pods Pods that run.',
    '# TYPE kubelet_running_pods gauge',
    `kubelet_running_pods ${running.length}`,
  ];
  return { type: 'text/plain; version=0.0.4; charset=utf-8', body: `${lines.join('\n')}\n` };
}

async function summary({ node, pods, usage }: Told): Promise<Page> {
  const used = await usage?.(pods.map(usageRequest));
  const time = used && toTime(used.timestampMs);
  const statsOf = (measured: readonly ContainerUsage[]) => ({
    cpu: { time, usageNanoCores: measured.reduce((sum, each) => sum + each.cpuNanoCores, 0) },
    memory: { time, workingSetBytes: measured.reduce((sum, each) => sum + each.memoryBytes, 0) },
  });
  const told = pods.map(({ metadata: { name, namespace, uid }, spec, status }, i) => ({
    podRef: { name, namespace, uid },
    startTime: status?.startTime,
    containers: (spec?.containers ?? []).map(each => {
      const own = used?.pods[i]?.find(({ name }) => name === each.name);
      return { name: each.name, ...(own && statsOf([own])) };
    }),
    ...(used && statsOf(used.pods[i] ?? [])),
  }));
  const whole = { nodeName: node, ...(used && statsOf(used.pods.flat())) };
  return { type: JSON_TYPE, body: JSON.stringify({ node: whole, pods: told }) };
}

const KUBELET_PORT = 10_250;
