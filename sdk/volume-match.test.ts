import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeSpec,
} from './api/types-core-v1.ts';
import { isVolumeFor, type MatchVolumeOptions, matchVolume } from './volume-match.ts';

const claim: PersistentVolumeClaim = {
  metadata: { name: 'c', namespace: 'ns', uid: 'u' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
};

function volume(name: string, spec: PersistentVolumeSpec = {}, phase = 'Available') {
  const base = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] };
  return { metadata: { name }, spec: { ...base, ...spec }, status: { phase } };
}

const MINE = { claimRef: { namespace: 'ns', name: 'c' } };
const matchExpressions = [{ key: 'zone', operator: 'In', values: ['a'] }];
const ZONE_A = { nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } } };
const nodeIn = (zone: string) => ({ name: 'n', labels: { zone } });

describe('matchVolume()', () => {
  const cases: [string, PersistentVolume[], MatchVolumeOptions, string | undefined][] = [
    ['takes the first by name of equal ones', [volume('b'), volume('a')], {}, 'a'],
    ['compares sizes across units', [volume('a', { capacity: { storage: '2G' } })], {}, 'a'],
    ['leaves one that is not available', [volume('a', {}, 'Released')], {}, undefined],
    ['takes a reserved one whatever its phase', [volume('a', MINE, 'Pending')], {}, 'a'],
    [
      'leaves free ones if only a reserved one will do',
      [volume('a')],
      { reservedOnly: true },
      undefined,
    ],
    [
      'leaves what is taken',
      [volume('a'), volume('b')],
      { isTaken: v => v.metadata.name === 'a' },
      'b',
    ],
    [
      'leaves what the node does not reach',
      [volume('a', ZONE_A)],
      { node: nodeIn('b') },
      undefined,
    ],
    ['takes what the node reaches', [volume('a', ZONE_A)], { node: nodeIn('a') }, 'a'],
    [
      'takes none instead of a reserved one that the node does not reach',
      [volume('a', { ...MINE, ...ZONE_A }), volume('b')],
      { node: nodeIn('b') },
      undefined,
    ],
    [
      'leaves one with other attributes',
      [volume('a', { volumeAttributesClassName: 'gold' })],
      {},
      undefined,
    ],
  ];
  for (const [what, volumes, options, wanted] of cases) {
    it(what, () => assert.equal(matchVolume(claim, volumes, options)?.metadata.name, wanted));
  }

  it('knows a claim by its uid where there is one', () => {
    const reserved = (uid?: string) =>
      volume('a', { claimRef: { ...MINE.claimRef, ...(uid && { uid }) } });
    assert.equal(isVolumeFor(reserved(), claim), true);
    assert.equal(isVolumeFor(reserved('u'), claim), true);
    assert.equal(isVolumeFor(reserved('earlier'), claim), false);
  });
});
