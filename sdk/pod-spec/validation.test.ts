import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Container, PodSpec } from '../api/types-core-v1.ts';
import { fieldPath } from '../field-path.ts';
import { defaultPodSpec } from './defaults.ts';
import { validatePodSpec, validatePodTemplate } from './validation.ts';

interface Case {
  readonly name: string;
  /** Of the one container. */
  readonly container?: Partial<Container>;
  readonly spec?: Partial<PodSpec>;
  /** `reason field`, without `FieldValue` and `spec.`; absent: none. */
  readonly wrong?: readonly string[];
}

const C = 'containers[0]';
const CASES: readonly Case[] = [
  { name: 'a plain pod' },
  { name: 'no name', container: { name: '' }, wrong: [`Required ${C}.name`] },
  { name: 'a name with capitals', container: { name: 'C' }, wrong: [`Invalid ${C}.name`] },
  { name: 'no image', container: { image: '' }, wrong: [`Required ${C}.image`] },
  {
    name: 'an unknown pull policy',
    container: { imagePullPolicy: 'Sometimes' },
    wrong: [`NotSupported ${C}.imagePullPolicy`],
  },
  {
    name: 'an unknown termination message policy',
    container: { terminationMessagePolicy: 'Mail' },
    wrong: [`NotSupported ${C}.terminationMessagePolicy`],
  },
  {
    name: 'ports: none, out of range, unknown protocol, name twice',
    container: {
      ports: [
        { containerPort: 0, name: 'a' },
        { containerPort: 70000, hostPort: -1 },
        { containerPort: 1, protocol: 'X', name: 'a' },
      ],
    },
    wrong: [
      `Required ${C}.ports[0].containerPort`,
      `Invalid ${C}.ports[1].containerPort`,
      `Invalid ${C}.ports[1].hostPort`,
      `Duplicate ${C}.ports[2].name`,
      `NotSupported ${C}.ports[2].protocol`,
    ],
  },
  {
    name: 'one host port for two',
    container: {
      ports: [
        { containerPort: 1, hostPort: 9 },
        { containerPort: 2, hostPort: 9 },
      ],
    },
    wrong: [`Duplicate ${C}.ports[1].hostPort`],
  },
  {
    name: 'one host port on two addresses, or for two protocols',
    container: {
      ports: [
        { containerPort: 1, hostPort: 9, hostIP: '1.1.1.1' },
        { containerPort: 1, hostPort: 9 },
        { containerPort: 1, hostPort: 9, protocol: 'UDP' },
      ],
    },
  },
  {
    name: "another port than the host's in the host's network",
    spec: { hostNetwork: true },
    container: { ports: [{ containerPort: 1, hostPort: 2 }] },
    wrong: [`Invalid ${C}.ports[0].containerPort`],
  },
  {
    name: 'environment',
    container: {
      env: [
        { name: '' },
        { name: 'a=b' },
        { name: 'A', valueFrom: {} },
        { name: 'B', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        { name: 'D', valueFrom: { fieldRef: { fieldPath: 'spec.nope' } } },
        { name: 'E', valueFrom: { fieldRef: { fieldPath: 'metadata.labels' } } },
        { name: 'F', valueFrom: { fieldRef: { fieldPath: "metadata.labels['a b']" } } },
        { name: 'G', valueFrom: { configMapKeyRef: { key: '' } } },
        { name: 'H', valueFrom: { secretKeyRef: { name: 's', key: 'a/b' } } },
        { name: 'I', valueFrom: { resourceFieldRef: { resource: 'limits.gpu' } } },
        { name: 'J', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1Mi' } } },
        { name: 'K', valueFrom: { fieldRef: { fieldPath: "metadata.annotations['X/y']" } } },
        {
          name: 'L',
          valueFrom: { resourceFieldRef: { resource: 'limits.constructor', divisor: '1' } },
        },
      ],
    },
    wrong: [
      `Required ${C}.env[0].name`,
      `Invalid ${C}.env[1].name`,
      `Invalid ${C}.env[2].valueFrom`,
      `Invalid ${C}.env[3].valueFrom`,
      `Invalid ${C}.env[4].valueFrom.fieldRef.fieldPath`,
      `NotSupported ${C}.env[5].valueFrom.fieldRef.fieldPath`,
      `Invalid ${C}.env[6].valueFrom.fieldRef.fieldPath`,
      `Required ${C}.env[7].valueFrom.configMapKeyRef.name`,
      `Required ${C}.env[7].valueFrom.configMapKeyRef.key`,
      `Invalid ${C}.env[8].valueFrom.secretKeyRef.key`,
      `NotSupported ${C}.env[9].valueFrom.resourceFieldRef.resource`,
      `Invalid ${C}.env[10].valueFrom.resourceFieldRef.divisor`,
      `NotSupported ${C}.env[12].valueFrom.resourceFieldRef.resource`,
    ],
  },
  {
    name: 'environment from nothing, from two',
    container: {
      envFrom: [{}, { configMapRef: { name: 'a' }, secretRef: { name: 'b' } }, { secretRef: {} }],
    },
    wrong: [
      `Invalid ${C}.envFrom[0]`,
      `Invalid ${C}.envFrom[1]`,
      `Required ${C}.envFrom[2].secretRef.name`,
    ],
  },
  {
    name: 'mounts',
    spec: { volumes: [{ name: 'v' }] },
    container: {
      volumeMounts: [
        { name: 'v', mountPath: '/a', subPath: '../b' },
        { name: 'v', mountPath: '/a' },
        { name: 'v', mountPath: '/b', subPath: '/abs' },
        { name: 'w', mountPath: '' },
        { name: 'v', mountPath: '/c', mountPropagation: 'Bidirectional' },
      ],
    },
    wrong: [
      `Invalid ${C}.volumeMounts[0].subPath`,
      `Invalid ${C}.volumeMounts[1].mountPath`,
      `Invalid ${C}.volumeMounts[2].subPath`,
      `NotFound ${C}.volumeMounts[3].name`,
      `Required ${C}.volumeMounts[3].mountPath`,
      `Forbidden ${C}.volumeMounts[4].mountPropagation`,
    ],
  },
  {
    name: 'a block device of an emptyDir',
    spec: { volumes: [{ name: 'v' }] },
    container: { volumeDevices: [{ name: 'v', devicePath: '/dev/x' }] },
    wrong: [`Invalid ${C}.volumeDevices[0].name`],
  },
  {
    name: 'resources',
    container: {
      resources: {
        limits: { cpu: '-1', gpu: '1', 'example.com/gpu': '500m' },
        requests: { memory: '1Gi', 'example.com/fpga': '1' },
      },
    },
    wrong: [
      `Invalid ${C}.resources.limits[cpu]`,
      `Invalid ${C}.resources.limits[example.com/gpu]`,
      `Invalid ${C}.resources.limits[gpu]`,
      `Required ${C}.resources.limits`,
    ],
  },
  {
    name: 'less of an extended resource than its limit',
    container: {
      resources: { limits: { 'example.com/gpu': '2' }, requests: { 'example.com/gpu': '1' } },
    },
    wrong: [`Invalid ${C}.resources.requests`],
  },
  {
    name: 'huge pages alone',
    container: {
      resources: { limits: { 'hugepages-2Mi': '4Mi' }, requests: { 'hugepages-2Mi': '4Mi' } },
    },
    wrong: [`Forbidden ${C}.resources`],
  },
  {
    name: 'probes',
    container: {
      livenessProbe: { httpGet: { port: 80 }, successThreshold: 2 },
      readinessProbe: { exec: {}, terminationGracePeriodSeconds: 3 },
      startupProbe: { tcpSocket: { port: 'Bad_' }, periodSeconds: -1 },
    },
    wrong: [
      `Invalid ${C}.livenessProbe.successThreshold`,
      `Required ${C}.readinessProbe.exec.command`,
      `Invalid ${C}.readinessProbe.terminationGracePeriodSeconds`,
      `Invalid ${C}.startupProbe.tcpSocket.port`,
      `Invalid ${C}.startupProbe.periodSeconds`,
    ],
  },
  {
    name: 'handlers: none, two, a sleep longer than the grace',
    container: {
      livenessProbe: {},
      lifecycle: {
        postStart: { exec: { command: ['a'] }, tcpSocket: { port: 1 } },
        preStop: { sleep: { seconds: 31 } },
      },
    },
    wrong: [
      `Forbidden ${C}.lifecycle.postStart.tcpSocket`,
      `Invalid ${C}.lifecycle.preStop.sleep`,
      `Required ${C}.livenessProbe`,
    ],
  },
  {
    name: 'security',
    spec: {
      hostPID: true,
      shareProcessNamespace: true,
      securityContext: {
        runAsUser: -1,
        sysctls: [{ name: 'A', value: '' }],
        fsGroupChangePolicy: 'x',
      },
    },
    container: {
      securityContext: {
        privileged: true,
        allowPrivilegeEscalation: false,
        seccompProfile: { type: 'Localhost' },
      },
    },
    wrong: [
      `Invalid ${C}.securityContext`,
      `Required ${C}.securityContext.seccompProfile.localhostProfile`,
      'Invalid securityContext.runAsUser',
      'Invalid shareProcessNamespace',
      'Invalid securityContext.sysctls[0].name',
      'NotSupported securityContext.fsGroupChangePolicy',
    ],
  },
  {
    name: 'init containers: a name twice, a probe, a sidecar with one',
    spec: {
      initContainers: [
        { name: 'c', image: 'i' },
        { name: 'i', image: 'i', livenessProbe: { tcpSocket: { port: 1 } } },
        {
          name: 's',
          image: 'i',
          restartPolicy: 'Always',
          livenessProbe: { tcpSocket: { port: 1 } },
        },
      ],
    },
    wrong: ['Duplicate initContainers[0].name', 'Forbidden initContainers[1].livenessProbe'],
  },
  {
    name: 'ephemeral containers: no target, ports',
    spec: {
      ephemeralContainers: [
        { name: 'e', image: 'i', targetContainerName: 'x', ports: [{ containerPort: 1 }] },
        { name: 'f', image: 'i', targetContainerName: 'c' },
      ],
    },
    wrong: [
      'NotFound ephemeralContainers[0].targetContainerName',
      'Forbidden ephemeralContainers[0].ports',
    ],
  },
  {
    name: 'volumes',
    spec: {
      volumes: [
        { name: 'a', hostPath: { path: '/a/../b', type: 'Nope' } },
        { name: 'a', emptyDir: { sizeLimit: '-1' } },
        { name: 'B', secret: {} },
        {
          name: 'd',
          configMap: { name: 'c', items: [{ key: 'k', path: '..x' }], defaultMode: 1000 },
        },
        { name: 'e', nfs: { server: 's', path: 'rel' }, emptyDir: {} },
        { name: 'f', persistentVolumeClaim: { claimName: '' } },
        { name: 'g', downwardAPI: { items: [{ path: 'p' }] } },
        {
          name: 'h',
          projected: { sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 5 } }] },
        },
        { name: 'i', ephemeral: {} },
      ],
    },
    wrong: [
      'Invalid volumes[0].hostPath.path',
      'NotSupported volumes[0].hostPath.type',
      'Forbidden volumes[1].emptyDir.sizeLimit',
      'Duplicate volumes[1].name',
      'Required volumes[2].secret.secretName',
      'Invalid volumes[2].name',
      'Invalid volumes[3].configMap.defaultMode',
      'Invalid volumes[3].configMap.items[0].path',
      'Forbidden volumes[4].nfs',
      'Required volumes[5].persistentVolumeClaim.claimName',
      'Required volumes[6].downwardAPI.items[0]',
      'Invalid volumes[7].projected.sources[0].serviceAccountToken.expirationSeconds',
      'Required volumes[8].ephemeral.volumeClaimTemplate',
    ],
  },
  {
    name: 'affinity',
    spec: {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] },
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 0, preference: { matchExpressions: [{ key: 'a', operator: 'In' }] } },
            {
              weight: 1,
              preference: { matchFields: [{ key: 'spec.x', operator: 'In', values: ['a'] }] },
            },
          ],
        },
        podAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            {
              topologyKey: '',
              labelSelector: { matchExpressions: [{ key: 'a', operator: 'Near' }] },
            },
          ],
        },
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 101, podAffinityTerm: { topologyKey: 'zone', namespaces: ['A'] } },
          ],
        },
      },
    },
    wrong: [
      'Required affinity.nodeAffinity.required.nodeSelectorTerms',
      'Invalid affinity.nodeAffinity.preferred[0].weight',
      'Required affinity.nodeAffinity.preferred[0].preference.matchExpressions[0].values',
      'Invalid affinity.nodeAffinity.preferred[1].preference.matchFields[0].key',
      'Invalid affinity.podAffinity.required[0].labelSelector.matchExpressions[0].operator',
      'Required affinity.podAffinity.required[0].topologyKey',
      'Invalid affinity.podAntiAffinity.preferred[0].weight',
      'Invalid affinity.podAntiAffinity.preferred[0].podAffinityTerm.namespace',
    ],
  },
  {
    name: 'tolerations',
    spec: {
      tolerations: [
        { operator: 'Equal' },
        { key: 'a', operator: 'Like' },
        { key: 'a', operator: 'Exists', effect: 'Never' },
        { key: 'a', operator: 'Exists', tolerationSeconds: 1, effect: 'NoSchedule' },
        { key: 'a', value: 'x y' },
        { operator: 'Exists' },
      ],
    },
    wrong: [
      'Invalid tolerations[0].operator',
      'NotSupported tolerations[1].operator',
      'NotSupported tolerations[2].effect',
      'Invalid tolerations[3].effect',
      'Invalid tolerations[4].operator',
    ],
  },
  {
    name: 'spread',
    spec: {
      topologySpreadConstraints: [
        { maxSkew: 0, topologyKey: '', whenUnsatisfiable: 'Pray' },
        { maxSkew: 1, topologyKey: 'z', whenUnsatisfiable: 'ScheduleAnyway', minDomains: 2 },
        {
          maxSkew: 1,
          topologyKey: 'z',
          whenUnsatisfiable: 'ScheduleAnyway',
          matchLabelKeys: ['a'],
        },
      ],
    },
    wrong: [
      'Invalid topologySpreadConstraints[0].maxSkew',
      'Required topologySpreadConstraints[0].topologyKey',
      'NotSupported topologySpreadConstraints[0].whenUnsatisfiable',
      'Invalid topologySpreadConstraints[1].minDomains',
      'Forbidden topologySpreadConstraints[2].matchLabelKeys',
      'Duplicate topologySpreadConstraints[2].{topologyKey, whenUnsatisfiable}',
    ],
  },
  {
    name: 'DNS',
    spec: {
      dnsPolicy: 'None',
      dnsConfig: { searches: ['a_b.example.', '-'], options: [{}] },
      hostAliases: [{ ip: 'x', hostnames: ['A'] }],
      hostname: 'a.b',
    },
    wrong: [
      'Required dnsConfig.nameservers',
      'Invalid dnsConfig.searches[1]',
      'Required dnsConfig.options[0]',
      'Invalid hostname',
      'Invalid hostAliases[0].ip',
      'Invalid hostAliases[0].hostnames[0]',
    ],
  },
  {
    name: 'names, gates and the rest',
    spec: {
      nodeSelector: { 'a b': 'c d' },
      serviceAccountName: 'A',
      nodeName: 'N',
      priorityClassName: 'P',
      imagePullSecrets: [{}],
      activeDeadlineSeconds: 0,
      preemptionPolicy: 'Maybe',
      os: { name: 'plan9' },
      readinessGates: [{ conditionType: 'a b' }],
      schedulingGates: [{ name: 'g' }, { name: 'g' }],
      resourceClaims: [{ name: 'r' }],
      overhead: { cpu: '-1' },
    },
    wrong: [
      'Invalid resourceClaims[0]',
      'Invalid nodeSelector',
      'Invalid nodeSelector',
      'Required imagePullSecrets[0].name',
      'Invalid readinessGates[0].conditionType',
      'Duplicate schedulingGates[1]',
      'Invalid serviceAccountName',
      'Invalid nodeName',
      'Invalid activeDeadlineSeconds',
      'Invalid priorityClassName',
      'NotSupported preemptionPolicy',
      'Invalid overhead.limits[cpu]',
      'NotSupported os.name',
    ],
  },
];

