import { type Container, containersOf, type PodSpec, type Volume } from 'kernetes/sdk';
import { BASELINE } from './baseline.ts';
import {
  type Check,
  counted,
  type Finding,
  isWindows,
  named,
  quoted,
  type Secured,
  setters,
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
  const detail = `${named(bad)} must set securityContext.allowPrivilegeEscalation=false`;
  return { reason: 'allowPrivilegeEscalation != false', detail };
}

function capabilities(spec: PodSpec): Finding | undefined {
  if (isWindows(spec)) return undefined;
  const addedBy = (each: Container) =>
    (each.securityContext?.capabilities?.add ?? []).filter(name => name !== 'NET_BIND_SERVICE');
  const all = containersOf(spec);
  const keeping = all.filter(each => !each.securityContext?.capabilities?.drop?.includes('ALL'));
  const adding = all.filter(each => addedBy(each).length > 0);
  const details: string[] = [];
  if (keeping.length > 0) {
    details.push(`${named(keeping)} must set securityContext.capabilities.drop=["ALL"]`);
  }
  if (adding.length > 0) {
    const names = quoted(unique(adding.flatMap(addedBy)).sort());
    details.push(`${named(adding)} must not include ${names} in securityContext.capabilities.add`);
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
  const detail = `${counted(
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
  const who = setters(byPod === false, explicit);
  if (who) return { reason, detail: `${who} must not set securityContext.runAsNonRoot=false` };
  if (byPod || implicit.length === 0) return undefined;
  return {
    reason,
    detail: `pod or ${named(implicit)} must set securityContext.runAsNonRoot=true`,
  };
}

function rootUser(spec: PodSpec): Finding | undefined {
  if (spec.hostUsers === false) return undefined;
  const isRoot = ({ securityContext }: Secured) => securityContext?.runAsUser === 0;
  const who = setters(isRoot(spec), containersOf(spec).filter(isRoot));
  return who ? { reason: 'runAsUser=0', detail: `${who} must not set runAsUser=0` } : undefined;
}

function seccomp(spec: PodSpec): Finding | undefined {
  if (isWindows(spec)) return undefined;
  const typeOf = ({ securityContext }: Secured) => securityContext?.seccompProfile?.type;
  const wrongType = (each: Secured) => {
    const type = typeOf(each);
    return type === undefined || SECCOMP.has(type) ? [] : [type];
  };
  const all = containersOf(spec);
  const explicit = all.filter(each => wrongType(each).length > 0);
  const implicit = all.filter(each => typeOf(each) === undefined);
  const reason = 'seccompProfile';
  const ofPod = wrongType(spec);
  const who = setters(ofPod.length > 0, explicit);
  if (who) {
    const types = quoted(unique([...ofPod, ...explicit.flatMap(wrongType)]));
    return {
      reason,
      detail: `${who} must not set securityContext.seccompProfile.type to ${types}`,
    };
  }
  if (typeOf(spec) !== undefined || implicit.length === 0) return undefined;
  return {
    reason,
    detail: `pod or ${named(implicit)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
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
