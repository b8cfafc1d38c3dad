import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ClusterRole, type PolicyRule } from 'kernetes/sdk';
import { activate, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const rule = (resource: string): PolicyRule => ({
  apiGroups: [''],
  resources: [resource],
  verbs: ['get'],
});
const part = (name: string, label: string, ...rules: PolicyRule[]): ClusterRole => ({
  metadata: { name, labels: { [label]: 'true' } },
  rules,
});
const whole = (name: string, label: string, labels = {}): ClusterRole => ({
  metadata: { name, labels },
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [label]: 'true' } }] },
});
const rulesOf = (kernel: TestKernel, name: string) => kernel.get(ClusterRole, name)?.rules;

describe('controller.clusterrole-aggregation', () => {
  it('gathers the rules of selected roles by name, each once', async () => {
    const kernel = new TestKernel();
    kernel.add(
      ClusterRole,
      part('b', 'x', rule('pods'), rule('nodes')),
      part('a', 'x', rule('pods')),
    );
    kernel.add(ClusterRole, part('other', 'y', rule('secrets')), whole('all', 'x'));
    const { dispose } = await activate(plugin, { kernel });
    assert.deepEqual(rulesOf(kernel, 'all'), [rule('pods'), rule('nodes')]);
    await dispose();
  });

  it('follows roles that come, change and go, over several steps', async () => {
    const kernel = new TestKernel();
    kernel.add(
      ClusterRole,
      whole('admin', 'to-admin'),
      whole('edit', 'to-edit', { 'to-admin': 'true' }),
    );
    const { clock, dispose } = await activate(plugin, { kernel });
    await kernel.objects.create(ClusterRole, part('mine', 'to-edit', rule('things')));
    await clock.step(0);
    assert.deepEqual(rulesOf(kernel, 'admin'), [rule('things')]);
    await kernel.objects.delete(ClusterRole, { name: 'mine' });
    await clock.step(0);
    assert.deepEqual(rulesOf(kernel, 'edit'), []);
    assert.deepEqual(rulesOf(kernel, 'admin'), []);
    await dispose();
  });

  it('takes back what somebody wrote into an aggregated role, and writes no role twice', async () => {
    const kernel = new TestKernel();
    kernel.add(ClusterRole, part('a', 'x', rule('pods')), whole('all', 'x'));
    const { clock, dispose } = await activate(plugin, { kernel });
    await kernel.objects.patch(ClusterRole, { name: 'all' }, { rules: [rule('secrets')] });
    await clock.step(0);
    assert.deepEqual(rulesOf(kernel, 'all'), [rule('pods')]);
    const writes = kernel.requests.filter(({ verb }) => verb === 'patch').length;
    await kernel.objects.patch(ClusterRole, { name: 'a' }, { metadata: { labels: { more: 'x' } } });
    await clock.step(0);
    assert.equal(kernel.requests.filter(({ verb }) => verb === 'patch').length, writes);
    await dispose();
  });
});
