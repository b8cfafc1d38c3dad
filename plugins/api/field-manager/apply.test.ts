import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type ApiError,
  type ApplyContext,
  type Clock,
  type FieldsV1,
  type KubeObject,
  type ManagedFieldsEntry,
  type Schema,
  schemaFrom,
  schemaOf,
} from 'kernetes/sdk';
import { applyConfig } from './apply.ts';
import { pathsOf } from './conflict.ts';
import { updateManagedFields } from './field-manager.ts';
import { type FieldSet, union } from './field-set.ts';

type Fields = Readonly<Record<string, unknown>>;

interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly schema: Schema;
  readonly statusApart: boolean;
}

interface Options {
  readonly kind?: Kind;
  readonly force?: boolean;
  readonly subresource?: string;
  /** Seconds. */
  readonly at?: number;
  readonly convert?: ApplyContext['convert'];
}

const CONFIG_MAP = builtIn('', 'v1', 'ConfigMap');
const DEPLOYMENT = builtIn('apps', 'v1', 'Deployment');
const POD = builtIn('', 'v1', 'Pod');
const SERVICE = builtIn('', 'v1', 'Service');
const WIDGET: Kind = {
  apiVersion: 'test/v1',
  kind: 'Widget',
  statusApart: false,
  schema: schemaFrom({
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        properties: {
          free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
          whole: {
            type: 'object',
            'x-kubernetes-map-type': 'atomic',
            properties: { a: { type: 'string' }, b: { type: 'string' } },
          },
          set: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
          plain: { type: 'array', items: { type: 'string' } },
          parts: {
            type: 'array',
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['name'],
            items: {
              type: 'object',
              properties: { name: { type: 'string' }, size: { type: 'integer' } },
            },
          },
        },
      },
    },
  }),
};

function builtIn(group: string, version: string, kind: string): Kind {
  const apiVersion = group ? `${group}/${version}` : version;
  const schema = schemaOf(group, version, kind) as Schema;
  return { apiVersion, kind, schema, statusApart: true };
}

function contextOf(manager: string, options: Options): ApplyContext {
  const { kind = CONFIG_MAP, force = false, subresource = '', at = 0 } = options;
  const clock: Clock = {
    now: () => at * 1000,
    monotonic: () => at * 1000,
    setTimeout: () => assert.fail('no timers here'),
  };
  const convert: ApplyContext['convert'] = options.convert ?? (() => undefined);
  return { ...kind, manager, force, subresource, clock, convert };
}

/** The object after an apply; what it is given is frozen. */
function apply(live: object | undefined, config: Fields, manager: string, options: Options = {}) {
  const { apiVersion, kind } = options.kind ?? CONFIG_MAP;
  const whole = deepFreeze({ apiVersion, kind, metadata: {}, ...config }) as unknown as KubeObject;
  const context = contextOf(manager, options);
  const frozen = live === undefined ? undefined : (deepFreeze(structuredClone(live)) as KubeObject);
  return structuredClone(applyConfig(frozen, whole, context)) as KubeObject & Fields;
}

function update(live: object | undefined, object: object, manager: string, options: Options = {}) {
  const written = structuredClone(object) as KubeObject & Fields;
  updateManagedFields(written, live as KubeObject | undefined, contextOf(manager, options));
  return written;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}

function entriesOf(object: KubeObject): readonly ManagedFieldsEntry[] {
  return object.metadata.managedFields ?? [];
}

/** `manager operation: paths` of every entry. */
function ownership(object: KubeObject): string[] {
  return entriesOf(object).map(({ manager, operation, subresource, fieldsV1 }) => {
    const who = subresource ? `${manager}/${subresource}` : manager;
    return `${who} ${operation}: ${pathsOf(fieldsV1 as FieldSet).join(' ')}`;
  });
}

const pod = (...containers: Fields[]) => ({ spec: { containers } });

