import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Event, Pod } from 'kernetes/sdk';
import { Server } from '../bench/server.ts';
import { eventually } from './eventually.ts';
import { Http } from './http.ts';

const SWAPPED = join(import.meta.dirname, 'testdata/swapped-score.ts');
const GRANT = 'swapped-score:objects=list,watch@/configmaps';
const PODS = '/api/v1/namespaces/default/pods';
const LIKED = '/api/v1/namespaces/default/configmaps/liked';

/** Pods come all the time, while somebody's score plugin in a thread of its own comes and goes. */
describe('a scheduler plugin that is swapped', { timeout: 180_000 }, () => {
  let server: Server;
  let http: Http;
  /** Pod -> its node. */
  const placed = new Map<string, string>();

  before(async () => {
    const args = ['--nodes', '4', '--plugin', SWAPPED, '--grant', GRANT];
    server = await Server.start({ args });
    http = Http.of(server.kubeconfig);
    await http.json('POST', '/api/v1/namespaces/default/configmaps', {
      metadata: { name: 'liked' },
    });
  });
  after(() => server?.stop());

  /** A few pods, from creation to their nodes; they make room for others then. */
  const wave = async (): Promise<string[]> => {
    const names = Array.from({ length: 8 }, (_, i) => `pod-${placed.size + i}`);
    await Promise.all(names.map(name => http.json('POST', PODS, podOf(name))));
    const pods = await eventually(async () => {
      const { items } = await http.json<{ items: Pod[] }>('GET', PODS);
      return items.every(({ spec }) => spec?.nodeName) ? items : undefined;
    });
    assert.deepEqual(pods.map(({ metadata }) => metadata.name).sort(), names.sort());
    await http.json('DELETE', `${PODS}?gracePeriodSeconds=0`);
    return pods.map(({ metadata, spec }) => {
      const node = spec?.nodeName ?? '';
      placed.set(metadata.name ?? '', node);
      return node;
    });
  };
  /** Changes the plugin in the middle of a wave, and goes on until pods go where they should. */
  const swap = async (node: string | undefined, isSo: (nodes: string[]) => boolean) => {
    const going = wave();
    const type = 'application/merge-patch+json';
    await http.json('PATCH', LIKED, { data: { node: node ?? null } }, type);
    await going;
    await eventually(async () => (isSo(await wave()) ? true : undefined));
  };
  const allOn = (node: string) => (nodes: string[]) => nodes.every(each => each === node);

  it('decides from when it is loaded, in the way that it has then', async () => {
    assert.ok(new Set(await wave()).size > 1);
    for (const node of ['node-3', 'node-1', 'node-4']) await swap(node, allOn(node));
  });

  it('decides nothing any more when it is removed, and again when it is back', async () => {
    await swap(undefined, nodes => new Set(nodes).size > 2);
    await swap('node-2', allOn('node-2'));
  });

  it('may come and go faster than pods are placed', async () => {
    for (let i = 0; i < 12; i++) {
      const node = i % 3 === 0 ? undefined : `node-${1 + (i % 4)}`;
      await swap(node, () => true);
    }
    await swap('node-1', allOn('node-1'));
  });

  it('has no pod lost, and none placed twice', async () => {
    // Events give way to what matters more: they come a moment after the bindings.
    const items = await eventually(async () => {
      const list = await http.json<{ items: Event[] }>(
        'GET',
        '/api/v1/namespaces/default/events?fieldSelector=reason%3DScheduled',
      );
      return list.items.length >= placed.size ? list.items : undefined;
    });
    const told = new Map<string, string[]>();
    for (const { involvedObject, message = '', count = 1 } of items) {
      const name = involvedObject.name ?? '';
      const nodes = Array<string>(count).fill(message.split(' to ')[1] ?? '');
      told.set(name, [...(told.get(name) ?? []), ...nodes]);
    }
    assert.deepEqual([...told].sort(), [...placed].map(([name, node]) => [name, [node]]).sort());
  });
});

function podOf(name: string): object {
  return { metadata: { name }, spec: { containers: [{ name: 'main', image: 'nginx' }] } };
}
