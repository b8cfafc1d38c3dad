import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { FieldError, KindDefinition, KubeObject, StrategyContext } from 'kernetes/sdk';
import { CORE_KINDS } from './plugin.ts';

/**
 * What a real v1.20 server made of requests, against what the kinds here make of them. Every
 * difference is listed with its reason: one that is not, or that is gone, fails.
 */
const REFERENCE = new URL('../../../test/testdata/reference/v1.20/', import.meta.url);

interface Recording {
  readonly request: { readonly method: string; readonly path: string; readonly body?: unknown };
  readonly response: { readonly code: number; readonly body: unknown };
}

/** Path -> why. `-`: only the recording has it, `+`: only we, `~`: both, with different values. */
type Differences = Readonly<Record<string, string>>;

const SERVICE_ACCOUNT = 'admission plugin ServiceAccount';
const NEWER_SERVICE = 'since v1.21 or v1.22';
const ADMITTED_POD: Differences = {
  '-spec.serviceAccountName': SERVICE_ACCOUNT,
  '-spec.serviceAccount': SERVICE_ACCOUNT,
  '-spec.containers.0.volumeMounts': SERVICE_ACCOUNT,
  '-spec.tolerations': 'admission plugin DefaultTolerationSeconds',
  '-spec.priority': 'admission plugin Priority',
  '-spec.preemptionPolicy': 'admission plugin Priority',
};
const NEWER_ADDRESSES: Differences = {
  '+spec.internalTrafficPolicy': NEWER_SERVICE,
  '+spec.ipFamilies': NEWER_SERVICE,
  '+spec.ipFamilyPolicy': NEWER_SERVICE,
};

const DEFAULTS: Readonly<Record<string, Differences>> = {
  'namespace.json': { '+metadata.labels': 'the name as a label, since v1.21' },
  'node.json': { '-spec.taints': 'admission plugin TaintNodesByCondition' },
  'pod-hostnetwork.json': { ...ADMITTED_POD, '-spec.volumes': SERVICE_ACCOUNT },
  'pod-minimal.json': { ...ADMITTED_POD, '-spec.volumes': SERVICE_ACCOUNT },
  'pod-probes.json': { ...ADMITTED_POD, '-spec.volumes.4': SERVICE_ACCOUNT },
  'pv.json': {
    '-metadata.finalizers': 'admission plugin StorageObjectInUseProtection',
    '+status.lastPhaseTransitionTime': 'since v1.28',
  },
  'pvc.json': { '-metadata.finalizers': 'admission plugin StorageObjectInUseProtection' },
  'replicationcontroller.json': {
    '-metadata.generation': 'set by the door',
    '-spec.template.metadata.creationTimestamp': 'null, which nobody prints since v1.34',
  },
  'secret-stringdata.json': {},
  'service-clusterip.json': NEWER_ADDRESSES,
  'service-externalname.json': {},
  'service-headless.json': NEWER_ADDRESSES,
  'service-lb.json': {
    ...NEWER_ADDRESSES,
    '+spec.allocateLoadBalancerNodePorts': 'since v1.24',
    '-spec.ports.0.nodePort': 'drawn by the allocator',
  },
  'service-nodeport.json': NEWER_ADDRESSES,
};

/** Causes that differ in their text: field -> why. */
const ERRORS: Readonly<Record<string, Differences>> = {
  'affinity-bad-operator.json': {},
  'bad-restartpolicy.json': {},
  'dup-container-and-port.json': {},
  'limit-below-request.json': {
    'spec.containers[0].resources.requests': 'says the limit since v1.27',
  },
  'no-containers.json': {},
  'service-no-ports.json': {},
  'toleration-bad.json': { 'spec.tolerations[0].operator': 'the value as JSON, not as Go code' },
  'volume-mount-missing.json': {},
};

const ACCEPTED = ['clusterip-out-of-range.json', 'nodeport-out-of-range.json'];

