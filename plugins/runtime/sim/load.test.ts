import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseLoad } from './load.ts';

const CREATED = '2026-01-01T00:00:00Z';
const loadOf = (data: Record<string, string>) =>
  parseLoad({ metadata: { name: 'load', namespace: 'default', creationTimestamp: CREATED }, data });

describe('parseLoad()', () => {
  it('reads who shares what', () => {
    const load = loadOf({
      selector: 'app=web',
      container: 'main',
      noise: '5%',
      cpu: '2',
      memory: '1Gi\n',
      'pods.rps': '100',
      'object.requests.total':
        'services/web: 5\ningresses.networking.k8s.io/main: ramp(0, 1, 1m)\n',
      'external.queue': 'queue=mail,zone=a: 30\n7',
    });
    assert.equal(`${load.selector}`, 'app=web');
    assert.deepEqual([load.container, load.noise, load.cpu?.(0)], ['main', 0.05, 2]);
    assert.equal(load.memory?.(0), 2 ** 30);
    assert.equal(load.startMs, Date.parse(CREATED));
    assert.equal(load.pods.get('rps')?.(0), 100);
    assert.deepEqual(
      load.objects.map(({ metric, resource, name }) => [metric, resource, name]),
      [
        ['requests.total', 'services', 'web'],
        ['requests.total', 'ingresses.networking.k8s.io', 'main'],
      ],
    );
    assert.deepEqual(
      load.external.map(({ labels, curve }) => [labels, curve(0)]),
      [
        [{ queue: 'mail', zone: 'a' }, 30],
        [{}, 7],
      ],
    );
  });

  it('begins when it says', () => {
    assert.equal(loadOf({ start: '2026-01-01T00:01:00Z' }).startMs, Date.parse(CREATED) + 60_000);
  });

  for (const [data, message] of [
    [{ cpu: '1' }, /^selector: there is none/],
    [{ selector: 'a in', cpu: '1' }, /^selector: /],
    [{ cpu: 'lots', selector: 'a=b' }, /^cpu: "lots" is no quantity/],
    [{ disk: '1' }, /^disk: it is none of selector, container/],
    [{ 'disk.io': '1' }, /^disk\.io: it is none of/],
    [{ noise: '200%' }, /^noise: "200%" is no part/],
    [{ start: 'soon' }, /^start: "soon" is no time/],
    [{ 'object.rps': '5' }, /^object\.rps: "5" does not begin with/],
    [{ 'object.rps': 'namespaces/other: 5' }, /^object\.rps: namespace "other" is another one/],
    [{ 'external.queue': 'mail: 5' }, /^external\.queue: "mail" are no labels/],
  ] as const) {
    it(`refuses ${JSON.stringify(data)}`, () => {
      assert.throws(() => loadOf(data as Record<string, string>), { message });
    });
  }
});
