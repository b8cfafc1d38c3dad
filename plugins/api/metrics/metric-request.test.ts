import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromUrl } from './metric-request.ts';

const ROOT = '/apis/custom.metrics.k8s.io/v1beta2';
const NONE = {
  ...{ version: 'v1beta2', namespace: '', resource: '', name: '', subresource: '' },
  ...{ labelSelector: '', metricLabelSelector: '' },
};

describe('fromUrl()', () => {
  for (const [url, wanted] of [
    ['/', undefined],
    [
      '/namespaces/a/pods/*/rps?labelSelector=app%3Dweb&metricLabelSelector=x',
      {
        ...{ namespace: 'a', resource: 'pods', name: '*', subresource: 'rps' },
        ...{ labelSelector: 'app=web', metricLabelSelector: 'x' },
      },
    ],
    ['/namespaces/a/metrics/rps', { namespace: 'a', resource: 'metrics', name: 'rps' }],
    ['/nodes/n1/load/1m', { resource: 'nodes', name: 'n1', subresource: 'load/1m' }],
    ['/namespaces/a/queue', { namespace: 'a', resource: 'queue' }],
    ['/namespaces/a', { resource: 'namespaces', name: 'a' }],
  ] as const) {
    it(`reads ${url}`, () => {
      assert.deepEqual(fromUrl(`${ROOT}${url}`), wanted && { ...NONE, ...wanted });
    });
  }

  it('refuses what is not encoded, and what names nothing', () => {
    assert.throws(() => fromUrl(`${ROOT}/pods/%zz`), { code: 400 });
    assert.throws(() => fromUrl(`${ROOT}/namespaces/a//x`), { code: 404 });
  });
});
