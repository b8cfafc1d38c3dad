import { type Client, inParallel, quantile } from './client.ts';
import { Server } from './server.ts';

/** Figures of the API server over its wire; one JSON line each. Sizes by `--full`. */
const full = process.argv.includes('--full');
const only = process.argv.slice(2).filter(each => !each.startsWith('--'));
const CONNECTIONS = 32;

const benches: (readonly [name: string, run: () => Promise<object>])[] = [
  ['start', benchStart],
  ['memory', benchMemory],
  ['create', benchCreate],
  ['list', benchList],
  ['fanout', benchFanout],
  ['schedule', () => (full ? benchSchedule(1_000, 3_000) : benchSchedule(200, 500))],
  ['rollout', benchRollout],
  ['rollouts', benchRollouts],
];
if (full) benches.push(['schedule', () => benchSchedule(5_000, 5_000)]);

for (const [name, bench] of benches) {
  if (only.length > 0 && !only.includes(name)) continue;
  console.log(JSON.stringify({ bench: name, ...(await bench()) }));
}

async function benchStart(): Promise<object> {
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    const server = await Server.start();
    times.push(server.readyMs);
    await server.stop();
  }
  return {
    what: 'process start to ready, 3 nodes, median of 5',
    ms: Math.round(quantile(times, 0.5)),
  };
}

async function benchMemory(): Promise<object> {
  return withServer([], async ({ server }) => {
    await settle(server);
    return { what: 'resident memory, idle, 3 nodes', mb: Math.round(server.residentMb()) };
  });
}

async function benchCreate(): Promise<object> {
  const count = full ? 20_000 : 5_000;
  return withServer(['--nodes', '0'], async ({ server, client }) => {
    await createConfigMaps(client, 'warm', 1_000);
    const cpu = server.cpuMs();
    const { seconds, latencies } = await createConfigMaps(client, 'bench', count);
    return {
      what: 'ConfigMaps of 0.5 kB, 32 connections, durable',
      count,
      per_s: Math.round(count / seconds),
      p50_ms: round(quantile(latencies, 0.5)),
      p99_ms: round(quantile(latencies, 0.99)),
      cpu_us_each: Math.round(((server.cpuMs() - cpu) * 1_000) / count),
    };
  });
}

async function benchList(): Promise<object> {
  const count = full ? 10_000 : 2_000;
  return withServer(['--nodes', '0'], async ({ client }) => {
    await createConfigMaps(client, 'bench', count);
    const times: number[] = [];
    let bytes = 0;
    for (let round = 0; round < 20; round++) {
      const start = performance.now();
      bytes = (await client.call('GET', '/api/v1/configmaps')).length;
      times.push(performance.now() - start);
    }
    const ms = quantile(times, 0.5);
    return {
      what: `list of ${count} ConfigMaps`,
      bytes,
      p50_ms: round(ms),
      mb_per_s: round(bytes / ms / 1_000),
    };
  });
}

async function benchFanout(): Promise<object> {
  const watchers = 20;
  const count = full ? 1_000 : 500;
  return withServer(['--nodes', '0'], async ({ client }) => {
    await createNamespace(client, 'fanout');
    const sent = new Map<string, number>();
    const latencies: number[] = [];
    let finish: () => void = () => undefined;
    const done = new Promise<void>(resolve => {
      finish = resolve;
    });
    const path = '/api/v1/namespaces/fanout/configmaps';
    const ends = await Promise.all(
      Array.from({ length: watchers }, () =>
        client.watch(`${path}?watch=true`, ({ object }) => {
          const at = sent.get(object.metadata.name);
          if (at === undefined) return;
          if (latencies.push(performance.now() - at) === watchers * count) finish();
        }),
      ),
    );
    const start = performance.now();
    await inParallel(count, CONNECTIONS, async index => {
      const body = configMap(`cm-${index}`);
      sent.set(body.metadata.name, performance.now());
      await client.call('POST', path, body);
    });
    await done;
    const seconds = (performance.now() - start) / 1_000;
    for (const end of ends) end();
    return {
      what: `${watchers} watchers, ${count} events`,
      events_per_s: Math.round(latencies.length / seconds),
      p50_ms: round(quantile(latencies, 0.5)),
      p99_ms: round(quantile(latencies, 0.99)),
    };
  });
}

async function benchSchedule(nodes: number, pods: number): Promise<object> {
  return withServer(['--nodes', '0'], async ({ client }) => {
    await inParallel(nodes, CONNECTIONS, index =>
      client.call('POST', '/api/v1/nodes', node(index)),
    );
    await createNamespace(client, 'schedule');
    const path = '/api/v1/namespaces/schedule/pods';
    const bound = new Set<string>();
    let finish: () => void = () => undefined;
    const done = new Promise<void>(resolve => {
      finish = resolve;
    });
    const end = await client.watch(`${path}?watch=true`, ({ object }) => {
      if (object.spec?.nodeName && bound.add(object.metadata.name).size === pods) finish();
    });
    const start = performance.now();
    await inParallel(pods, CONNECTIONS, index => client.call('POST', path, pod(`p-${index}`)));
    await done;
    const seconds = (performance.now() - start) / 1_000;
    end();
    return {
      what: `${nodes} nodes, ${pods} pods over the API`,
      pods_per_s: Math.round(pods / seconds),
    };
  });
}

