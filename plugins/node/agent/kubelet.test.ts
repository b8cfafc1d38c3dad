import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pod } from 'kernetes/sdk/testing';
import { Kubelets } from './kubelet.ts';

const kubelets = new Kubelets({
  nodeAt: ip =>
    ip === '172.18.0.2' || ip === '172.18.0.3'
      ? { name: 'node-1', isServed: ip === '172.18.0.2' }
      : undefined,
  podsOf: () => [
    pod('web', {
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

function get(path: string, method = 'GET') {
  const request = { ip: '172.18.0.2', port: 10_250, method, path, headers: {} };
  const { status, body } = kubelets.request({ ...request, body: Buffer.alloc(0) });
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

  it('tell of their health, their pods and how many run', () => {
    assert.deepEqual(get('/healthz'), { status: 200, text: 'ok' });
    const { items } = JSON.parse(get('/pods').text) as { items: unknown[] };
    assert.equal(items.length, 2);
    assert.match(get('/metrics?x').text, /^kubelet_running_pods 1$/m);
    assert.match(get('/metrics').text, /container_state="running"} 1$/m);
    const { node, pods } = JSON.parse(get('/stats/summary').text);
    assert.deepEqual([node, pods[0].podRef.name], [{ nodeName: 'node-1' }, 'web']);
  });

  it('have no other pages, and change nothing', () => {
    assert.equal(get('/run/default/web/a').status, 404);
    assert.equal(get('/healthz', 'POST').status, 405);
    assert.equal(get('/healthz', 'HEAD').text, '');
  });
});
