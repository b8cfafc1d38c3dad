import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReplicaSet } from './api/types-apps-v1.ts';
import { type Pod, Service } from './api/types-core-v1.ts';
import { podInfoOf } from './scheduler-info.ts';
import { SpreadSelectors } from './spread-selector.ts';
import { pod, replicaSet, service } from './testing/builders.ts';
import { testContext } from './testing/test-context.ts';

const OWNER = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  name: 'web',
  uid: 'u',
  controller: true,
};

function web(rest: Partial<Pod['metadata']> = {}) {
  return podInfoOf(pod('p', { metadata: { labels: { app: 'web', tier: 'x' }, ...rest } }));
}

async function setUp() {
  const { context, kernel, clock } = testContext();
  const selectors = new SpreadSelectors(context);
  return { selectors, kernel, clock };
}

const TABLE: readonly {
  readonly name: string;
  readonly services?: readonly Service[];
  readonly sets?: readonly ReplicaSet[];
  readonly owned?: boolean;
  readonly selector: string | undefined;
}[] = [
  { name: 'is absent for a pod that nothing selects', selector: undefined },
  { name: 'is that of its Service', services: [service('web')], selector: 'app in (web)' },
  { name: 'is not that of another Service', services: [service('db')], selector: undefined },
  {
    name: 'is not that of a Service in another namespace',
    services: [service('web', {}, { namespace: 'other' })],
    selector: undefined,
  },
  {
    name: 'is that of all its Services together',
    services: [service('web'), service('tier', { selector: { tier: 'x' } })],
    selector: 'app in (web),tier in (x)',
  },
  {
    name: 'is that of its controller',
    sets: [replicaSet('web')],
    owned: true,
    selector: 'app in (web)',
  },
  {
    name: 'is not that of a controller which did not make it',
    sets: [replicaSet('web')],
    selector: undefined,
  },
  { name: 'is absent while its controller is not there', owned: true, selector: undefined },
  {
    name: 'is that of Service and controller together',
    services: [service('tier', { selector: { tier: 'x' } })],
    sets: [replicaSet('web')],
    owned: true,
    selector: 'app in (web),tier in (x)',
  },
];

for (const { name, services = [], sets = [], owned, selector } of TABLE) {
  test(`selectorOf() ${name}`, async () => {
    const { selectors, kernel, clock } = await setUp();
    kernel.add(Service, ...services);
    kernel.add(ReplicaSet, ...sets);
    await clock.step(0);
    const one = web(owned ? { ownerReferences: [OWNER] } : {});
    assert.equal(selectors.selectorOf(one)?.toString(), selector);
  });
}

test('epoch() changes with what is selected, in that namespace only', async () => {
  const { selectors, kernel, clock } = await setUp();
  kernel.add(Service, service('web'));
  await clock.step(0);
  const [before, elsewhere] = [selectors.epoch('default'), selectors.epoch('other')];
  kernel.modify(Service, 'default/web', each => {
    each.metadata.labels = { a: 'b' };
  });
  await clock.step(0);
  assert.equal(selectors.epoch('default'), before);
  kernel.modify(Service, 'default/web', each => {
    each.spec = { ...each.spec, selector: { app: 'db' } };
  });
  await clock.step(0);
  assert.notEqual(selectors.epoch('default'), before);
  assert.equal(selectors.epoch('other'), elsewhere);
});
