import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PodSpec, Volume } from '../api/types-core-v1.ts';
import { defaultPodSpec, defaultPodTemplate } from './defaults.ts';
import { isFloatingImage } from './image.ts';
import { defaultVolume } from './volume-defaults.ts';

describe('isFloatingImage()', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const cases: readonly (readonly [string, boolean])[] = [
    ['nginx', true],
    ['nginx:latest', true],
    ['nginx:1.14.2', false],
    ['localhost:5000/a/b', true],
    ['localhost:5000/a/b:1', false],
    [`nginx@${digest}`, false],
    [`nginx:latest@${digest}`, true],
    ['Not An Image', false],
    ['', false],
  ];
  for (const [image, floats] of cases) {
    test(`is ${floats} for "${image}"`, () => assert.equal(isFloatingImage(image), floats));
  }

  test('answers at once for a long text that is no reference', () => {
    assert.equal(isFloatingImage(`${'a-'.repeat(50_000)}!`), false);
    assert.equal(isFloatingImage(`${'a'.repeat(100_000)}!`), false);
    assert.equal(isFloatingImage(`${'a.'.repeat(50_000)}!`), false);
  });
});

describe('defaultVolume()', () => {
  const cases: readonly { name: string; volume: Volume; wanted: object }[] = [
    { name: 'a volume of no source', volume: { name: 'v' }, wanted: { emptyDir: {} } },
    {
      name: 'a projected volume',
      volume: {
        name: 'v',
        projected: {
          sources: [
            { serviceAccountToken: { path: 't' } },
            { downwardAPI: { items: [{ path: 'p', fieldRef: { fieldPath: 'metadata.name' } }] } },
          ],
        },
      },
      wanted: {
        projected: {
          defaultMode: 420,
          sources: [
            { serviceAccountToken: { path: 't', expirationSeconds: 3600 } },
            {
              downwardAPI: {
                items: [{ path: 'p', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } }],
              },
            },
          ],
        },
      },
    },
    {
      name: "an ephemeral volume's claim",
      volume: { name: 'v', ephemeral: { volumeClaimTemplate: { spec: {} } } },
      wanted: {
        ephemeral: {
          volumeClaimTemplate: { metadata: {}, spec: { resources: {}, volumeMode: 'Filesystem' } },
        },
      },
    },
    {
      name: 'a RADOS block device',
      volume: { name: 'v', rbd: { monitors: ['m'], image: 'i', pool: 'p' } },
      wanted: {
        rbd: {
          monitors: ['m'],
          image: 'i',
          pool: 'p',
          user: 'admin',
          keyring: '/etc/ceph/keyring',
        },
      },
    },
    {
      name: 'an image',
      volume: { name: 'v', image: { reference: 'a:1' } },
      wanted: { image: { reference: 'a:1', pullPolicy: 'IfNotPresent' } },
    },
    {
      name: 'nothing of a claim',
      volume: { name: 'v', persistentVolumeClaim: { claimName: 'c' } },
      wanted: { persistentVolumeClaim: { claimName: 'c' } },
    },
  ];
  for (const { name, volume, wanted } of cases) {
    test(`fills in ${name}`, () => {
      defaultVolume(volume);
      assert.deepEqual(volume, { name: 'v', ...wanted });
    });
  }
});

describe('defaultPodSpec()', () => {
  test('is idempotent, and keeps what is there', () => {
    const spec: PodSpec = {
      containers: [{ name: 'c', image: 'i', terminationMessagePath: '/x' }],
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 0,
    };
    defaultPodSpec(spec);
    const once = structuredClone(spec);
    defaultPodSpec(spec);
    assert.deepEqual(spec, once);
    assert.equal(spec.restartPolicy, 'Never');
    assert.equal(spec.terminationGracePeriodSeconds, 0);
    assert.equal(spec.containers[0]?.terminationMessagePath, '/x');
  });

  test('rounds quantities up to thousandths', () => {
    const limits = { cpu: '100u', memory: '1Ki' };
    const spec: PodSpec = { containers: [{ name: 'c', image: 'i', resources: { limits } }] };
    defaultPodSpec(spec);
    assert.deepEqual(limits, { cpu: '1m', memory: '1Ki' });
  });

  test("lets a service account's new name win over the old", () => {
    const spec: PodSpec = { containers: [], serviceAccount: 'old', serviceAccountName: 'new' };
    defaultPodSpec(spec);
    assert.equal(spec.serviceAccount, 'new');
    const older: PodSpec = { containers: [], serviceAccount: 'old' };
    defaultPodSpec(older);
    assert.equal(older.serviceAccountName, 'old');
  });
});

test('defaultPodTemplate() makes the parts that a template has on the wire', () => {
  const template = {};
  defaultPodTemplate(template);
  assert.deepEqual(template, {
    metadata: {},
    spec: {
      containers: [],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      securityContext: {},
      schedulerName: 'default-scheduler',
    },
  });
});