interface MergeCase {
  readonly name: string;
  readonly kind: Kind;
  /** What each manager applies, in turn. */
  readonly applied: readonly (readonly [string, Fields])[];
  readonly want: Fields;
  readonly owned: readonly string[];
}

const MERGES: readonly MergeCase[] = [
  {
    name: 'keys of a map are owned one by one',
    kind: CONFIG_MAP,
    applied: [
      ['a', { data: { x: '1' } }],
      ['b', { data: { y: '2' } }],
    ],
    want: { data: { x: '1', y: '2' } },
    owned: ['b Apply: .data.y', 'a Apply: .data.x'],
  },
  {
    name: 'what is not applied any more goes when nobody else owns it',
    kind: CONFIG_MAP,
    applied: [
      ['a', { data: { x: '1', y: '2' } }],
      ['a', { data: { x: '1' } }],
    ],
    want: { data: { x: '1' } },
    owned: ['a Apply: .data.x'],
  },
  {
    name: 'a shared field stays until its last owner lets it go',
    kind: CONFIG_MAP,
    applied: [
      ['a', { data: { x: '1', y: '2' } }],
      ['b', { data: { y: '2' } }],
      ['a', { data: { x: '1' } }],
    ],
    want: { data: { x: '1', y: '2' } },
    owned: ['b Apply: .data.y', 'a Apply: .data.x'],
  },
  {
    name: 'a map goes with its last key',
    kind: CONFIG_MAP,
    applied: [
      ['a', { data: { x: '1' }, metadata: { labels: { l: '1' } } }],
      ['a', { metadata: { labels: { l: '1' } } }],
    ],
    want: {},
    owned: ['a Apply: .metadata.labels.l'],
  },
  {
    name: 'elements are found by their key, in the order of the configuration',
    kind: POD,
    applied: [
      ['a', pod({ name: 'x', image: 'i' }, { name: 'y', image: 'i' })],
      ['b', pod({ name: 'z', image: 'j' }, { name: 'x', tty: true })],
    ],
    want: pod(
      { name: 'z', image: 'j' },
      { name: 'x', image: 'i', tty: true },
      { name: 'y', image: 'i' },
    ),
    owned: [
      'b Apply: .spec.containers[name="x"] .spec.containers[name="z"] ' +
        '.spec.containers[name="x"].name .spec.containers[name="x"].tty ' +
        '.spec.containers[name="z"].image .spec.containers[name="z"].name',
      'a Apply: .spec.containers[name="x"] .spec.containers[name="y"] ' +
        '.spec.containers[name="x"].image .spec.containers[name="x"].name ' +
        '.spec.containers[name="y"].image .spec.containers[name="y"].name',
    ],
  },
  {
    name: 'an element goes when its only applier lets it go',
    kind: POD,
    applied: [
      ['a', pod({ name: 'x', image: 'i' })],
      ['b', pod({ name: 'y', image: 'j' })],
      ['b', { metadata: { labels: { l: '1' } } }],
    ],
    want: pod({ name: 'x', image: 'i' }),
    owned: [
      'b Apply: .metadata.labels.l',
      'a Apply: .spec.containers[name="x"] .spec.containers[name="x"].image .spec.containers[name="x"].name',
    ],
  },
  {
    name: 'a key left out is its default',
    kind: SERVICE,
    applied: [
      ['a', { spec: { ports: [{ port: 80, name: 'http', protocol: 'TCP' }] } }],
      [
        'b',
        {
          spec: {
            ports: [
              { port: 80, targetPort: 8080 },
              { port: 80, protocol: 'UDP' },
            ],
          },
        },
      ],
    ],
    want: {
      spec: {
        ports: [
          { port: 80, name: 'http', protocol: 'TCP', targetPort: 8080 },
          { port: 80, protocol: 'UDP' },
        ],
      },
    },
    owned: [
      'b Apply: .spec.ports[port=80,protocol="TCP"] .spec.ports[port=80,protocol="UDP"] ' +
        '.spec.ports[port=80,protocol="TCP"].port .spec.ports[port=80,protocol="TCP"].targetPort ' +
        '.spec.ports[port=80,protocol="UDP"].port .spec.ports[port=80,protocol="UDP"].protocol',
      'a Apply: .spec.ports[port=80,protocol="TCP"] .spec.ports[port=80,protocol="TCP"].name ' +
        '.spec.ports[port=80,protocol="TCP"].port .spec.ports[port=80,protocol="TCP"].protocol',
    ],
  },
  {
    name: 'a set has its elements from all',
    kind: WIDGET,
    applied: [
      ['a', { spec: { set: ['x', 'y'] } }],
      ['b', { spec: { set: ['z', 'y'] } }],
      ['a', { spec: { set: ['x'] } }],
    ],
    want: { spec: { set: ['x', 'z', 'y'] } },
    owned: ['b Apply: .spec.set[="y"] .spec.set[="z"]', 'a Apply: .spec.set[="x"]'],
  },
  {
    name: 'a custom resource’s free part is owned by its fields',
    kind: WIDGET,
    applied: [
      ['a', { spec: { free: { p: { q: 1 } } } }],
      ['b', { spec: { free: { p: { r: [1, { s: 2 }] } } } }],
    ],
    want: { spec: { free: { p: { q: 1, r: [1, { s: 2 }] } } } },
    owned: ['b Apply: .spec.free.p .spec.free.p.r', 'a Apply: .spec.free.p .spec.free.p.q'],
  },
  {
    name: 'a custom resource’s parts go one by one, the list with the last',
    kind: WIDGET,
    applied: [
      ['a', { spec: { parts: [{ name: 'x', size: 1 }], plain: ['p'] } }],
      ['a', { spec: { plain: ['p'] } }],
    ],
    want: { spec: { plain: ['p'] } },
    owned: ['a Apply: .spec.plain'],
  },
];

