import { type Container, type PodSpec, type Random, randomSuffix, type Volume } from 'kernetes/sdk';

/** Mounts what a client in the cluster needs into each container that has nothing at that place. */
export function mountToken(spec: PodSpec, random: Random): void {
  const there = spec.volumes?.find(({ name }) => name.startsWith(VOLUME_PREFIX));
  const name = there?.name ?? VOLUME_PREFIX + randomSuffix(random, SUFFIX_LENGTH);
  if (!mountEverywhere(spec, name) || there) return;
  spec.volumes ??= [];
  spec.volumes.push(tokenVolume(name));
}

/** Whether any container had nothing at that place. */
export function mountEverywhere(spec: PodSpec, name: string): boolean {
  let isNeeded = false;
  for (const container of spec.initContainers ?? []) if (mount(container, name)) isNeeded = true;
  for (const container of spec.containers ?? []) if (mount(container, name)) isNeeded = true;
  return isNeeded;
}

/** Whether it was mounted. */
function mount(container: Container, name: string): boolean {
  container.volumeMounts ??= [];
  if (container.volumeMounts.some(({ mountPath }) => mountPath === MOUNT_PATH)) return false;
  container.volumeMounts.push({ name, readOnly: true, mountPath: MOUNT_PATH });
  return true;
}

function tokenVolume(name: string): Volume {
  const fieldRef = { apiVersion: 'v1', fieldPath: 'metadata.namespace' };
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: EXPIRATION_SECONDS, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef }] } },
      ],
      defaultMode: 0o644,
    },
  };
}

const VOLUME_PREFIX = 'kube-api-access-';
const SUFFIX_LENGTH = 5;
const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
/** Upstream's: the seven seconds tell such tokens from those that somebody asked for. */
const EXPIRATION_SECONDS = 3_607;
