import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Cluster } from 'kernetes';
import {
  Deployment,
  FlowSchema,
  Namespace,
  PriorityLevelConfiguration,
  ReplicaSet,
  Service,
} from 'kernetes/sdk';
import { deployment, namespace, service } from 'kernetes/sdk/testing';
import { readProfile } from '../../kernel/loader/profile.ts';
import { writes } from '../../plugins/controller/flowcontrol-bootstrap/plugin.ts';
import {
  wantedFlows,
  wantedLevels,
} from '../../plugins/controller/flowcontrol-bootstrap/wanted.ts';
import { eventually, until } from './eventually.ts';
import type { Http } from './http.ts';
import { startCluster } from './start-cluster.ts';

/** It makes what a cluster begins with, and is done. */
const DONE = 'controller.rbac-bootstrap';
const CONTROLLERS = readProfile(join(import.meta.dirname, '../../plugins/profile.yaml'))
  .plugins.map(({ name = '' }) => name)
  .filter(name => name.startsWith('controller.') && name !== DONE);
const prefixOf = (name: string) => name.replace(/[^a-z]/g, '_');

/** What a Deployment behind a Service, and what is deleted, give to do. */
const BUSY = [
  'clusterrole-aggregation',
  'deployment',
  'endpoints',
  'endpointslice',
  'garbage-collector',
  'namespace',
  'replicaset',
  'root-ca-publisher',
  'serviceaccount',
].map(name => `controller.${name}`);

describe('/metrics tells of every controller', { timeout: 120_000 }, () => {
  let cluster: Cluster;
  let http: Http;
  let text = '';

  before(async () => {
    ({ cluster, http } = await startCluster({ nodes: 1 }));
    const { objects } = cluster;
    await objects.create(Namespace, namespace('going'));
    await objects.create(Service, service('web'));
    await objects.create(Deployment, deployment('web', { replicas: 1 }));
    const key = { namespace: 'default', name: 'web' };
    await cluster.until({ kind: Deployment, ...key }, ({ status }) => status?.readyReplicas === 1);
    await objects.delete(Deployment, key);
    await objects.delete(Namespace, { name: 'going' });
    // What they count is told a moment after what they do.
    await until(async () => (await objects.list(ReplicaSet)).items.length === 0);
    text = await eventually(async () => {
      const body = String((await http.call('GET', '/metrics')).body);
      const isMissing = (name: string) => !body.includes(`${prefixOf(name)}_reconciles_total{`);
      return BUSY.some(isMissing) ? undefined : body;
    });
  });
  after(() => cluster?.close());

  for (const name of CONTROLLERS) {
    it(`${name}: how deep its queue is, and what it tried again`, () => {
      assert.match(text, new RegExp(`^${prefixOf(name)}_queue_depth(\\{[^}]*\\})? \\d+$`, 'm'));
      assert.match(text, new RegExp(`^${prefixOf(name)}_retries_total(\\{[^}]*\\})? \\d+$`, 'm'));
    });
  }

  it('and of each that had something to do, what came of it and how long it took', () => {
    const worked = [...text.matchAll(/^(controller_\w+)_reconciles_total\{/gm)].map(
      ([, own]) => own,
    );
    assert.ok(worked.length >= BUSY.length);
    for (const name of worked) {
      assert.match(
        text,
        new RegExp(`^${name}_reconcile_seconds_count(\\{[^}]*\\})? [1-9]`, 'm'),
        name,
      );
      assert.match(
        text,
        new RegExp(`^${name}_reconciles_total\\{.*result="success".*\\} [1-9]`, 'm'),
        name,
      );
    }
  });
});

describe('the default flow control', () => {
  it('is as wanted when the server has filled it in: nothing would be written again', async () => {
    const { cluster } = await startCluster({ nodes: 0 });
    const levels = await cluster.objects.list(PriorityLevelConfiguration);
    const flows = await cluster.objects.list(FlowSchema);
    assert.deepEqual(writes(PriorityLevelConfiguration, wantedLevels(), levels.items), []);
    assert.deepEqual(writes(FlowSchema, wantedFlows(), flows.items), []);
    await cluster.close();
  });
});
