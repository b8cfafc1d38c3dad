import {
  Event,
  type KubeObject,
  PersistentVolume,
  PersistentVolumeClaim,
  type PersistentVolumeClaimSpec,
  type PersistentVolumeSpec,
  type Provisioner,
  provisionerPoint,
  type StorageClass,
} from 'kernetes/sdk';
import { activate, type FakeClock, fakeClock, TestKernel, testContext } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

/** For the tests of this folder: the controller on a test kernel, and objects made on the spot. */
export async function startBinder(options: StartOptions = {}) {
  const clock = options.clock ?? fakeClock();
  const kernel = options.kernel ?? new TestKernel({ clock });
  const config = { syncPeriodMs: 15_000, concurrency: 4 };
  const { name = plugin.name } = options;
  const { dispose } = await activate(plugin, { name, kernel, clock, config });
  await clock.step(0);
  return {
    ...{ kernel, clock, dispose },
    claim: (name: string) => kernel.get(PersistentVolumeClaim, `default/${name}`),
    volume: (name: string) => kernel.get(PersistentVolume, name),
    /** What was told about an object, as `reason: message`. */
    told: (name: string) =>
      kernel
        .all(Event)
        .filter(({ involvedObject }) => involvedObject.name === name)
        .map(({ reason, message }) => `${reason}: ${message}`),
  };
}

export interface StartOptions {
  /** Of the plugin, where there are two. */
  readonly name?: string;
  readonly kernel?: TestKernel;
  readonly clock?: FakeClock;
}

export function provide(kernel: TestKernel, provisioner: Provisioner): void {
  const { context } = testContext({ name: `volume.${provisioner.name}`, kernel });
  context.provide(provisionerPoint, provisioner);
}

export function claimOf(
  name: string,
  spec: PersistentVolumeClaimSpec = {},
  metadata: KubeObject['metadata'] = {},
): PersistentVolumeClaim {
  return {
    metadata: { name, namespace: 'default', ...metadata },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      volumeMode: 'Filesystem',
      ...spec,
    },
    status: { phase: 'Pending' },
  };
}

export function volumeOf(
  name: string,
  spec: PersistentVolumeSpec = {},
  metadata: KubeObject['metadata'] = {},
): PersistentVolume {
  return {
    metadata: { name, ...metadata },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      volumeMode: 'Filesystem',
      persistentVolumeReclaimPolicy: 'Retain',
      hostPath: { path: `/mnt/${name}` },
      ...spec,
    },
    status: { phase: 'Pending' },
  };
}

export function classOf(
  name: string,
  rest: Partial<StorageClass> = {},
  metadata: KubeObject['metadata'] = {},
): StorageClass {
  return { provisioner: 'example.com/disks', ...rest, metadata: { name, ...metadata } };
}
