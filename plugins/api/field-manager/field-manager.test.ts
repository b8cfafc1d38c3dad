import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Clock,
  type FieldManagerContext,
  type KubeObject,
  type ManagedFieldsEntry,
  type Schema,
  schemaFrom,
  schemaOf,
} from 'kernetes/sdk';
import { updateManagedFields } from './field-manager.ts';
import { type FieldSet, union } from './field-set.ts';

interface Write {
  readonly manager?: string;
  readonly subresource?: string;
  readonly apiVersion?: string;
  /** Seconds. */
  readonly at?: number;
  readonly schema?: Schema;
  /** That `status` has a subresource of its own. */
  readonly statusApart?: boolean;
}

const CONFIG_MAP = schemaOf('', 'v1', 'ConfigMap') as Schema;
const POD = schemaOf('', 'v1', 'Pod') as Schema;
const DEPLOYMENT = schemaOf('apps', 'v1', 'Deployment') as Schema;

/** `object` after the write; neither argument is changed. */
function write<T extends object>(object: T, old: object | undefined, options: Write = {}): T {
  const { manager = 'a', subresource = '', apiVersion = 'v1', at = 0 } = options;
  const clock: Clock = {
    now: () => at * 1000,
    monotonic: () => at * 1000,
    setTimeout: () => assert.fail('no timers here'),
  };
  const written = structuredClone(object) as unknown as KubeObject;
  const schema = options.schema ?? CONFIG_MAP;
  const context: FieldManagerContext = {
    manager,
    subresource,
    apiVersion,
    schema,
    statusApart: options.statusApart ?? true,
    clock,
    convert: each => ({ object: each, schema }),
  };
  updateManagedFields(written, deepFreeze(structuredClone(old)) as KubeObject | undefined, context);
  return written as unknown as T;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}

function entriesOf(object: object): ManagedFieldsEntry[] {
  return (object as KubeObject).metadata.managedFields ?? [];
}

function pathsOf(set: FieldSet, prefix = ''): string[] {
  return Object.entries(set).flatMap(([step, child]) => {
    const path = prefix ? `${prefix}|${step}` : step;
    if (step === '.') return [prefix];
    return Object.keys(child).length === 0 ? [path] : pathsOf(child, path);
  });
}

function ownedBy(object: object, manager: string): string[] {
  const entry = entriesOf(object).find(each => each.manager === manager);
  return entry ? pathsOf(entry.fieldsV1 as FieldSet) : [];
}

test('a create gives every field to its manager, as a real server does', () => {
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'web',
      namespace: 'default',
      uid: 'u',
      generation: 1,
      creationTimestamp: '2024-01-01T00:00:00Z',
      labels: { app: 'web' },
    },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'web' } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: {
          containers: [
            {
              name: 'nginx',
              image: 'nginx',
              args: ['x'],
              ports: [{ containerPort: 80, protocol: 'TCP' }],
              resources: {},
            },
          ],
          securityContext: {},
        },
      },
    },
    status: {},
  };
  const written = write(deployment, undefined, {
    schema: DEPLOYMENT,
    apiVersion: 'apps/v1',
    at: 5,
  });
  assert.deepEqual(entriesOf(written), [
    {
      manager: 'a',
      operation: 'Update',
      apiVersion: 'apps/v1',
      time: '1970-01-01T00:00:05Z',
      fieldsType: 'FieldsV1',
      fieldsV1: {
        'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
        'f:spec': {
          'f:replicas': {},
          'f:selector': {},
          'f:strategy': {
            'f:type': {},
            'f:rollingUpdate': { '.': {}, 'f:maxSurge': {}, 'f:maxUnavailable': {} },
          },
          'f:template': {
            'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
            'f:spec': {
              'f:containers': {
                'k:{"name":"nginx"}': {
                  '.': {},
                  'f:name': {},
                  'f:image': {},
                  'f:args': {},
                  'f:ports': {
                    '.': {},
                    'k:{"containerPort":80,"protocol":"TCP"}': {
                      '.': {},
                      'f:containerPort': {},
                      'f:protocol': {},
                    },
                  },
                  'f:resources': {},
                },
              },
              'f:securityContext': {},
            },
          },
        },
      },
    },
  ]);
});

test('an object of nothing that is owned has no managedFields', () => {
  const written = write({ kind: 'ConfigMap', metadata: { name: 'x' } }, undefined);
  assert.equal('managedFields' in written.metadata, false);
});

