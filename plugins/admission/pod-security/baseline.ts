import type { PodSpec, SELinuxOptions } from 'kernetes/sdk';
import {
  type AnyContainer,
  type Check,
  containersOf,
  type Finding,
  named,
  namesOf,
  quoted,
  unique,
} from './check.ts';

/** No known privilege escalations. Source: the Pod Security Standards, `baseline`. */
export const BASELINE: readonly Check[] = [
  { id: 'appArmorProfile', find: appArmor },
  { id: 'capabilities_baseline', find: addedCapabilities },
  { id: 'hostNamespaces', find: hostNamespaces },
  { id: 'hostPathVolumes', find: hostPaths },
  { id: 'hostPorts', find: hostPorts },
  { id: 'privileged', find: privileged },
  { id: 'procMount', find: procMount },
  { id: 'seLinuxOptions', find: seLinux },
  { id: 'seccompProfile_baseline', find: unconfinedSeccomp },
  { id: 'sysctls', find: sysctls },
  { id: 'windowsHostProcess', find: hostProcess },
];

function appArmor(
  spec: PodSpec,
  annotations: Readonly<Record<string, string>>,
): Finding | undefined {
  const fine = (type: string | undefined) => type === undefined || APP_ARMOR.has(type);
  const setters: string[] = [];
  const values: string[] = [];
  const podType = spec.securityContext?.appArmorProfile?.type;
  if (podType && !fine(podType)) {
    setters.push('pod');
    values.push(`"${podType}"`);
  }
  const bad = containersOf(spec).filter(each => !fine(each.securityContext?.appArmorProfile?.type));
  if (bad.length > 0) {
    setters.push(named('container', namesOf(bad)));
    values.push(...bad.map(each => `"${each.securityContext?.appArmorProfile?.type}"`));
  }
  const forbidden = Object.entries(annotations)
    .filter(([key, value]) => key.startsWith(APP_ARMOR_PREFIX) && !isFineAnnotation(value))
    .map(([key, value]) => `${key}="${value}"`)
    .sort();
  const details = [
    ...(setters.length > 0
      ? [
          `${setters.join(' and ')} must not set AppArmor profile type to ${unique(values).join(', ')}`,
        ]
      : []),
    ...(forbidden.length > 0
      ? [`annotation${forbidden.length === 1 ? '' : 's'} ${forbidden.join(', ')}`]
      : []),
  ];
  if (details.length === 0) return undefined;
  const reason =
    details.length === 1 && forbidden.length <= 1
      ? 'forbidden AppArmor profile'
      : 'forbidden AppArmor profiles';
  return { reason, detail: details.join('; ') };
}

function isFineAnnotation(value: string): boolean {
  return value === '' || value === 'runtime/default' || value.startsWith('localhost/');
}

function addedCapabilities(spec: PodSpec): Finding | undefined {
  const foreign = (each: AnyContainer) =>
    (each.securityContext?.capabilities?.add ?? []).filter(name => !DEFAULT_CAPABILITIES.has(name));
  const bad = containersOf(spec).filter(each => foreign(each).length > 0);
  if (bad.length === 0) return undefined;
  const names = unique(bad.flatMap(foreign)).sort();
  const detail = `${named('container', namesOf(bad))} must not include ${quoted(names)} in securityContext.capabilities.add`;
  return { reason: 'non-default capabilities', detail };
}

function hostNamespaces({ hostNetwork, hostPID, hostIPC }: PodSpec): Finding | undefined {
  const used = Object.entries({ hostNetwork, hostPID, hostIPC })
    .filter(([, value]) => value)
    .map(([name]) => `${name}=true`);
  return used.length === 0 ? undefined : { reason: 'host namespaces', detail: used.join(', ') };
}

function hostPaths({ volumes = [] }: PodSpec): Finding | undefined {
  const names = volumes.filter(({ hostPath }) => hostPath).map(({ name }) => name);
  if (names.length === 0) return undefined;
  return { reason: 'hostPath volumes', detail: named('volume', names) };
}

function hostPorts(spec: PodSpec): Finding | undefined {
  const portsOf = (each: AnyContainer) =>
    (each.ports ?? []).flatMap(({ hostPort }) => (hostPort ? [String(hostPort)] : []));
  const bad = containersOf(spec).filter(each => portsOf(each).length > 0);
  if (bad.length === 0) return undefined;
  const ports = unique(bad.flatMap(portsOf)).sort();
  const uses = bad.length === 1 ? 'uses' : 'use';
  const noun = ports.length === 1 ? 'hostPort' : 'hostPorts';
  const detail = `${named('container', namesOf(bad))} ${uses} ${noun} ${ports.join(', ')}`;
  return { reason: noun, detail };
}

