import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { remoteResources } from './remote-resources.ts';

const OWN = { group: 'metrics.example', version: 'v1' };

describe('remoteResources()', () => {
  it('puts subresources below what they are of', () => {
    const resources = [
      {
        name: 'pods',
        singularName: 'pod',
        namespaced: true,
        kind: 'PodMetrics',
        verbs: ['get'],
        shortNames: ['pm'],
      },
      {
        name: 'pods/scale',
        namespaced: true,
        group: 'autoscaling',
        version: 'v1',
        kind: 'Scale',
        verbs: ['update'],
      },
      { name: 'nodes', kind: 'NodeMetrics', verbs: ['list'] },
    ];
    assert.deepEqual(remoteResources({ resources }, OWN), [
      {
        resource: 'pods',
        responseKind: { ...OWN, kind: 'PodMetrics' },
        scope: 'Namespaced',
        singularResource: 'pod',
        verbs: ['get'],
        shortNames: ['pm'],
        subresources: [
          {
            subresource: 'scale',
            responseKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
            verbs: ['update'],
          },
        ],
      },
      {
        resource: 'nodes',
        responseKind: { ...OWN, kind: 'NodeMetrics' },
        scope: 'Cluster',
        singularResource: '',
        verbs: ['list'],
      },
    ]);
  });

  for (const [what, list] of [
    ['nothing', null],
    ['no list', { resources: {} }],
    ['entries of other sorts', { resources: [1, null, {}, { name: 7 }] }],
  ] as const) {
    it(`finds none in ${what}`, () => assert.deepEqual(remoteResources(list, OWN), []));
  }
});
