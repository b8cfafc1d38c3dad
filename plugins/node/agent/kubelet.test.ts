import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Runtime } from 'kernetes/sdk';
import { pod } from 'kernetes/sdk/testing';
import { Kubelets } from './kubelet.ts';

const usage: Runtime['usage'] = async pods => ({
  timestampMs: Date.UTC(2026, 0, 1),
  windowMs: 15_000,
  pods: pods.map(({ uid }) =>
    uid === 'u1' ? [{ name: 'main', cpuNanoCores: 5, memoryBytes: 7, windowMs: 15_000 }] : [],
  ),
});

const kubelets = new Kubelets({
  usage,
  nodeAt: ip =>
    ip === '172.18.0.2' || ip === '172.18.0.3'
      ? { name: 'node-1', isServed: ip === '172.18.0.2' }
      : undefined,
  podsOf: () => [
    pod('web', {
      metadata: { uid: 'u1' },
      status: {
        phase: 'Running',
        containerStatuses: [
          {
            name: 'a',
            image: 'x',
            imageID: '',
            ready: true,
            restartCount: 0,
            state: { running: {} },
          },
        ],
      },
    }),
    pod('job', { status: { phase: 'Succeeded' } }),
  ],
});

async function get(path: string, method = 'GET') {
  const request = { ip: '172.18.0.2', port: 10_250, method, path, headers: {} };
  const { status, body } = await kubelets.request({ ...request, body: Buffer.alloc(0) });
  return { status, text: Buffer.from(body).toString() };
}

describe('Kubelets', () => {
  for (const [ip, port, wanted] of [
    ['172.18.0.2', 10_250, 'https'],
    ['172.18.0.2', 22, 'refused'],
    ['172.18.0.3', 10_250, 'refused'],
    ['192.0.2.1', 10_250, 'unknown'],
  ] as const) {
    it(`${ip}:${port} is ${wanted}`, () => assert.equal(kubelets.find({ ip, port }), wanted));
  }

  it('tell of their health, their pods and how many run', async () => {
    assert.deepEqual(await get('/healthz'), { status: 200, text: 'ok' });
    const { items } = JSON.parse((await get('/pods')).text) as { items: unknown[] };
    assert.equal(items.length, 2);
    assert.match((await get('/metrics?x')).text, /^kubelet_running_pods 1$/m);
    assert.match((await get('/metrics')).text, /container_state="running"} 1$/m);
    const { node, pods } = JSON.parse((await get('/stats/summary')).text);
    const time = '2026-01-01T00:00:00Z';
    const used = { cpu: { time, usageNanoCores: 5 }, memory: { time, workingSetBytes: 7 } };
    assert.deepEqual(node, { nodeName: 'node-1', ...used });
    assert.equal(pods[0].podRef.name, 'web');
    assert.deepEqual(pods[0].containers, [{ name: 'main', ...used }]);
    assert.equal(pods[1].cpu.usageNanoCores, 0);
  });

  it('have no other pages, and change nothing', async () => {
    assert.equal((await get('/run/default/web/a')).status, 404);
    assert.equal((await get('/healthz', 'POST')).status, 405);
    assert.equal((await get('/healthz', 'HEAD')).text, '');
  });
});
