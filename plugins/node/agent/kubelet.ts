import type {
  ClusterNetwork,
  NetworkAddress,
  NetworkAnswer,
  NetworkFinding,
  NetworkRequest,
  Pod,
} from 'kernetes/sdk';

export interface KubeletsOptions {
  readonly nodeAt: (
    ip: string,
  ) => { readonly name: string; readonly isServed: boolean } | undefined;
  readonly podsOf: (node: string) => readonly Pod[];
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

  request({ ip, method, path }: NetworkRequest): NetworkAnswer {
    const node = this.#options.nodeAt(ip);
    if (node === undefined) throw new Error(`Cannot answer for ${ip}: it is no node's address`);
    if (method !== 'GET' && method !== 'HEAD') return answer(405, TEXT, 'Method Not Allowed\n');
    const pods = this.#options.podsOf(node.name);
    const page = PAGES.get(path.split('?', 1)[0] ?? '')?.(node.name, pods);
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

const PAGES: ReadonlyMap<string, (node: string, pods: readonly Pod[]) => Page> = new Map([
  ['/healthz', () => ({ type: TEXT, body: 'ok' })],
  ['/metrics', (node: string, pods: readonly Pod[]) => metrics(node, pods)],
  ['/pods', (_node: string, pods: readonly Pod[]) => podList(pods)],
  ['/stats/summary', (node: string, pods: readonly Pod[]) => summary(node, pods)],
]);

function podList(pods: readonly Pod[]): Page {
  const list = { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: pods };
  return { type: JSON_TYPE, body: JSON.stringify(list) };
}

function metrics(node: string, pods: readonly Pod[]): Page {
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

function summary(node: string, pods: readonly Pod[]): Page {
  const told = pods.map(({ metadata: { name, namespace, uid }, spec, status }) => ({
    podRef: { name, namespace, uid },
    startTime: status?.startTime,
    containers: (spec?.containers ?? []).map(each => ({ name: each.name })),
  }));
  const body = JSON.stringify({ node: { nodeName: node }, pods: told });
  return { type: JSON_TYPE, body };
}

const KUBELET_PORT = 10_250;
