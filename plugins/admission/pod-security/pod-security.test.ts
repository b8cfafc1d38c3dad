import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AdmissionRequest, Namespace, Pod, PodSpec } from 'kernetes/sdk';
import { ApiError } from 'kernetes/sdk';
import { admissionRequest } from 'kernetes/sdk/testing';
import { violations } from './levels.ts';
import { podSecurity } from './pod-security.ts';

const HARDENED = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
};

function spec(given: Partial<PodSpec> = {}, securityContext: object = HARDENED): PodSpec {
  return { containers: [{ name: 'a', image: 'i', securityContext }], ...given };
}

const baseline: [string, PodSpec, string][] = [
  [
    'host namespaces',
    spec({ hostNetwork: true, hostPID: true }),
    'host namespaces (hostNetwork=true, hostPID=true)',
  ],
  [
    'a privileged container',
    spec({}, { privileged: true }),
    'privileged (container "a" must not set securityContext.privileged=true)',
  ],
  [
    'capabilities',
    spec({}, { capabilities: { add: ['NET_ADMIN', 'CHOWN'] } }),
    'non-default capabilities (container "a" must not include "NET_ADMIN" in securityContext.capabilities.add)',
  ],
  [
    'a path of the host',
    spec({ volumes: [{ name: 'v', hostPath: { path: '/' } }] }),
    'hostPath volumes (volume "v")',
  ],
  [
    'ports of the host',
    {
      containers: [
        { name: 'a', ports: [{ containerPort: 1, hostPort: 80 }] },
        { name: 'b', ports: [{ containerPort: 1, hostPort: 81 }] },
      ],
    },
    'hostPorts (containers "a", "b" use hostPorts 80, 81)',
  ],
  [
    'proc unmasked',
    spec({}, { procMount: 'Unmasked' }),
    'procMount (container "a" must not set securityContext.procMount to "Unmasked")',
  ],
  [
    'a type of SELinux',
    spec({ securityContext: { seLinuxOptions: { type: 'spc_t', user: 'u' } } }),
    'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)',
  ],
  [
    'no seccomp',
    spec({ securityContext: { seccompProfile: { type: 'Unconfined' } } }),
    'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
  ],
  [
    'a sysctl',
    spec({ securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } }),
    'forbidden sysctls (kernel.msgmax)',
  ],
  [
    'a host process',
    spec({}, { windowsOptions: { hostProcess: true } }),
    'hostProcess (container "a" must not set securityContext.windowsOptions.hostProcess=true)',
  ],
  [
    'no AppArmor',
    spec({ securityContext: { appArmorProfile: { type: 'Unconfined' } } }),
    'forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")',
  ],
];

const restricted: [string, PodSpec, string][] = [
  [
    'privilege escalation',
    spec({}, { ...HARDENED, allowPrivilegeEscalation: true }),
    'allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false)',
  ],
  [
    'capabilities that are kept and added',
    spec({}, { ...HARDENED, capabilities: { add: ['NET_BIND_SERVICE', 'CHOWN'] } }),
    'unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]; container "a" must not include "CHOWN" in securityContext.capabilities.add)',
  ],
  [
    'root by the pod',
    spec({ securityContext: { runAsUser: 0 } }),
    'runAsUser=0 (pod must not set runAsUser=0)',
  ],
  [
    'a user that may be root',
    spec({}, { ...HARDENED, runAsNonRoot: undefined }),
    'runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true)',
  ],
  [
    'a volume type',
    spec({ volumes: [{ name: 'v', nfs: { server: 's', path: '/' } }] }),
    'restricted volume types (volume "v" uses restricted volume type "nfs")',
  ],
  [
    'no seccomp profile',
    spec({}, { ...HARDENED, seccompProfile: undefined }),
    'seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
  ],
];

describe('violations()', () => {
  for (const [title, broken, text] of baseline) {
    it(`baseline and restricted forbid ${title}, privileged does not`, () => {
      assert.equal(violations('baseline', broken), text);
      assert.notEqual(violations('restricted', broken), undefined);
      assert.equal(violations('privileged', broken), undefined);
    });
  }
  for (const [title, broken, text] of restricted) {
    it(`restricted forbids ${title}, baseline does not`, () => {
      assert.equal(violations('restricted', broken), text);
      assert.equal(violations('baseline', broken), undefined);
    });
  }
  it('a hardened pod passes them all, and the pod may harden its containers', () => {
    assert.equal(violations('restricted', spec()), undefined);
    const { runAsNonRoot, seccompProfile, ...own } = HARDENED;
    const byPod = spec({ securityContext: { runAsNonRoot, seccompProfile } }, own);
    assert.equal(violations('restricted', byPod), undefined);
  });
  it('Windows knows no capabilities', () => {
    const windows = spec({ os: { name: 'windows' } }, { runAsNonRoot: true });
    assert.equal(violations('restricted', windows), undefined);
  });
  it('annotations of AppArmor count', () => {
    const annotations = { 'container.apparmor.security.beta.kubernetes.io/a': 'unconfined' };
    assert.match(violations('baseline', spec(), annotations) ?? '', /^forbidden AppArmor profile/);
  });
});

const CONFIG = {
  enforce: 'privileged',
  audit: 'privileged',
  warn: 'privileged',
  exemptUsers: ['root'],
  exemptNamespaces: ['kube-system'],
  exemptRuntimeClasses: ['vm'],
} as const;