function privileged(spec: PodSpec): Finding | undefined {
  const bad = containersOf(spec).filter(each => each.securityContext?.privileged);
  if (bad.length === 0) return undefined;
  const detail = `${named('container', namesOf(bad))} must not set securityContext.privileged=true`;
  return { reason: 'privileged', detail };
}

function procMount(spec: PodSpec): Finding | undefined {
  const mountOf = (each: AnyContainer) => each.securityContext?.procMount ?? 'Default';
  const bad = containersOf(spec).filter(each => mountOf(each) !== 'Default');
  // A user namespace makes it harmless (KEP-4265).
  if (bad.length === 0 || spec.hostUsers === false) return undefined;
  const mounts = quoted(unique(bad.map(mountOf)).sort());
  const detail = `${named('container', namesOf(bad))} must not set securityContext.procMount to ${mounts}`;
  return { reason: 'procMount', detail };
}

function seLinux(spec: PodSpec): Finding | undefined {
  const setters: string[] = [];
  const values: string[] = [];
  const look = (options: SELinuxOptions | undefined): boolean => {
    const wrong = seLinuxErrors(options ?? {});
    values.push(...wrong);
    return wrong.length > 0;
  };
  if (look(spec.securityContext?.seLinuxOptions)) setters.push('pod');
  const bad = containersOf(spec).filter(each => look(each.securityContext?.seLinuxOptions));
  if (bad.length > 0) setters.push(named('container', namesOf(bad)));
  if (setters.length === 0) return undefined;
  const detail = `${setters.join(' and ')} set forbidden securityContext.seLinuxOptions: ${unique(values).join('; ')}`;
  return { reason: 'seLinuxOptions', detail };
}

function seLinuxErrors({ type = '', user, role }: SELinuxOptions): string[] {
  return [
    ...(SE_LINUX_TYPES.has(type) ? [] : [`type "${type}"`]),
    ...(user ? ['user may not be set'] : []),
    ...(role ? ['role may not be set'] : []),
  ];
}

function unconfinedSeccomp(spec: PodSpec): Finding | undefined {
  const setters: string[] = [];
  if (spec.securityContext?.seccompProfile?.type === UNCONFINED) setters.push('pod');
  const bad = containersOf(spec).filter(
    each => each.securityContext?.seccompProfile?.type === UNCONFINED,
  );
  if (bad.length > 0) setters.push(named('container', namesOf(bad)));
  if (setters.length === 0) return undefined;
  const detail = `${setters.join(' and ')} must not set securityContext.seccompProfile.type to "${UNCONFINED}"`;
  return { reason: 'seccompProfile', detail };
}

function sysctls({ securityContext }: PodSpec): Finding | undefined {
  const bad = (securityContext?.sysctls ?? [])
    .map(({ name }) => name)
    .filter(name => !SAFE_SYSCTLS.has(name));
  return bad.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: bad.join(', ') };
}

function hostProcess(spec: PodSpec): Finding | undefined {
  const setters: string[] = [];
  if (spec.securityContext?.windowsOptions?.hostProcess) setters.push('pod');
  const bad = containersOf(spec).filter(each => each.securityContext?.windowsOptions?.hostProcess);
  if (bad.length > 0) setters.push(named('container', namesOf(bad)));
  if (setters.length === 0) return undefined;
  const detail = `${setters.join(' and ')} must not set securityContext.windowsOptions.hostProcess=true`;
  return { reason: 'hostProcess', detail };
}

const UNCONFINED = 'Unconfined';
const APP_ARMOR: ReadonlySet<string> = new Set(['', 'RuntimeDefault', 'Localhost']);
const APP_ARMOR_PREFIX = 'container.apparmor.security.beta.kubernetes.io/';
const SE_LINUX_TYPES: ReadonlySet<string> = new Set([
  '',
  'container_t',
  'container_init_t',
  'container_kvm_t',
  'container_engine_t',
]);
const DEFAULT_CAPABILITIES: ReadonlySet<string> = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]);
const SAFE_SYSCTLS: ReadonlySet<string> = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_wmem',
]);