for (const { name, kind, applied, want, owned } of MERGES) {
  test(`apply: ${name}`, () => {
    let live: (KubeObject & Fields) | undefined;
    let at = applied.length;
    // Time runs back, so that the latest applier's entry comes first.
    for (const [manager, config] of applied)
      live = apply(live, config, manager, { kind, at: at-- });
    const { apiVersion, kind: _, metadata, ...rest } = live as KubeObject & Fields;
    assert.deepEqual(rest, want);
    assert.deepEqual(ownership(live as KubeObject).sort(), owned.toSorted());
  });
}

interface ConflictCase {
  readonly name: string;
  readonly kind?: Kind;
  readonly live: () => object;
  readonly config: Fields;
  readonly manager?: string;
  readonly message: string;
}

const web = (replicas: number, image = 'i') => ({
  spec: { replicas, template: { spec: { containers: [{ name: 'c', image }] } } },
});

const CONFLICTS: readonly ConflictCase[] = [
  {
    name: 'with an updater',
    kind: DEPLOYMENT,
    live: () =>
      update(undefined, { metadata: {}, ...web(1) }, 'kubectl-client-side-apply', {
        kind: DEPLOYMENT,
      }),
    config: web(2),
    message:
      'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas',
  },
  {
    name: 'with an applier, over several fields',
    kind: DEPLOYMENT,
    live: () => apply(undefined, web(1), 'a', { kind: DEPLOYMENT }),
    config: web(2, 'j'),
    message:
      'Apply failed with 2 conflicts: conflicts with "a":\n- .spec.replicas\n' +
      '- .spec.template.spec.containers[name="c"].image',
  },
  {
    name: 'with two managers, one of them of a subresource',
    live: () => {
      const live = apply(undefined, { data: { x: '1' } }, 'b');
      const data = { x: '1', y: '1' };
      return update(live, { ...live, data }, 'a', { subresource: 'sub' });
    },
    config: { data: { x: '2', y: '2' } },
    message:
      'Apply failed with 2 conflicts: conflicts with "a" with subresource "sub" using v1:\n- .data.y\n' +
      'conflicts with "b":\n- .data.x',
  },
  {
    name: 'over an atomic map',
    kind: WIDGET,
    live: () => apply(undefined, { spec: { whole: { a: '1' } } }, 'a', { kind: WIDGET }),
    config: { spec: { whole: { b: '1' } } },
    message: 'Apply failed with 1 conflict: conflict with "a": .spec.whole',
  },
  {
    name: 'with who wrote before anybody applied',
    live: () => ({ metadata: {}, data: { x: '1' } }),
    config: { data: { x: '2' } },
    message: 'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.x',
  },
  {
    name: 'of the same name that updates',
    live: () => update(undefined, { metadata: {}, data: { x: '1' } }, 'me'),
    config: { data: { x: '2' } },
    message: 'Apply failed with 1 conflict: conflict with "me" using v1: .data.x',
  },
];

