import type { PodSpec, Volume } from 'kernetes/sdk';
import { BASELINE } from './baseline.ts';
import {
  type AnyContainer,
  type Check,
  containersOf,
  type Finding,
  isWindows,
  named,
  namesOf,
  quoted,
  unique,
} from './check.ts';

/** Rules of baseline that a stricter one says better. */
const STRICTER: ReadonlySet<string> = new Set([
  'capabilities_baseline',
  'hostPathVolumes',
  'seccompProfile_baseline',
]);

/** Hardening beside no known escalations. Source: the Pod Security Standards, `restricted`. */
export const RESTRICTED: readonly Check[] = [
  ...BASELINE.filter(({ id }) => !STRICTER.has(id)),
  { id: 'allowPrivilegeEscalation', find: escalation },
  { id: 'capabilities_restricted', find: capabilities },
  { id: 'restrictedVolumes', find: volumeTypes },
  { id: 'runAsNonRoot', find: nonRoot },
  { id: 'runAsUser', find: rootUser },
  { id: 'seccompProfile_restricted', find: seccomp },
].sort((a, b) => (a.id < b.id ? -1 : 1));

function escalation(spec: PodSpec): Finding | undefined {
  if (isWindows(spec)) return undefined;
  const bad = containersOf(spec).filter(
    each => each.securityContext?.allowPrivilegeEscalation !== false,
  );
  if (bad.length === 0) return undefined;
  const detail = `${named('container', namesOf(bad))} must set securityContext.allowPrivilegeEscalation=false`;
  return { reason: 'allowPrivilegeEscalation != false', detail };
}

function capabilities(spec: PodSpec): Finding | undefined {
  if (isWindows(spec)) return undefined;
  const addedBy = (each: AnyContainer) =>
    (each.securityContext?.capabilities?.add ?? []).filter(name => name !== 'NET_BIND_SERVICE');
  const all = containersOf(spec);
  const keeping = all.filter(each => !each.securityContext?.capabilities?.drop?.includes('ALL'));
  const adding = all.filter(each => addedBy(each).length > 0);
  const details: string[] = [];
  if (keeping.length > 0) {
    details.push(
      `${named('container', namesOf(keeping))} must set securityContext.capabilities.drop=["ALL"]`,
    );
  }
  if (adding.length > 0) {
    const names = quoted(unique(adding.flatMap(addedBy)).sort());
    details.push(
      `${named('container', namesOf(adding))} must not include ${names} in securityContext.capabilities.add`,
    );
  }
  if (details.length === 0) return undefined;
  return { reason: 'unrestricted capabilities', detail: details.join('; ') };
}

function volumeTypes({ volumes = [] }: PodSpec): Finding | undefined {
  const bad = volumes.flatMap(volume => {
    const type = restrictedType(volume);
    return type === undefined ? [] : [{ name: volume.name, type }];
  });
  if (bad.length === 0) return undefined;
  const types = unique(bad.map(({ type }) => type)).sort();
  const uses = bad.length === 1 ? 'uses' : 'use';
  const detail = `${named(
    'volume',
    bad.map(({ name }) => name),
  )} ${uses} restricted volume ${types.length === 1 ? 'type' : 'types'} ${quoted(types)}`;
  return { reason: 'restricted volume types', detail };
}

/** A volume that names no source at all is an emptyDir. */
function restrictedType({ name: _, ...sources }: Volume): string | undefined {
  const [type] = Object.keys(sources);
  return type === undefined || VOLUME_TYPES.has(type) ? undefined : type;
}

function nonRoot(spec: PodSpec): Finding | undefined {
  // Without a user of the host, root in the container is nobody outside (KEP-127).
  if (spec.hostUsers === false) return undefined;
  const byPod = spec.securityContext?.runAsNonRoot;
  const all = containersOf(spec);
  const explicit = all.filter(each => each.securityContext?.runAsNonRoot === false);
  const implicit = all.filter(each => each.securityContext?.runAsNonRoot === undefined);
  const reason = 'runAsNonRoot != true';
  const setters = [
    ...(byPod === false ? ['pod'] : []),
    ...(explicit.length > 0 ? [named('container', namesOf(explicit))] : []),
  ];
  if (setters.length > 0) {
    return {
      reason,
      detail: `${setters.join(' and ')} must not set securityContext.runAsNonRoot=false`,
    };
  }
  if (byPod || implicit.length === 0) return undefined;
  return {
    reason,
    detail: `pod or ${named('container', namesOf(implicit))} must set securityContext.runAsNonRoot=true`,
  };
}

function rootUser(spec: PodSpec): Finding | undefined {
  if (spec.hostUsers === false) return undefined;
  const bad = containersOf(spec).filter(each => each.securityContext?.runAsUser === 0);
  const setters = [
    ...(spec.securityContext?.runAsUser === 0 ? ['pod'] : []),
    ...(bad.length > 0 ? [named('container', namesOf(bad))] : []),
  ];
  if (setters.length === 0) return undefined;
  return { reason: 'runAsUser=0', detail: `${setters.join(' and ')} must not set runAsUser=0` };
}

function seccomp(spec: PodSpec): Finding | undefined {
  if (isWindows(spec)) return undefined;
  const byPod = spec.securityContext?.seccompProfile?.type;
  const typeOf = (each: AnyContainer) => each.securityContext?.seccompProfile?.type;
  const all = containersOf(spec);
  const explicit = all.filter(each => {
    const type = typeOf(each);
    return type !== undefined && !SECCOMP.has(type);
  });
  const implicit = all.filter(each => typeOf(each) === undefined);
  const reason = 'seccompProfile';
  const podIsBad = byPod !== undefined && !SECCOMP.has(byPod);
  const setters = [
    ...(podIsBad ? ['pod'] : []),
    ...(explicit.length > 0 ? [named('container', namesOf(explicit))] : []),
  ];
  if (setters.length > 0) {
    const types = unique([
      ...(podIsBad ? [byPod] : []),
      ...explicit.map(each => typeOf(each) ?? ''),
    ]);
    return {
      reason,
      detail: `${setters.join(' and ')} must not set securityContext.seccompProfile.type to ${quoted(types)}`,
    };
  }
  if (byPod !== undefined || implicit.length === 0) return undefined;
  return {
    reason,
    detail: `pod or ${named('container', namesOf(implicit))} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
  };
}

const SECCOMP: ReadonlySet<string> = new Set(['RuntimeDefault', 'Localhost']);
const VOLUME_TYPES: ReadonlySet<string> = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);