async function benchRollout(): Promise<object> {
  const replicas = full ? 300 : 100;
  return withServer([], async ({ client }) => {
    const { seconds } = await rollOut(client, { deployments: 1, replicas });
    return { what: `Deployment of ${replicas} simulated pods, all Ready`, seconds };
  });
}

async function benchRollouts(): Promise<object> {
  const [nodes, deployments, replicas] = full ? [500, 50, 200] : [50, 10, 50];
  return withServer(['--nodes', String(nodes)], async ({ server, client }) => {
    await settle(server, 100);
    const cpu = server.cpuMs();
    const figures = await rollOut(client, { deployments, replicas });
    return {
      what: `${deployments} Deployments of ${replicas} simulated pods on ${nodes} nodes, all Ready`,
      ...figures,
      cpu_ms_each: round((server.cpuMs() - cpu) / (deployments * replicas)),
      mb: Math.round(server.residentMb()),
    };
  });
}

/** `tenths_s` tells how steady it went: the time that each tenth of the pods took. */
async function rollOut(
  client: Client,
  { deployments, replicas }: { readonly deployments: number; readonly replicas: number },
): Promise<{ seconds: number; tenths_s: number[] }> {
  await createNamespace(client, 'rollout');
  const pods = deployments * replicas;
  const ready = new Set<string>();
  const times: number[] = [];
  let finish: () => void = () => undefined;
  const done = new Promise<void>(resolve => {
    finish = resolve;
  });
  const path = '/api/v1/namespaces/rollout/pods';
  const end = await client.watch(`${path}?watch=true`, ({ object }) => {
    const { name } = object.metadata;
    const isReady = object.status?.conditions?.some(c => c.type === 'Ready' && c.status === 'True');
    if (!isReady || ready.has(name)) return;
    ready.add(name);
    times.push(performance.now());
    if (ready.size === pods) finish();
  });
  const start = performance.now();
  await inParallel(deployments, CONNECTIONS, index =>
    client.call(
      'POST',
      '/apis/apps/v1/namespaces/rollout/deployments',
      deployment(`web-${index}`, replicas),
    ),
  );
  await done;
  end();
  const marks = [
    start,
    ...Array.from({ length: 10 }, (_, i) => times[((i + 1) * pods) / 10 - 1] ?? 0),
  ];
  return {
    seconds: round(((times.at(-1) ?? start) - start) / 1_000),
    tenths_s: marks.slice(1).map((mark, i) => round((mark - (marks[i] ?? 0)) / 1_000)),
  };
}

async function withServer<T>(
  args: readonly string[],
  work: (context: { server: Server; client: Client }) => Promise<T>,
): Promise<T> {
  const server = await Server.start({ args });
  const client = server.client(CONNECTIONS);
  try {
    return await work({ server, client });
  } finally {
    client.close();
    await server.stop();
  }
}

async function createConfigMaps(client: Client, namespace: string, count: number) {
  await createNamespace(client, namespace);
  const latencies: number[] = [];
  const start = performance.now();
  await inParallel(count, CONNECTIONS, async index => {
    const sent = performance.now();
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    await client.call('POST', path, configMap(`cm-${index}`));
    latencies.push(performance.now() - sent);
  });
  return { seconds: (performance.now() - start) / 1_000, latencies };
}

function createNamespace(client: Client, name: string): Promise<Buffer> {
  return client.call('POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name },
  });
}

function configMap(name: string) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: 'x'.repeat(512) } };
}

function node(index: number) {
  const name = `bench-${index}`;
  const capacity = { cpu: '32', memory: '256Gi', pods: '110', 'ephemeral-storage': '100Gi' };
  const labels = { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': `z${index % 3}` };
  const conditions = [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }];
  const status = { capacity, allocatable: capacity, conditions };
  return { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, status };
}

function pod(name: string) {
  const resources = { requests: { cpu: '100m', memory: '200Mi' } };
  const spec = { containers: [{ name: 'c', image: 'pause', resources }] };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: 'b' } }, spec };
}

function deployment(name: string, replicas: number) {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'nginx' }] } };
  const spec = { replicas, selector: { matchLabels: labels }, template };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec };
}

/** Until it uses next to no CPU for a while: its start's work is done. Heartbeats go on. */
async function settle(server: Server, msIn500 = 30): Promise<void> {
  for (let quiet = 0; quiet < 3; ) {
    const before = server.cpuMs();
    await new Promise(resolve => setTimeout(resolve, 500));
    quiet = server.cpuMs() - before < msIn500 ? quiet + 1 : 0;
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