for (const { name, kind = CONFIG_MAP, live, config, message } of CONFLICTS) {
  test(`apply refuses a conflict ${name}, and takes over by force`, () => {
    const before = live();
    assert.throws(
      () => apply(before, config, 'me', { kind }),
      (error: ApiError) => {
        const { code, reason, details } = error.status;
        assert.deepEqual([error.message, code, reason], [message, 409, 'Conflict']);
        for (const cause of details?.causes ?? []) {
          assert.equal(cause.reason, 'FieldManagerConflict');
          assert.match(cause.message ?? '', /^conflict with "/);
          assert.ok(message.includes(cause.field ?? '?'));
        }
        return true;
      },
    );
    const forced = apply(before, config, 'me', { kind, force: true });
    assert.deepEqual(apply(forced, config, 'me', { kind }), forced);
  });
}

test('apply co-owns what has the value already, without a time of its own', () => {
  const one = apply(undefined, { data: { x: '1' } }, 'a', { at: 1 });
  const two = apply(one, { data: { x: '1' } }, 'b', { at: 2 });
  assert.deepEqual(ownership(two), ['b Apply: .data.x', 'a Apply: .data.x']);
  assert.deepEqual(
    entriesOf(two).map(({ time }) => time),
    [undefined, '1970-01-01T00:00:01Z'],
  );
});

test('apply of the same again moves no time', () => {
  const one = apply(undefined, { data: { x: '1' } }, 'a', { at: 1 });
  assert.deepEqual(apply(one, { data: { x: '1' } }, 'a', { at: 2 }), one);
});

test('apply keeps what the server knows of an object whose last label goes', () => {
  const one = apply(undefined, { metadata: { name: 'x', labels: { l: '1' } } }, 'a');
  const live = { ...one, metadata: { ...one.metadata, uid: 'u', resourceVersion: '1' } };
  const { metadata } = apply(live, { metadata: { name: 'x' } }, 'a');
  assert.deepEqual(metadata, { name: 'x', uid: 'u', resourceVersion: '1', managedFields: [] });
});

test('an update takes what it changes from an applier, and only that', () => {
  const one = apply(undefined, { data: { x: '1', y: '1' } }, 'a');
  const two = update(one, { ...one, data: { x: '1', y: '2' } }, 'b');
  assert.deepEqual(ownership(two), ['a Apply: .data.x', 'b Update: .data.y']);
  const three = apply(two, { data: { x: '1', y: '2' } }, 'a');
  assert.deepEqual(ownership(three), ['a Apply: .data.x .data.y', 'b Update: .data.y']);
  const four = apply(three, { data: { x: '1' } }, 'a');
  assert.deepEqual(four.data, { x: '1', y: '2' });
});

test('a reset of managedFields makes what is there an unknown updater’s', () => {
  const one = apply(undefined, { data: { x: '1' } }, 'a');
  const reset = update(one, { ...one, metadata: { managedFields: [{}] } }, 'b');
  assert.equal(reset.metadata.managedFields, undefined);
  const more = update(reset, { ...reset, data: { x: '1', z: '1' } }, 'b');
  assert.equal(more.metadata.managedFields, undefined);
  assert.deepEqual(ownership(apply(more, { data: { x: '1' } }, 'a')), [
    'a Apply: .data.x',
    'before-first-apply Update: .data .data.x .data.z',
  ]);
});

const SUBRESOURCES = [
  {
    name: 'a main apply leaves status alone',
    subresource: '',
    want: { spec: { nodeName: 'n' }, status: { phase: 'Running' } },
    owned: ['a Apply: .spec.nodeName'],
  },
  {
    name: 'a status apply leaves spec and labels alone',
    subresource: 'status',
    want: { status: { phase: 'Failed' } },
    owned: ['a/status Apply: .status.phase'],
  },
] as const;

for (const { name, subresource, want, owned } of SUBRESOURCES) {
  test(`apply: ${name}`, () => {
    const live = { metadata: {}, status: { phase: 'Running' } };
    const metadata = subresource === '' ? {} : { labels: { l: '1' } };
    const config = { metadata, spec: { nodeName: 'n' }, status: { phase: 'Failed' } };
    const options = { kind: POD, subresource, force: true };
    const { metadata: now, kind: _, apiVersion, ...rest } = apply(live, config, 'a', options);
    assert.deepEqual(rest, want);
    assert.equal(now.labels, undefined);
    assert.deepEqual(ownership({ metadata: now }).slice(0, 1), owned);
  });
}

const REFUSED: readonly { name: string; config: Fields; kind?: Kind; code: number; why: string }[] =
  [
    {
      name: 'another kind',
      config: { kind: 'Pod' },
      code: 400,
      why: 'invalid object type: /v1, Kind=Pod',
    },
    {
      name: 'another version',
      config: { apiVersion: 'apps/v2' },
      code: 400,
      why: 'invalid object type: apps/v2, Kind=ConfigMap',
    },
    {
      name: 'managedFields',
      config: { metadata: { managedFields: [] } },
      code: 400,
      why: 'metadata.managedFields must be nil',
    },
    {
      name: 'a field that the schema does not have',
      config: { metadata: { name: 'x', namespace: 'n' }, datas: {} },
      code: 500,
      why: 'failed to create typed patch object (n/x; /v1, Kind=ConfigMap): .datas: field not declared in schema',
    },
    {
      name: 'several wrong types',
      config: { data: { x: 1 }, immutable: 'yes' },
      code: 500,
      why:
        'failed to create typed patch object (/; /v1, Kind=ConfigMap): errors:\n' +
        '  .data.x: expected string, got &value.valueUnstructured{Value:1}\n' +
        '  .immutable: expected boolean, got &{yes}',
    },
    {
      name: 'elements of one key',
      kind: POD,
      config: pod({ name: 'x' }, { name: 'x' }),
      code: 500,
      why: 'failed to create typed patch object (/; /v1, Kind=Pod): .spec.containers: duplicate entries for key [name="x"]',
    },
    {
      name: 'an element without its key',
      kind: POD,
      config: pod({ image: 'i' }),
      code: 500,
      why:
        'failed to create typed patch object (/; /v1, Kind=Pod): .spec.containers: element 0: associative list with keys ' +
        'has an element that omits all key fields ["name"] (and doesn\'t have default values for any key fields)',
    },
    {
      name: 'a map for a list and text for a number',
      kind: DEPLOYMENT,
      config: { spec: { replicas: '1', template: { spec: { containers: { a: 1 } } } } },
      code: 500,
      why:
        'failed to create typed patch object (/; apps/v1, Kind=Deployment): errors:\n' +
        '  .spec.replicas: expected numeric (int or float), got string\n' +
        '  .spec.template.spec.containers: expected list, got &{map[a:1]}',
    },
    {
      name: 'a field that a custom resource does not have',
      kind: WIDGET,
      config: { spec: { nope: 1, free: { any: 1 } } },
      code: 500,
      why: 'failed to create typed patch object (/; test/v1, Kind=Widget): .spec.nope: field not declared in schema',
    },
  ];

for (const { name, config, kind = CONFIG_MAP, code, why } of REFUSED) {
  test(`apply refuses ${name}`, () => {
    assert.throws(
      () => apply(undefined, config, 'a', { kind }),
      (error: ApiError) => error.code === code && error.message === why,
    );
  });
}

test('apply refuses what nests too deep to be walked', () => {
  let data: object = {};
  for (let depth = 0; depth < 2000; depth++) data = { data };
  assert.throws(
    () => applyConfig(undefined, { metadata: {}, ...CONFIG_MAP, ...data }, contextOf('a', {})),
    /^ApiError: error decoding YAML: exceeded max depth$/,
  );
});

test('kubectl takes over what its client-side apply set, and keeps its annotation', () => {
  const last = { apiVersion: 'v1', kind: 'ConfigMap', metadata: {}, data: { x: '1', y: '1' } };
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(last) };
  const live = update(
    undefined,
    { metadata: { annotations }, data: { x: '1', y: '1' } },
    'kubectl-client-side-apply',
  );
  assert.throws(() => apply(live, { data: { x: '2' } }, 'other'), /conflict with "kubectl-client/);
  const taken = apply(live, { data: { x: '2' } }, 'kubectl');
  assert.deepEqual(taken.data, { x: '2', y: '1' });
  const kept = taken.metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration'];
  assert.deepEqual(JSON.parse(kept ?? ''), { ...last, data: { x: '2' } });
  const changed = update(live, { ...live, data: { x: '3', y: '1' } }, 'editor');
  assert.throws(
    () => apply(changed, { data: { x: '2' } }, 'kubectl'),
    /^ApiError: Apply failed with 1 conflict: conflict with "editor" using v1: \.data\.x$/,
  );
});

test('entries of other versions are compared in theirs, and go with them', () => {
  const convert = (object: KubeObject, apiVersion: string) =>
    apiVersion === 'v0'
      ? {
          object: { ...object, old: (object as KubeObject & Fields).data } as KubeObject,
          schema: CONFIG_MAP.schema,
        }
      : undefined;
  const entry = (apiVersion: string, fieldsV1: FieldsV1): ManagedFieldsEntry => ({
    manager: 'm',
    operation: 'Update',
    apiVersion,
    fieldsType: 'FieldsV1',
    fieldsV1,
  });
  const managedFields = [
    entry('v0', { 'f:old': { 'f:x': {} } }),
    entry('gone', { 'f:data': { 'f:x': {} } }),
  ];
  const live = { metadata: { managedFields }, data: { x: '1', y: '1' } };
  assert.throws(
    () => apply(live, { data: { x: '2' } }, 'a', { convert }),
    /Apply failed with 1 conflict: conflict with "m" using v0: \.old\.x$/,
  );
  const applied = apply(live, { data: { y: '1' } }, 'a', { convert });
  assert.deepEqual(ownership(applied), ['a Apply: .data.y', 'm Update: .old.x']);
  const updated = update(live, { ...live, data: { x: '2', y: '1' } }, 'b', { convert });
  assert.deepEqual(ownership(updated), ['b Update: .data.x']);
});

test('parts of what the schema has made atomic since are owned as a whole', () => {
  const fieldsV1 = { 'f:spec': { 'f:plain': { 'v:"x"': {} }, 'f:whole': { 'f:a': {} } } };
  const entry: ManagedFieldsEntry = {
    manager: 'm',
    operation: 'Apply',
    apiVersion: 'test/v1',
    fieldsType: 'FieldsV1',
    fieldsV1,
  };
  const spec = { plain: ['x'], whole: { a: '1' } };
  const live = { metadata: { managedFields: [entry] }, spec };
  const kept = apply(live, { metadata: { labels: { l: '1' } } }, 'a', { kind: WIDGET });
  assert.ok(ownership(kept).includes('m Apply: .spec.plain .spec.whole'));
});

const key = fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor');
const strings = fc.dictionary(key, fc.constantFrom('1', '2'), { noNullPrototype: true });
// An empty set or keyed list has nothing that could be owned, as upstream.
const parts = fc.uniqueArray(
  fc.record(
    { name: fc.constantFrom('x', 'y', 'z'), size: fc.constantFrom(1, 2) },
    { requiredKeys: ['name'], noNullPrototype: true },
  ),
  { selector: ({ name }) => name, minLength: 1 },
);
const spec = fc.record(
  {
    free: strings,
    whole: fc.record({ a: fc.constantFrom('1', '2') }, { noNullPrototype: true }),
    set: fc.uniqueArray(fc.constantFrom('x', 'y', 'z'), { minLength: 1 }),
    plain: fc.array(fc.constantFrom('x', 'y'), { maxLength: 2 }),
    parts,
  },
  { requiredKeys: [], noNullPrototype: true },
);
const config = fc.record({ spec }, { requiredKeys: [], noNullPrototype: true });
const history = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), config), { maxLength: 6 });