function admission(labels: Record<string, string>, pods: readonly Pod[] = []) {
  const namespace: Namespace = { metadata: { name: 'n', labels } };
  return podSecurity({ config: CONFIG, namespace: () => namespace, podsOf: async () => pods });
}

function pod(podSpec: PodSpec, name = 'p'): Pod {
  return { metadata: { namespace: 'n', name }, spec: podSpec };
}

const ENFORCED = { 'pod-security.kubernetes.io/enforce': 'baseline' };
const BAD = spec({ hostNetwork: true });

describe('podSecurity()', () => {
  const ask = async (labels: Record<string, string>, request: AdmissionRequest) =>
    (await admission(labels).validate?.(request)) ?? [];

  it('refuses what enforce forbids, with the level', async () => {
    await assert.rejects(ask(ENFORCED, admissionRequest(pod(BAD))), (error: unknown) => {
      assert.ok(ApiError.is(error, 'Forbidden'));
      assert.match(
        error.message,
        /pods "p" is forbidden: violates PodSecurity "baseline:latest": host namespaces/,
      );
      return true;
    });
  });

  it('a level that nobody knows is the strictest', async () => {
    const labels = { 'pod-security.kubernetes.io/enforce': 'basline' };
    const plain = admissionRequest(pod(spec({}, {})));
    await assert.rejects(ask(labels, plain), /violates PodSecurity "restricted:latest"/);
  });

  it('warns of and notes what it lets through', async () => {
    const labels = {
      'pod-security.kubernetes.io/warn': 'baseline',
      'pod-security.kubernetes.io/warn-version': 'v1.25',
      'pod-security.kubernetes.io/audit': 'baseline',
    };
    const request = admissionRequest(pod(BAD));
    const warnings = await ask(labels, request);
    assert.deepEqual(warnings, [
      'would violate PodSecurity "baseline:v1.25": host namespaces (hostNetwork=true)',
    ]);
    const noted = request.auditAnnotations['pod-security.kubernetes.io/audit-violations'];
    assert.match(noted ?? '', /would violate PodSecurity "baseline:latest"/);
  });

  it('only warns of templates', async () => {
    const template = { spec: BAD };
    const job = {
      metadata: { namespace: 'n', name: 'j' },
      spec: { jobTemplate: { spec: { template } } },
    };
    const labels = { ...ENFORCED, 'pod-security.kubernetes.io/warn': 'baseline' };
    const request = admissionRequest(job, {
      group: 'batch',
      resource: 'cronjobs',
      kind: 'CronJob',
    });
    assert.equal((await ask(labels, request)).length, 1);
  });

  it('lets updates through that make nothing worse', async () => {
    const old = pod(BAD);
    assert.deepEqual(await ask(ENFORCED, admissionRequest(pod(BAD), { oldObject: old })), []);
    const worse = pod({ ...BAD, hostPID: true });
    await assert.rejects(ask(ENFORCED, admissionRequest(worse, { oldObject: old })), /hostPID/);
  });

  it('looks at ephemeral containers', async () => {
    const container = { name: 'debug', securityContext: { privileged: true } };
    const now = pod({ ...spec(), ephemeralContainers: [container] });
    const request = admissionRequest(now, {
      oldObject: pod(spec()),
      subresource: 'ephemeralcontainers',
    });
    await assert.rejects(ask(ENFORCED, request), /container "debug" must not set .*privileged/);
  });

  it('exempts users, namespaces and runtime classes', async () => {
    const user = { name: 'root', groups: [] };
    assert.deepEqual(await ask(ENFORCED, admissionRequest(pod(BAD), { user })), []);
    const system = { ...pod(BAD), metadata: { namespace: 'kube-system', name: 'p' } };
    assert.deepEqual(await ask(ENFORCED, admissionRequest(system)), []);
    const vm = pod({ ...BAD, runtimeClassName: 'vm' });
    assert.deepEqual(await ask(ENFORCED, admissionRequest(vm)), []);
  });

  it('refuses labels of a namespace that it cannot read', async () => {
    const labels = {
      'pod-security.kubernetes.io/warn': 'low',
      'pod-security.kubernetes.io/enforce-version': '1.25',
    };
    const namespace: Namespace = { metadata: { name: 'n', labels } };
    const request = admissionRequest(namespace, { resource: 'namespaces', kind: 'Namespace' });
    await assert.rejects(ask({}, request), (error: unknown) => {
      assert.ok(ApiError.is(error, 'Invalid'));
      assert.equal(error.status.details?.causes?.length, 2);
      return true;
    });
  });

  it('tells which pods break the new level of a namespace', async () => {
    const namespace: Namespace = { metadata: { name: 'n', labels: ENFORCED } };
    const oldObject: Namespace = { metadata: { name: 'n' } };
    const pods = [pod(BAD, 'b'), pod(BAD, 'a'), pod(spec(), 'c')];
    const request = admissionRequest(namespace, { resource: 'namespaces', oldObject });
    assert.deepEqual(await admission({}, pods).validate?.(request), [
      'existing pods in namespace "n" violate the new PodSecurity enforce level "baseline:latest"',
      'a (and 1 other pod): host namespaces (hostNetwork=true)',
    ]);
  });
});