test('a changed field moves to the writer, an unchanged one stays', () => {
  const old = write({ metadata: {}, data: { x: '1', y: '1' } }, undefined, { manager: 'a', at: 1 });
  const now = write({ ...old, data: { x: '1', y: '2', z: '1' } }, old, { manager: 'b', at: 2 });
  assert.deepEqual(ownedBy(now, 'a'), ['f:data', 'f:data|f:x']);
  assert.deepEqual(ownedBy(now, 'b'), ['f:data|f:y', 'f:data|f:z']);
  assert.deepEqual(
    entriesOf(now).map(entry => entry.time?.slice(17, 19)),
    ['01', '02'],
  );
});

test('a write that changes nothing keeps the entries and their times', () => {
  const old = write({ metadata: {}, data: { x: '1' } }, undefined, { at: 1 });
  const now = write({ ...old, metadata: { resourceVersion: '9' } }, old, { manager: 'b', at: 2 });
  assert.deepEqual(entriesOf(now), entriesOf(old));
});

test('the same manager grows its entry; another version or subresource has its own', () => {
  const old = write({ metadata: {}, data: { x: '1' } }, undefined, { at: 1 });
  const more = write({ ...old, data: { x: '1', y: '1' } }, old, { at: 2 });
  assert.deepEqual(ownedBy(more, 'a').sort(), ['f:data', 'f:data|f:x', 'f:data|f:y']);
  const status = { ...more, status: { phase: 'Running' } };
  const updated = write(status, more, { at: 3, subresource: 'status', schema: POD });
  assert.deepEqual(
    entriesOf(updated).map(({ subresource, time }) => [subresource, time?.slice(17, 19)]),
    [
      [undefined, '02'],
      ['status', '03'],
    ],
  );
  const beta = write({ ...updated, data: { x: '2' } }, updated, { at: 4, apiVersion: 'v2' });
  assert.deepEqual(
    entriesOf(beta).map(({ apiVersion }) => apiVersion),
    ['v1', 'v1', 'v2'],
  );
});

test('removed fields leave all entries, without moving times, and empty entries go', () => {
  const one = write({ metadata: {}, data: { x: '1' } }, undefined, { manager: 'a', at: 1 });
  const two = write({ ...one, data: { x: '1', y: '1' } }, one, { manager: 'b', at: 2 });
  const three = write({ ...two, data: { x: '1' } }, two, { manager: 'c', at: 3 });
  assert.deepEqual(entriesOf(three), entriesOf(one));
});

test('elements of sets and keyed lists are owned one by one', () => {
  const old = write({ metadata: { finalizers: ['f/a'] } }, undefined, { manager: 'a' });
  const now = write({ metadata: { ...old.metadata, finalizers: ['f/a', 'f/b'] } }, old, {
    manager: 'b',
  });
  assert.deepEqual(ownedBy(now, 'a'), [
    'f:metadata|f:finalizers',
    'f:metadata|f:finalizers|v:"f/a"',
  ]);
  assert.deepEqual(ownedBy(now, 'b'), ['f:metadata|f:finalizers|v:"f/b"']);
  const pod = (image: string) => ({ metadata: {}, spec: { containers: [{ name: 'c', image }] } });
  const first = write(pod('i'), undefined, { schema: POD, manager: 'a' });
  const second = write({ ...first, spec: pod('j').spec }, first, { schema: POD, manager: 'b' });
  const step = 'f:spec|f:containers|k:{"name":"c"}';
  assert.deepEqual(ownedBy(second, 'a'), [step, `${step}|f:name`]);
  assert.deepEqual(ownedBy(second, 'b'), [`${step}|f:image`]);
});

test('the status of a main write is nobody’s, that of a status write is its writer’s', () => {
  const pod = { metadata: {}, spec: { nodeName: 'n' }, status: { phase: 'Pending' } };
  const created = write(pod, undefined, { schema: POD, manager: 'a' });
  assert.deepEqual(ownedBy(created, 'a'), ['f:spec|f:nodeName']);
  const running = {
    ...created,
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  };
  const updated = write(running, created, { schema: POD, manager: 'b', subresource: 'status' });
  const ready = 'f:status|f:conditions|k:{"type":"Ready"}';
  assert.deepEqual(ownedBy(updated, 'b'), [
    'f:status|f:phase',
    'f:status|f:conditions',
    ready,
    `${ready}|f:type`,
    `${ready}|f:status`,
  ]);
});

const RESETS = [[], [{}]];
for (const managedFields of RESETS) {
  test(`managedFields ${JSON.stringify(managedFields)} in the body forget all entries`, () => {
    const old = write({ metadata: {}, data: { x: '1' } }, undefined);
    const now = write({ ...old, metadata: { managedFields } }, old, { manager: 'b' });
    assert.equal('managedFields' in now.metadata, false);
  });
}

