import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { brief, claim, kind, made, volume } from './kind-fixtures.ts';

describe('validateUpdate()', () => {
  const bound = {
    spec: { ...claim, volumeName: 'v' },
    status: { phase: 'Bound', capacity: { storage: '2Gi' } },
  };
  const sized = (storage: string) => ({
    ...bound,
    spec: { ...bound.spec, resources: { requests: { storage } } },
  });
  const cases: readonly (readonly [string, string, object, object, string[]])[] = [
    ['configmaps', 'other data', { data: { a: '1' } }, { data: { a: '2' } }, []],
    [
      'configmaps',
      'other immutable data',
      { immutable: true, data: { a: '1' } },
      { immutable: true, data: { a: '2' } },
      ['Forbidden data'],
    ],
    ['configmaps', 'the end of immutability', { immutable: true }, {}, ['Forbidden immutable']],
    ['secrets', 'another type', { type: 'a' }, { type: 'b' }, ['Invalid type']],
    [
      'secrets',
      'other immutable data',
      { immutable: true, data: { a: 'AA==' } },
      { immutable: true, data: {} },
      ['Forbidden data'],
    ],
    ['nodes', 'first pod addresses', {}, { spec: { podCIDR: '10.0.0.0/24' } }, []],
    [
      'nodes',
      'other pod addresses',
      { spec: { podCIDR: '10.0.0.0/24' } },
      { spec: { podCIDR: '10.0.1.0/24' } },
      ['Forbidden spec.podCIDRs'],
    ],
    [
      'nodes',
      'another provider',
      { spec: { providerID: 'a' } },
      { spec: { providerID: 'b' } },
      ['Forbidden spec.providerID'],
    ],
    [
      'resourcequotas',
      'other scopes',
      { spec: { scopes: ['BestEffort'] } },
      { spec: {} },
      ['Invalid spec.scopes'],
    ],
    [
      'persistentvolumes',
      'another claim',
      { spec: volume },
      { spec: { ...volume, claimRef: { name: 'c' } } },
      [],
    ],
    [
      'persistentvolumes',
      'another source',
      { spec: volume },
      { spec: { ...volume, hostPath: { path: '/b' } } },
      ['Forbidden spec.persistentvolumesource'],
    ],
    [
      'persistentvolumes',
      'another mode',
      { spec: volume },
      { spec: { ...volume, volumeMode: 'Block' } },
      ['Invalid volumeMode'],
    ],
    [
      'persistentvolumeclaims',
      'its volume',
      { spec: claim },
      { spec: { ...claim, volumeName: 'v' } },
      [],
    ],
    [
      'persistentvolumeclaims',
      'another volume',
      bound,
      { ...bound, spec: { ...bound.spec, volumeName: 'w' } },
      ['Forbidden spec'],
    ],
    ['persistentvolumeclaims', 'more of a bound one', bound, sized('3Gi'), []],
    [
      'persistentvolumeclaims',
      'less of a bound one than it has',
      sized('3Gi'),
      sized('1Gi'),
      ['Forbidden spec.resources.requests.storage'],
    ],
    [
      'persistentvolumeclaims',
      'more of an unbound one',
      { spec: claim },
      { spec: { ...claim, resources: { requests: { storage: '2Gi' } } } },
      ['Forbidden spec'],
    ],
  ];
  for (const [resource, name, old, now, wanted] of cases) {
    test(`of ${resource} ${wanted.length === 0 ? 'allows' : 'refuses'} ${name}`, () => {
      const found = kind(resource).strategy.validateUpdate?.(
        made(resource, now),
        made(resource, old),
      );
      assert.deepEqual(brief(found), wanted);
    });
  }
});
