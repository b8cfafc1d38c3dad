import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCluster } from 'kernetes';
import { ConfigMap, createRequest, type Fence, Lease } from 'kernetes/sdk';

/**
 * What it costs a write to be fenced by a lease: creates of ConfigMaps one after the other, in one
 * thread and in memory, in turns without a fence and with one. CREATES and ROUNDS choose the size;
 * small by default, so that it runs as a test. Prints one JSON line; the best round of each counts.
 */
const CREATES = Number(process.env.CREATES ?? 300);
const ROUNDS = Number(process.env.ROUNDS ?? 5);

test(`${CREATES} creates with a fence and without, ${ROUNDS} times`, async () => {
  await using cluster = await createCluster({ nodes: 0 });
  const { objects } = cluster;
  const metadata = { namespace: 'kube-system', name: 'held' };
  const lease = await objects.create(Lease, { metadata, spec: { holderIdentity: 'bench' } });
  const { uid = '', resourceVersion = '' } = lease.metadata;
  const { group, version, resource } = Lease;
  const fence: Fence = {
    ...{ group, version, resource, ...metadata, uid, resourceVersion },
    fields: { 'spec.holderIdentity': 'bench' },
  };
  let made = 0;
  const round = async (fenced: boolean) => {
    const before = process.cpuUsage();
    for (let i = 0; i < CREATES; i++) {
      const object = { metadata: { namespace: 'default', name: `c-${made++}` }, data: { a: 'b' } };
      await objects.request({ ...createRequest(ConfigMap, object), ...(fenced && { fence }) });
    }
    const { user, system } = process.cpuUsage(before);
    return (user + system) / CREATES;
  };
  const best = { plain: Number.POSITIVE_INFINITY, fenced: Number.POSITIVE_INFINITY };
  for (let i = 0; i < ROUNDS; i++) {
    best.plain = Math.min(best.plain, await round(false));
    best.fenced = Math.min(best.fenced, await round(true));
  }
  const [plainUs, fencedUs] = [best.plain, best.fenced].map(us => Number(us.toFixed(1)));
  console.log(JSON.stringify({ bench: 'fence', creates: CREATES, plainUs, fencedUs }));
  const { items } = await objects.list(ConfigMap, { namespace: 'default' });
  assert.ok(items.length >= made);
});