test('entries in the body replace the live ones, but not through a subresource, nor bad ones', () => {
  const old = write({ metadata: {}, data: { x: '1' } }, undefined, { manager: 'a' });
  const entry = { ...entriesOf(old)[0], manager: 'z' };
  const body = { ...old, metadata: { managedFields: [entry] } };
  assert.deepEqual(entriesOf(write(body, old)), [entry]);
  assert.deepEqual(entriesOf(write(body, old, { subresource: 'status' })), entriesOf(old));
  const bad = [
    { ...entry, operation: 'Think' },
    { ...entry, apiVersion: '' },
    { ...entry, fieldsType: 'FieldsV2' },
    { ...entry, fieldsV1: { nonsense: {} } },
    { ...entry, fieldsV1: { 'f:x': 1 } },
  ];
  for (const each of bad) {
    const given = { ...old, metadata: { managedFields: [each] } };
    assert.deepEqual(entriesOf(write(given, old)), entriesOf(old));
  }
});

test('beyond ten updating managers the oldest of a version become ancient-changes', () => {
  let object = write({ metadata: {}, data: {} as Record<string, string> }, undefined, {
    manager: 'm0',
  });
  for (let i = 0; i < 14; i++) {
    const next = { ...object, data: { ...object.data, [`k${i}`]: 'v' } };
    object = write(next, object, { manager: `m${i}`, at: i });
  }
  const managers = entriesOf(object).map(({ manager }) => manager);
  assert.deepEqual(managers, [
    'ancient-changes',
    'm5',
    'm6',
    'm7',
    'm8',
    'm9',
    'm10',
    'm11',
    'm12',
    'm13',
  ]);
  assert.deepEqual(ownedBy(object, 'ancient-changes').length, 1 + 5);
});

test('appliers come first and lose what others change', () => {
  const old = write({ metadata: {}, data: { x: '1', y: '1' } }, undefined, { manager: 'a', at: 9 });
  const [entry] = entriesOf(old);
  const applied = { ...old, metadata: { managedFields: [{ ...entry, operation: 'Apply' }] } };
  const now = write({ ...applied, data: { x: '1', y: '2' } }, applied, { manager: 'a', at: 1 });
  assert.deepEqual(
    entriesOf(now).map(({ operation }) => operation),
    ['Apply', 'Update'],
  );
  assert.deepEqual(ownedBy(now, 'a'), ['f:data', 'f:data|f:x']);
});

test('a custom resource owns by its schema, and free parts by their fields', () => {
  const schema = schemaFrom({
    type: 'object',
    properties: {
      spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      status: { type: 'object', properties: { n: { type: 'integer' } } },
    },
  });
  const object = { metadata: { labels: { a: 'b' } }, spec: { free: { x: [1] } }, status: { n: 1 } };
  assert.deepEqual(ownedBy(write(object, undefined, { schema, statusApart: false }), 'a'), [
    'f:metadata|f:labels',
    'f:metadata|f:labels|f:a',
    'f:spec',
    'f:spec|f:free',
    'f:spec|f:free|f:x',
    'f:status',
    'f:status|f:n',
  ]);
});

test('after any writes every field has exactly one owner', () => {
  const key = fc.constantFrom('a', 'b', 'constructor', '__proto__');
  const strings = fc.dictionary(key, fc.constantFrom('1', '2'), {
    minKeys: 1,
    noNullPrototype: true,
  });
  const object = fc.record(
    {
      metadata: fc.record(
        { labels: strings, finalizers: fc.uniqueArray(key, { minLength: 1 }) },
        { requiredKeys: [], noNullPrototype: true },
      ),
      data: strings,
      immutable: fc.boolean(),
    },
    // What has no fields has no entries, and gets none by updates.
    { requiredKeys: ['metadata', 'data'], noNullPrototype: true },
  );
  const step = fc.tuple(object, fc.constantFrom('a', 'b', 'c'));
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 15 }), steps => {
      let live: { metadata: object } | undefined;
      let at = 0;
      for (const [object, manager] of steps) live = write(object, live, { manager, at: at++ });
      const all = entriesOf(live ?? {}).map(({ fieldsV1 }) => fieldsV1 as FieldSet);
      const bare = steps.at(-1)?.[0] as object;
      const [fresh] = entriesOf(write(bare, undefined));
      const wanted = pathsOf((fresh?.fieldsV1 ?? {}) as FieldSet).sort();
      assert.deepEqual(pathsOf(all.reduce(union, {})).sort(), wanted);
      assert.equal(all.flatMap(set => pathsOf(set)).length, wanted.length);
    }),
  );
});
