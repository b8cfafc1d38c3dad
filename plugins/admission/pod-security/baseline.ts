import { type Container, containersOf, type PodSpec, type SELinuxOptions } from 'kernetes/sdk';
import {
  type Check,
  counted,
  type Finding,
  named,
  quoted,
  type Secured,
  setters,
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
  const wrongType = ({ securityContext }: Secured) =>
    [securityContext?.appArmorProfile?.type ?? ''].filter(type => !APP_ARMOR.has(type));
  const ofPod = wrongType(spec);
  const bad = containersOf(spec).filter(each => wrongType(each).length > 0);
  const who = setters(ofPod.length > 0, bad);
  const types = quoted(unique([...ofPod, ...bad.flatMap(wrongType)]));
  const forbidden = Object.entries(annotations)
    .filter(([key, value]) => key.startsWith(APP_ARMOR_PREFIX) && !isFineAnnotation(value))
    .map(([key, value]) => `${key}="${value}"`)
    .sort();
  const details = [
    ...(who ? [`${who} must not set AppArmor profile type to ${types}`] : []),
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
  const foreign = (each: Container) =>
    (each.securityContext?.capabilities?.add ?? []).filter(name => !DEFAULT_CAPABILITIES.has(name));
  const bad = containersOf(spec).filter(each => foreign(each).length > 0);
  if (bad.length === 0) return undefined;
  const names = unique(bad.flatMap(foreign)).sort();
  const detail = `${named(bad)} must not include ${quoted(names)} in securityContext.capabilities.add`;
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
  return { reason: 'hostPath volumes', detail: counted('volume', names) };
}

function hostPorts(spec: PodSpec): Finding | undefined {
  const portsOf = (each: Container) =>
    (each.ports ?? []).flatMap(({ hostPort }) => (hostPort ? [String(hostPort)] : []));
  const bad = containersOf(spec).filter(each => portsOf(each).length > 0);
  if (bad.length === 0) return undefined;
  const ports = unique(bad.flatMap(portsOf)).sort();
  const uses = bad.length === 1 ? 'uses' : 'use';
  const noun = ports.length === 1 ? 'hostPort' : 'hostPorts';
  const detail = `${named(bad)} ${uses} ${noun} ${ports.join(', ')}`;
  return { reason: noun, detail };
}

function privileged(spec: PodSpec): Finding | undefined {
  const bad = containersOf(spec).filter(each => each.securityContext?.privileged);
  if (bad.length === 0) return undefined;
  const detail = `${named(bad)} must not set securityContext.privileged=true`;
  return { reason: 'privileged', detail };
}

function procMount(spec: PodSpec): Finding | undefined {
  const mountOf = (each: Container) => each.securityContext?.procMount ?? 'Default';
  const bad = containersOf(spec).filter(each => mountOf(each) !== 'Default');
  // A user namespace makes it harmless (KEP-4265).
  if (bad.length === 0 || spec.hostUsers === false) return undefined;
  const mounts = quoted(unique(bad.map(mountOf)).sort());
  const detail = `${named(bad)} must not set securityContext.procMount to ${mounts}`;
  return { reason: 'procMount', detail };
}

function seLinux(spec: PodSpec): Finding | undefined {
  const values: string[] = [];
  const look = (options: SELinuxOptions | undefined): boolean => {
    const wrong = seLinuxErrors(options ?? {});
    values.push(...wrong);
    return wrong.length > 0;
  };
  const isPod = look(spec.securityContext?.seLinuxOptions);
  const bad = containersOf(spec).filter(each => look(each.securityContext?.seLinuxOptions));
  const who = setters(isPod, bad);
  if (who === undefined) return undefined;
  const detail = `${who} set forbidden securityContext.seLinuxOptions: ${unique(values).join('; ')}`;
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
  const isBad = ({ securityContext }: Secured) =>
    securityContext?.seccompProfile?.type === UNCONFINED;
  const who = setters(isBad(spec), containersOf(spec).filter(isBad));
  if (who === undefined) return undefined;
  const detail = `${who} must not set securityContext.seccompProfile.type to "${UNCONFINED}"`;
  return { reason: 'seccompProfile', detail };
}

function sysctls({ securityContext }: PodSpec): Finding | undefined {
  const bad = (securityContext?.sysctls ?? [])
    .map(({ name }) => name)
    .filter(name => !SAFE_SYSCTLS.has(name));
  return bad.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: bad.join(', ') };
}

function hostProcess(spec: PodSpec): Finding | undefined {
  const isBad = ({ securityContext }: Secured) =>
    securityContext?.windowsOptions?.hostProcess === true;
  const who = setters(isBad(spec), containersOf(spec).filter(isBad));
  if (who === undefined) return undefined;
  const detail = `${who} must not set securityContext.windowsOptions.hostProcess=true`;
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