function play(steps: readonly (readonly [string, Fields])[]) {
  let live: (KubeObject & Fields) | undefined;
  for (const [manager, each] of steps) {
    live = apply(live, each, manager, { kind: WIDGET, force: true });
  }
  return live ?? ({ metadata: {} } as KubeObject & Fields);
}

function ownedBy(object: KubeObject, manager: string): string[] {
  const entry = entriesOf(object).find(each => each.manager === manager);
  return pathsOf((entry?.fieldsV1 ?? {}) as FieldSet);
}

test('after any applies: applying the same again changes nothing', () => {
  fc.assert(
    fc.property(history, config, (steps, last) => {
      const live = play([...steps, ['a', last]]);
      assert.deepEqual(apply(live, last, 'a', { kind: WIDGET }), live);
    }),
  );
});

test('after any applies: an apply gets what it says, and what others own and it does not touch stays theirs', () => {
  fc.assert(
    fc.property(history, config, (steps, last) => {
      const live = play(steps);
      const now = apply(live, last, 'a', { kind: WIDGET, force: true });
      const claimed = ownedBy(apply(undefined, last, 'a', { kind: WIDGET }), 'a');
      assert.deepEqual(ownedBy(now, 'a'), claimed);
      for (const other of ['b', 'c']) {
        const lost = ownedBy(live, other).filter(path => !ownedBy(now, other).includes(path));
        assert.deepEqual(
          lost.filter(path => !claimed.includes(path)),
          [],
        );
      }
    }),
  );
});

test('after any applies: every value that is there has an owner, and what is owned is there', () => {
  fc.assert(
    fc.property(history, steps => {
      const live = play(steps);
      const all = entriesOf(live).map(({ fieldsV1 }) => fieldsV1 as FieldSet);
      const owned = new Set(pathsOf(all.reduce(union, {})));
      const { metadata: _, ...bare } = live;
      const there = ownedBy(apply(undefined, bare, 'x', { kind: WIDGET }), 'x');
      assert.deepEqual(
        there.filter(path => !owned.has(path)),
        [],
      );
    }),
  );
});

test('after any applies: when all have let go of everything, nothing is left', () => {
  fc.assert(
    fc.property(history, steps => {
      const managers = ['a', 'b', 'c'] as const;
      const {
        metadata,
        kind: _,
        apiVersion: __,
        ...rest
      } = play([...steps, ...managers.map(manager => [manager, {}] as const)]);
      assert.deepEqual(rest, {});
      assert.deepEqual(metadata.managedFields ?? [], []);
    }),
  );
});