describe('defaults as recorded', () => {
  for (const [file, differences] of Object.entries(DEFAULTS)) {
    test(file, () => {
      const recording = read('defaults', file);
      const { object, errors } = create(recording);
      assert.deepEqual(errors, []);
      const found = compare(plain(recording.response.body), plain(object));
      assert.deepEqual(found.sort(), Object.keys(differences).sort());
    });
  }

  test('no recording of a kind of core/v1 is left out', () => {
    const files = readdirSync(new URL('defaults/', REFERENCE)).filter(
      file => kindOf(read('defaults', file)) !== undefined,
    );
    assert.deepEqual(files.sort(), Object.keys(DEFAULTS).sort());
  });
});

describe('refusals as recorded', () => {
  for (const [file, differences] of Object.entries(ERRORS)) {
    test(file, () => {
      const recording = read('errors', file);
      const { details } = recording.response.body as { details: { causes: FieldError[] } };
      const { errors } = create(recording);
      assert.deepEqual(
        errors.map(({ reason, field }) => ({ reason, field })),
        details.causes.map(({ reason, field }) => ({ reason, field })),
      );
      const texts = (findings: readonly FieldError[]) =>
        findings.filter(({ field }) => !(field in differences)).map(({ message }) => message);
      assert.deepEqual(texts(errors), texts(details.causes));
      for (const field of Object.keys(differences)) {
        const ours = errors.find(error => error.field === field)?.message;
        assert.notEqual(ours, details.causes.find(cause => cause.field === field)?.message);
      }
    });
  }

  for (const file of ACCEPTED) {
    test(`${file} is accepted: what is free and what is in range, the allocator says`, () => {
      const recording = read('errors', file);
      assert.equal(recording.response.code, 201);
      assert.deepEqual(create(recording).errors, []);
    });
  }

  test('no 422 about a kind of core/v1 is left out but those about metadata', () => {
    const files = readdirSync(new URL('errors/', REFERENCE)).filter(file => {
      const recording = read('errors', file);
      return recording.response.code === 422 && kindOf(recording) !== undefined;
    });
    const metadata = ['bad-name.json', 'no-name.json'];
    assert.deepEqual(files.sort(), [...Object.keys(ERRORS), ...metadata].sort());
  });
});

function read(folder: string, file: string): Recording {
  return JSON.parse(readFileSync(new URL(`${folder}/${file}`, REFERENCE), 'utf8'));
}

function kindOf({ request }: Recording): KindDefinition | undefined {
  const { apiVersion, kind } = (request.body ?? {}) as KubeObject;
  return apiVersion === 'v1' && request.method === 'POST'
    ? CORE_KINDS.find(each => each.kind === kind)
    : undefined;
}

/** What the door does with a new object, as far as the kind has a say. */
function create(recording: Recording): { object: KubeObject; errors: FieldError[] } {
  const kind = kindOf(recording);
  assert.ok(kind);
  const object = structuredClone(recording.request.body) as KubeObject & { status?: unknown };
  const { strategy } = kind;
  if (kind.namespaced) object.metadata.namespace ??= 'default';
  kind.versions[0]?.defaults?.(object);
  if (strategy.status && !strategy.keepStatusOnCreate) delete object.status;
  const context = { clock: { now: () => 0 }, version: 'v1' } as unknown as StrategyContext;
  strategy.prepareCreate?.(object, context);
  return { object, errors: strategy.validate?.(object) ?? [] };
}

function compare(expected: unknown, actual: unknown, path = ''): string[] {
  if (isContainer(expected) && isContainer(actual)) {
    const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
    return [...keys].flatMap(key => {
      const at = path ? `${path}.${key}` : key;
      if (!Object.hasOwn(actual, key)) return [`-${at}`];
      if (!Object.hasOwn(expected, key)) return [`+${at}`];
      return compare(expected[key], actual[key], at);
    });
  }
  return Object.is(expected, actual) ? [] : [`~${path}`];
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** As on the wire: without what is undefined. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
