import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Cluster, createCluster } from 'kernetes';
import {
  ConfigMap,
  Deployment,
  Endpoints,
  type KubeObject,
  Node,
  Pod,
  Service,
} from 'kernetes/sdk';
import { type Frame, Http, jsonOf } from './http.ts';

/** A cluster whose data outlive it, stopped and started again. */
describe('a restart with the same data', { timeout: 60_000 }, () => {
  let data: string;
  let cluster: Cluster;
  let kept: State;

  before(async () => {
    data = mkdtempSync(join(tmpdir(), 'kernetes-restart-'));
    cluster = await createCluster({ nodes: 2, data });
    await cluster.apply(WEB);
    await ready(cluster);
    await cluster.objects.create(ConfigMap, configMap('deleted'));
    await cluster.objects.delete(ConfigMap, { namespace: 'default', name: 'deleted' });
    kept = await stateOf(cluster);
    await cluster.close();
    cluster = await createCluster({ nodes: 2, data });
  });
  after(async () => {
    await cluster?.close();
    rmSync(data, { recursive: true, force: true });
  });

  it('keeps uids, addresses and ports', async () => {
    const after = await stateOf(cluster);
    assert.deepEqual(after.pods, kept.pods);
    assert.deepEqual(after.services, kept.services);
    assert.deepEqual(after.uids, kept.uids);
  });

  it('writes nothing of what is as it should be', async () => {
    await ready(cluster);
    const after = await stateOf(cluster);
    assert.deepEqual(after.versions, kept.versions);
  });

  it('goes on where it was', async () => {
    const last = Math.max(...Object.values(kept.versions).map(Number));
    const made = await cluster.objects.create(ConfigMap, configMap('next'));
    assert.ok(Number(made.metadata.resourceVersion) > last);
    const key = { namespace: 'default', name: 'web' };
    await cluster.objects.patch(Deployment, key, { spec: { replicas: 5 } });
    await cluster.until({ kind: Deployment, name: 'web' }, available(5));
    const { pods } = await stateOf(cluster);
    const old = Object.keys(kept.pods);
    assert.deepEqual(
      old.map(name => pods[name]),
      old.map(name => kept.pods[name]),
    );
    const addresses = Object.values(pods).map(({ ip }) => ip);
    assert.equal(new Set(addresses).size, 5, 'no address is given away twice');
    const { items } = await cluster.objects.list(Service, { namespace: 'default' });
    const taken = items.find(({ metadata }) => metadata.name === 'web')?.spec?.clusterIP ?? '';
    const again = cluster.objects.create(Service, {
      metadata: { namespace: 'default', name: 'again' },
      spec: { clusterIP: taken, ports: [{ port: 80 }] },
    });
    await assert.rejects(again, /provided IP is already allocated/);
  });

  it('a pod that goes is replaced, and the endpoints follow', async () => {
    const [name = ''] = Object.keys(kept.pods);
    const gone = kept.pods[name]?.ip;
    await cluster.objects.delete(Pod, { namespace: 'default', name }, { gracePeriodSeconds: 0 });
    await cluster.until({ kind: Endpoints, name: 'web' }, ({ subsets }) => {
      const addresses =
        subsets?.flatMap(({ addresses = [] }) => addresses.map(({ ip }) => ip)) ?? [];
      return addresses.length === 5 && !addresses.includes(gone ?? '');
    });
  });

  it('a watch from before the restart is told to list anew', async () => {
    const http = Http.of(await cluster.kubeconfig());
    const [oldest = ''] = Object.values(kept.versions).sort((a, b) => Number(a) - Number(b));
    const path = `/api/v1/configmaps?watch=true&resourceVersion=${oldest}`;
    const reply = await http.call('GET', path);
    const { type, object } = jsonOf<Frame>(reply);
    const { code, reason, message } = object;
    assert.deepEqual([reply.code, type, code, reason], [200, 'ERROR', 410, 'Expired']);
    assert.match(message ?? '', /^too old resource version: \d+ \(\d+\)$/);
  });
});

const WEB = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: nginx }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { type: NodePort, selector: { app: web }, ports: [{ port: 80 }] }
`;

interface State {
  readonly pods: Readonly<Record<string, { node: string; ip: string; startedAt: string }>>;
  readonly services: Readonly<Record<string, { clusterIP: string; nodePort: number | undefined }>>;
  readonly uids: Readonly<Record<string, string>>;
  readonly versions: Readonly<Record<string, string>>;
}

async function stateOf({ objects }: Cluster): Promise<State> {
  const pods = await objects.list(Pod, { namespace: 'default' });
  const services = await objects.list(Service);
  const deployments = await objects.list(Deployment);
  const nodes = await objects.list(Node);
  const all: KubeObject[] = [
    ...pods.items,
    ...services.items,
    ...deployments.items,
    ...nodes.items,
  ];
  const idOf = ({ kind, metadata }: KubeObject) => `${kind} ${metadata.namespace}/${metadata.name}`;
  return {
    pods: Object.fromEntries(
      pods.items.map(({ metadata, spec, status }) => [
        metadata.name,
        {
          node: spec?.nodeName ?? '',
          ip: status?.podIP ?? '',
          startedAt: status?.containerStatuses?.[0]?.state?.running?.startedAt ?? '',
        },
      ]),
    ),
    services: Object.fromEntries(
      services.items.map(({ metadata, spec }) => [
        metadata.name,
        { clusterIP: spec?.clusterIP ?? '', nodePort: spec?.ports?.[0]?.nodePort },
      ]),
    ),
    uids: Object.fromEntries(all.map(each => [idOf(each), each.metadata.uid ?? ''])),
    versions: Object.fromEntries(
      all.map(each => [idOf(each), each.metadata.resourceVersion ?? '']),
    ),
  };
}

async function ready(cluster: Cluster): Promise<void> {
  await cluster.until({ kind: Deployment, name: 'web' }, available(3));
  await cluster.until(
    { kind: Endpoints, name: 'web' },
    ({ subsets }) => subsets?.[0]?.addresses?.length === 3,
  );
}

function available(count: number) {
  return ({ metadata, status }: Deployment) =>
    status?.availableReplicas === count &&
    status.observedGeneration === metadata.generation &&
    status.conditions?.some(({ reason }) => reason === 'NewReplicaSetAvailable') === true;
}

function configMap(name: string): ConfigMap {
  return { metadata: { namespace: 'default', name } };
}
