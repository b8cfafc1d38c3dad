import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Container,
  LimitRange,
  type LimitRangeItem,
  type PersistentVolumeClaim,
  type Pod,
} from 'kernetes/sdk';
import { admissionRequest, pod, runAdmission, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

function start(...limits: LimitRangeItem[]) {
  const kernel = new TestKernel();
  kernel.add(LimitRange, { metadata: { name: 'l', namespace: 'default' }, spec: { limits } });
  return runAdmission(plugin, { kernel });
}

function asks(name: string, requests: object, limits: object = {}, more: object = {}): Container {
  return { name, resources: { requests, limits } as Container['resources'], ...more } as Container;
}

function podOf(containers: Container[], initContainers: Container[] = []): Pod {
  return pod('x', { spec: { containers, initContainers } });
}

const DEFAULTS: LimitRangeItem = {
  type: 'Container',
  default: { cpu: '1', memory: '1Gi' },
  defaultRequest: { cpu: '500m', memory: '512Mi' },
};

describe('admission.limit-ranger, defaults', () => {
  it('gives containers what they leave out, and notes it', async () => {
    const { admit } = await start(DEFAULTS);
    const given = podOf(
      [{ name: 'a' }, asks('b', { cpu: '1' }, { cpu: '2', memory: '2Gi' })],
      [{ name: 'i' }],
    );
    const { spec, metadata } = await admit<Pod>(admissionRequest(given));
    const all = { requests: DEFAULTS.defaultRequest, limits: DEFAULTS.default };
    assert.deepEqual(spec?.containers[0]?.resources, all);
    assert.deepEqual(spec?.initContainers?.[0]?.resources, all);
    assert.deepEqual(spec?.containers[1]?.resources, {
      requests: { cpu: '1', memory: '512Mi' },
      limits: { cpu: '2', memory: '2Gi' },
    });
    assert.deepEqual(metadata.annotations, {
      'kubernetes.io/limit-ranger':
        'LimitRanger plugin set: cpu, memory request for container a; ' +
        'cpu, memory limit for container a; memory request for container b; ' +
        'cpu, memory request for init container i; cpu, memory limit for init container i',
    });
  });

  it('notes nothing where it does nothing, and leaves other namespaces alone', async () => {
    const { admit } = await start(DEFAULTS);
    const full = podOf([asks('a', { cpu: '1', memory: '1' }, { cpu: '1', memory: '1' })]);
    assert.equal((await admit<Pod>(admissionRequest(full))).metadata.annotations, undefined);
    const other = pod('x', { metadata: { namespace: 'other' } });
    const found = await admit<Pod>(admissionRequest(other));
    assert.equal(found.spec?.containers[0]?.resources, undefined);
  });
});

describe('admission.limit-ranger, bounds', () => {
  const min: LimitRangeItem = { type: 'Container', min: { cpu: '100m' } };
  const max: LimitRangeItem = { type: 'Container', max: { cpu: '2' } };
  const ratio: LimitRangeItem = { type: 'Container', maxLimitRequestRatio: { cpu: '2' } };
  const ofPod: LimitRangeItem = { type: 'Pod', max: { cpu: '2' } };
  const sidecar = { restartPolicy: 'Always' };
  const one = { cpu: '1' };

  const cases: [string, LimitRangeItem[], Pod, string | undefined][] = [
    ['what is within', [min, max, ratio], podOf([asks('a', one, { cpu: '2' })]), undefined],
    [
      'too small a request',
      [min],
      podOf([asks('a', { cpu: '0.05' })]),
      'minimum cpu usage per Container is 100m, but request is 50m',
    ],
    [
      'too small a limit',
      [min],
      podOf([asks('a', one, { cpu: '50m' })]),
      'minimum cpu usage per Container is 100m, but limit is 50m',
    ],
    [
      'no request where there is a minimum',
      [min],
      podOf([{ name: 'a' }]),
      'minimum cpu usage per Container is 100m.  No request is specified',
    ],
    [
      'too large a limit',
      [max],
      podOf([asks('a', one, { cpu: '3' })]),
      'maximum cpu usage per Container is 2, but limit is 3',
    ],
    [
      'too large a request',
      [max],
      podOf([asks('a', { cpu: '3' }, { cpu: '2' })]),
      'maximum cpu usage per Container is 2, but request is 3',
    ],
    [
      'no limit where there is a maximum',
      [max],
      podOf([asks('a', one)]),
      'maximum cpu usage per Container is 2.  No limit is specified',
    ],
    [
      'too large a ratio',
      [ratio],
      podOf([asks('a', one, { cpu: '2500m' })]),
      'cpu max limit to request ratio per Container is 2, but provided ratio is 2.500000',
    ],
    [
      'a ratio without a request',
      [ratio],
      podOf([asks('a', {}, one)]),
      'cpu max limit to request ratio per Container is 2, but no request is specified or request is 0',
    ],
    [
      'a ratio without a limit',
      [ratio],
      podOf([asks('a', one)]),
      'cpu max limit to request ratio per Container is 2, but no limit is specified or limit is 0',
    ],
    [
      'an init container out of bounds',
      [max],
      podOf([asks('a', one, one)], [asks('i', one, { cpu: '3' })]),
      'maximum cpu usage per Container is 2, but limit is 3',
    ],
    [
      'several things, all told',
      [min, max],
      podOf([asks('a', { cpu: '50m' }, { cpu: '3' })]),
      '[minimum cpu usage per Container is 100m, but request is 50m, ' +
        'maximum cpu usage per Container is 2, but limit is 3]',
    ],
    [
      'a pod whose containers are too much together',
      [ofPod],
      podOf([asks('a', one, one), asks('b', one, { cpu: '1500m' })]),
      'maximum cpu usage per Pod is 2, but limit is 2500m',
    ],
    [
      'a pod whose init containers run one after the other',
      [ofPod],
      podOf([asks('a', one, one)], [asks('i', one, { cpu: '2' }), asks('j', one, { cpu: '2' })]),
      undefined,
    ],
    [
      'a pod whose init container runs beside a sidecar',
      [ofPod],
      podOf(
        [asks('a', one, { cpu: '500m' })],
        [asks('s', one, one, sidecar), asks('i', one, { cpu: '1500m' })],
      ),
      'maximum cpu usage per Pod is 2, but limit is 2500m',
    ],
    [
      'a pod whose containers run beside a sidecar',
      [ofPod],
      podOf([asks('a', one, { cpu: '1500m' })], [asks('s', one, one, sidecar)]),
      'maximum cpu usage per Pod is 2, but limit is 2500m',
    ],
  ];
  for (const [what, limits, given, why] of cases) {
    it(`${why ? 'refuses' : 'takes'} ${what}`, async () => {
      const { admit, refusal } = await start(...limits);
      const request = admissionRequest(given);
      if (why === undefined) await admit(request);
      else assert.equal(await refusal(request), `pods "x" is forbidden: ${why}`);
    });
  }
});

describe('admission.limit-ranger, claims', () => {
  const limits: LimitRangeItem = {
    type: 'PersistentVolumeClaim',
    min: { storage: '1Gi' },
    max: { storage: '10Gi' },
  };
  const about = { resource: 'persistentvolumeclaims', kind: 'PersistentVolumeClaim' };
  function claim(storage: string | undefined, deletionTimestamp?: string): PersistentVolumeClaim {
    return {
      metadata: {
        name: 'c',
        namespace: 'default',
        ...(deletionTimestamp && { deletionTimestamp }),
      },
      spec: { resources: { requests: storage === undefined ? {} : { storage } } },
    };
  }
  const cases: [string | undefined, string | undefined][] = [
    ['1Gi', undefined],
    ['512Mi', 'minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 512Mi'],
    ['11Gi', 'maximum storage usage per PersistentVolumeClaim is 10Gi, but request is 11Gi'],
    [
      undefined,
      '[minimum storage usage per PersistentVolumeClaim is 1Gi.  No request is specified, ' +
        'maximum storage usage per PersistentVolumeClaim is 10Gi.  No request is specified]',
    ],
  ];
  for (const [storage, why] of cases) {
    it(`${why ? 'refuses' : 'takes'} a claim of ${storage}, created and updated`, async () => {
      const { admit, refusal } = await start(limits);
      for (const more of [{}, { oldObject: claim('2Gi') }]) {
        const request = admissionRequest(claim(storage), { ...about, ...more });
        if (why === undefined) await admit(request);
        else
          assert.equal(await refusal(request), `persistentvolumeclaims "c" is forbidden: ${why}`);
      }
    });
  }

  it('leaves a claim alone that is being deleted', async () => {
    const { admit } = await start(limits);
    const oldObject = claim('11Gi', '2026-01-01T00:00:00Z');
    assert.ok(await admit(admissionRequest(claim('11Gi'), { ...about, oldObject })));
  });
});