describe('validatePodSpec()', () => {
  for (const { name, container, spec, wrong = [] } of CASES) {
    test(`${wrong.length === 0 ? 'accepts' : 'refuses'} ${name}`, () => {
      const pod: PodSpec = { containers: [{ name: 'c', image: 'i', ...container }], ...spec };
      const whole = structuredClone(pod);
      defaultPodSpec(whole);
      const found = validatePodSpec(whole, fieldPath('spec')).map(({ reason, field }) =>
        `${reason.replace('FieldValue', '')} ${field.replace('spec.', '')}`.replaceAll(
          'DuringSchedulingIgnoredDuringExecution',
          '',
        ),
      );
      assert.deepEqual(found, wrong);
    });
  }

  test('refuses what defaults were not filled into', () => {
    const found = validatePodSpec({ containers: [{ name: 'c', image: 'i' }] }, fieldPath('spec'));
    assert.deepEqual(
      found.map(({ field }) => field),
      [
        'spec.containers[0].terminationMessagePolicy',
        'spec.containers[0].imagePullPolicy',
        'spec.restartPolicy',
        'spec.dnsPolicy',
      ],
    );
  });
});

test('validatePodTemplate() checks labels and annotations before the specification', () => {
  const metadata = { labels: { a: 'b c' }, annotations: { 'A.b/c': 'x', 'd e': '' } };
  const found = validatePodTemplate({ metadata }, fieldPath('spec', 'template'));
  assert.deepEqual(found.map(({ field }) => field).slice(0, 3), [
    'spec.template.metadata.labels',
    'spec.template.metadata.annotations',
    'spec.template.spec.containers',
  ]);
});
