import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { builtInSchema, type Schema, type SchemaDefinition, schemaFrom } from '../schema.ts';
import {
  CEL_CALL_COST_MAX,
  CelCompileError,
  type CelCompileOptions,
  CelCostError,
  CelEvaluationError,
  type CelType,
  loadCel,
} from './cel.ts';

const cel = await loadCel();
const budget = () => ({ limit: CEL_CALL_COST_MAX, spent: 0 });

const WIDGET = schemaFrom({
  type: 'object',
  properties: {
    replicas: { type: 'integer' },
    ratio: { type: 'number' },
    name: { type: 'string' },
    since: { type: 'string', format: 'date-time' },
    day: { type: 'string', format: 'date' },
    timeout: { type: 'string', format: 'duration' },
    data: { type: 'string', format: 'byte' },
    port: { 'x-kubernetes-int-or-string': true },
    anything: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    unknown: { 'x-kubernetes-preserve-unknown-fields': true } as SchemaDefinition,
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    tags: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
    ports: {
      type: 'array',
      items: { type: 'object', properties: { name: { type: 'string' }, n: { type: 'integer' } } },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
    },
    moments: {
      type: 'array',
      items: {
        type: 'object',
        properties: { at: { type: 'string', format: 'date-time' }, n: { type: 'integer' } },
      },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['at'],
    },
    sizes: { type: 'array', items: { type: 'integer' } },
    maybe: { type: 'string', nullable: true },
    embedded: {
      type: 'object',
      'x-kubernetes-embedded-resource': true,
      properties: { spec: { type: 'object', properties: { x: { type: 'integer' } } } },
    },
    'x-y': { type: 'string' },
    'a.b/c__d': { type: 'string' },
    namespace: { type: 'string' },
    flag: { type: 'boolean' },
    toString: { type: 'string' } as SchemaDefinition,
    constructor: { type: 'string' } as SchemaDefinition,
  },
});

const widget = {
  replicas: 3,
  ratio: 2,
  name: 'web',
  since: '2024-02-29T10:00:00Z',
  day: '2024-02-29',
  timeout: '1h30m',
  data: 'aGk=',
  port: 80,
  anything: { x: 1 },
  labels: { app: 'web' },
  tags: ['a', 'b'],
  ports: [
    { name: 'http', n: 80 },
    { name: 'dns', n: 53 },
  ],
  sizes: [1, 2, 3],
  maybe: null,
  embedded: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', labels: {} }, spec: { x: 1 } },
  'x-y': 'dash',
  'a.b/c__d': 'all',
  namespace: 'ns',
  flag: true,
};

const SELF: CelCompileOptions['variables'] = {
  self: { schema: WIDGET },
  oldSelf: { schema: WIDGET },
};

function run(expression: string, self: unknown = widget, oldSelf: unknown = widget): unknown {
  const program = cel.compile(expression, { variables: SELF, result: 'any' });
  return cel.plain(program.evaluate({ self, oldSelf }, budget()));
}

describe('values of a schema', () => {
  const holds = [
    'self.replicas + 1 == 4',
    'self.ratio > 1.5 && self.ratio == 2.0',
    'self.name.startsWith("w")',
    'self.since < timestamp("2025-01-01T00:00:00Z") && self.since.getMonth() == 1',
    'self.day.getFullYear() == 2024',
    'self.timeout > duration("1h") && self.timeout.getMinutes() == 90',
    'self.data == b"hi"',
    'self.port == 80',
    '"app" in self.labels && self.labels.app == "web" && self.labels["app"] == "web"',
    'self.labels.all(key, key == "app")',
    'self.tags == ["b", "a"]',
    '(self.tags + ["b", "c"]).size() == 3',
    'self.ports.exists_one(p, p.n == 53)',
    '(self.ports + self.ports).size() == 2',
    'has(self.name) && !has(self.labels.other)',
    'self.maybe == dyn(null)',
    'self.embedded.kind == "Pod" && self.embedded.metadata.name == "p" && self.embedded.spec.x == 1',
    'self.x__dash__y == "dash"',
    'self.a__dot__b__slash__c__underscores__d == "all"',
    'self.__namespace__ == "ns"',
    'self == oldSelf && self.ports == oldSelf.ports',
    'self.?labels.app.orValue("") == "web"',
    'self.labels[?"none"].hasValue() == false',
    'type(self.sizes[0]) == int && type(self.ratio) == double',
  ];
  for (const expression of holds) test(expression, () => assert.equal(run(expression), true));

  test('a list of type set or map is equal in any order', () => {
    const turned = {
      ...widget,
      tags: ['b', 'a'],
      ports: [{ name: 'dns', n: 53 }, widget.ports[0]],
      sizes: [3, 2, 1],
    };
    assert.equal(run('self.tags == oldSelf.tags', turned), true);
    assert.equal(run('self.ports == oldSelf.ports', turned), true);
    assert.equal(run('self.sizes == oldSelf.sizes', turned), false);
  });

  test('elements of a list of type map are told apart by times too', () => {
    const a = { at: '2024-02-29T10:00:00Z', n: 1 };
    const b = { at: '2024-02-29T11:00:00Z', n: 2 };
    const moments = { ...widget, moments: [a, b] };
    assert.equal(run('(self.moments + self.moments).size()', moments), 2);
    assert.equal(run('self.moments == oldSelf.moments', moments, { moments: [b, a] }), true);
  });

  test('a number that is larger than any int is a double', () => {
    const program = cel.compile('type(v) == double && v > 0', {
      variables: { v: { type: 'dyn' } },
    });
    assert.equal(program.evaluate({ v: 1e300 }, budget()), true);
    assert.equal(program.evaluate({ v: 2 ** 63 }, budget()), true);
    assert.equal(program.evaluate({ v: 2 ** 62 }, budget()), false);
  });

  test('fields that every object inherits are not there', () => {
    assert.equal(run('has(self.toString) || has(self.constructor)'), false);
    assert.equal(run('self == oldSelf', { ...widget }), true);
  });
});

describe('compile() refuses', () => {
  const refused: readonly (readonly [expression: string, message: string])[] = [
    ['self.foo', "ERROR: <input>:1:5: undefined field 'foo'\n | self.foo\n | ....^"],
    ['self.embedded.metadata.labels', "ERROR: <input>:1:23: undefined field 'labels'"],
    ['self.anything.x', "ERROR: <input>:1:14: undefined field 'x'"],
    ['self.unknown', "ERROR: <input>:1:5: undefined field 'unknown'"],
    ['self.namespace', "ERROR: <input>:1:5: undefined field 'namespace'"],
    ['has(self.foo)', "ERROR: <input>:1:9: undefined field 'foo'"],
    ['self.?foo', "ERROR: <input>:1:5: undefined field 'foo'"],
    ['other', "ERROR: <input>:1:1: undeclared reference to 'other' (in container '')"],
    ['self.name.frob()', "ERROR: <input>:1:15: undeclared reference to 'frob' (in container '')"],
    [
      'self.name == 1',
      "ERROR: <input>:1:11: found no matching overload for '_==_' applied to '(string, int)'",
    ],
    [
      'true &&\n self.name + 1 == "x"',
      "ERROR: <input>:2:12: found no matching overload for '_+_' applied to '(string, int)'\n |  self.name + 1 == \"x\"\n | ...........^",
    ],
    ['self.name in self.sizes', "found no matching overload for '@in'"],
    ['self.maybe == null', "found no matching overload for '_==_' applied to '(string, null)'"],
    ['self.name.all(x, true)', "expression of type 'string' cannot be range of a comprehension"],
    ['self.sizes.all(x, x)', "expected type 'bool' but found 'int'"],
    ['self.sizes.map(1, 2)', 'Syntax error'],
    ['self.name.matches("(")', 'error parsing regexp: missing closing ): `(`'],
    ['self.', 'ERROR: <input>:1:6: Syntax error'],
    ['9223372036854775808', 'invalid int literal'],
    ['authorizer.path("/x").check("get").allowed()', "undeclared reference to 'authorizer'"],
  ];
  for (const [expression, message] of refused) {
    test(expression, () => {
      assert.throws(
        () => cel.compile(expression, { variables: SELF, result: 'any' }),
        (error: unknown) => {
          assert.ok(error instanceof CelCompileError);
          assert.equal(error.kind, 'invalid');
          assert.ok(error.message.includes(message), error.message);
          return true;
        },
      );
    });
  }

  test('a result of another type', () => {
    const refusal = (expression: string, result: 'bool' | 'string' | 'string-or-null') => {
      try {
        cel.compile(expression, { variables: SELF, result });
        return 'compiles';
      } catch (error) {
        assert.ok(error instanceof CelCompileError);
        return `${error.kind}: ${error.message}`;
      }
    };
    assert.equal(refusal('1', 'bool'), 'result: must evaluate to bool');
    assert.equal(refusal('true', 'string'), 'result: must evaluate to string');
    assert.equal(
      refusal('1', 'string-or-null'),
      'result: must evaluate to one of [string null_type]',
    );
    assert.equal(refusal('null', 'string-or-null'), 'compiles');
    assert.equal(refusal('self.port', 'bool'), 'compiles');
  });
});

describe('evaluate() fails', () => {
  const failures: readonly (readonly [expression: string, message: string])[] = [
    ['self.sizes[5]', 'index out of bounds: 5'],
    ['self.labels.none', 'no such key: none'],
    ['self.labels["none"]', 'no such key: none'],
    ['9223372036854775807 + 1', 'integer overflow'],
    ['-(-9223372036854775808)', 'integer overflow'],
    ['1 / 0', 'division by zero'],
    ['1 % 0', 'modulus by zero'],
    ['0u - 1u', 'unsigned integer overflow'],
    ['self.port.startsWith("x")', 'no such overload'],
    ['self.maybe.size()', 'no such overload'],
    ['self.sizes.all(x, x / 0 == 1)', 'division by zero'],
    ['timestamp("yesterday")', 'invalid timestamp "yesterday"'],
    ['optional.none().value()', 'optional.none() dereference'],
    ['{"a": 1, "a": 2}', 'insert failed: key already exists'],
    ['bool("maybe")', "type conversion error from 'string' to 'bool': \"maybe\""],
  ];
  for (const [expression, message] of failures) {
    test(expression, () => {
      assert.throws(
        () => run(expression),
        error => error instanceof CelEvaluationError && error.message === message,
      );
    });
  }

  test('where a variable has no value, but only when it is read', () => {
    const program = cel.compile('self.replicas > 9 && oldSelf.flag', { variables: SELF });
    assert.equal(program.evaluate({ self: widget }, budget()), false);
    assert.throws(
      () => program.evaluate({ self: { ...widget, replicas: 10 } }, budget()),
      /no such attribute\(s\): oldSelf/,
    );
  });
});

describe('a program', () => {
  test('mentions the variables that it names, not its own', () => {
    const { mentions } = {
      mentions: (text: string) => cel.compile(text, { variables: SELF, result: 'any' }),
    };
    assert.equal(mentions('self.flag').mentions('oldSelf'), false);
    assert.equal(mentions('self == oldSelf').mentions('oldSelf'), true);
    assert.equal(mentions('[1].all(oldSelf, oldSelf == 1)').mentions('oldSelf'), false);
    assert.equal(mentions('self.name == "oldSelf"').mentions('oldSelf'), false);
  });

  test('gives what another program can take as a variable, with its type', () => {
    const sizes = cel.compile('self.sizes.map(x, x * 2)', { variables: SELF, result: 'any' });
    assert.equal(sizes.type.name, 'list(int)');
    const variables = { doubled: { of: sizes.type } };
    const sum = cel.compile('doubled.sum()', { variables, result: 'any' });
    const doubled = sizes.evaluate({ self: widget }, budget());
    assert.equal(sum.evaluate({ doubled }, budget()), 12n);
  });

  test('reads declared fields lazily, by their own names', () => {
    const request: CelType = { fields: { namespace: { type: 'string' }, object: { type: 'dyn' } } };
    const options = { variables: { request } };
    assert.throws(() => cel.compile('request.foo == ""', options), /undefined field 'foo'/);
    let reads = 0;
    const value = {
      namespace: 'default',
      get object() {
        reads += 1;
        return { metadata: { namespace: 'x' } };
      },
    };
    const first = cel.compile('request.namespace == "default"', options);
    assert.equal(first.evaluate({ request: value }, budget()), true);
    assert.equal(reads, 0);
    const second = cel.compile('request.object.metadata.namespace == "x"', options);
    assert.equal(second.evaluate({ request: value }, budget()), true);
    assert.equal(reads, 1);
  });

  test('lets through what a lazy variable fails with, and absorbs no spent budget', () => {
    const variables = { v: { fields: { x: { type: 'bool' } } } } as const;
    const program = cel.compile('true || v.x ? v.x || true : false', { variables });
    const failing = (error: Error) => ({
      get x(): boolean {
        throw error;
      },
    });
    assert.equal(
      program.evaluate({ v: failing(new CelEvaluationError('no such key: y')) }, budget()),
      true,
    );
    assert.throws(
      () => program.evaluate({ v: failing(new CelCostError('spent')) }, budget()),
      CelCostError,
    );
  });

  test('sees an optional variable with and without a value', () => {
    const variables = { self: SELF.self as CelType, oldSelf: { optional: { schema: WIDGET } } };
    const text = 'oldSelf.hasValue() ? oldSelf.value().replicas <= self.replicas : true';
    const program = cel.compile(text, { variables });
    assert.equal(program.evaluate({ self: widget }, budget()), true);
    const oldSelf = { ...widget, replicas: 9 };
    assert.equal(program.evaluate({ self: widget, oldSelf }, budget()), false);
    const chosen = cel.compile('oldSelf.?replicas.orValue(0) == 0', { variables });
    assert.equal(chosen.evaluate({}, budget()), true);
  });

  test('knows the objects of Kubernetes', () => {
    const schema: Schema = builtInSchema('apps', 'v1', 'Deployment');
    const variables = { object: { schema } };
    const text =
      'object.spec.template.spec.containers.all(c, quantity(c.resources.limits.cpu).isLessThan(quantity("2")))';
    const containers = [{ name: 'a', resources: { limits: { cpu: '500m' } } }];
    const object = { spec: { template: { spec: { containers } } } };
    assert.equal(cel.compile(text, { variables }).evaluate({ object }, budget()), true);
    assert.throws(
      () => cel.compile('object.spec.replica > 1', { variables }),
      /undefined field 'replica'/,
    );
    assert.ok(cel.compile('object.metadata.labels.app == "x"', { variables }));
  });

  test('of a custom resource sees only the name of its metadata', () => {
    const schema = schemaFrom({
      type: 'object',
      properties: {
        metadata: { $ref: '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' },
        spec: { type: 'object', properties: { n: { type: 'integer' } } },
      },
    });
    const variables = { self: { schema, resource: true } };
    assert.throws(
      () => cel.compile('self.metadata.labels.size() > 0', { variables }),
      /undefined field 'labels'/,
    );
    const program = cel.compile('self.metadata.name == "x" && self.kind == "W"', { variables });
    const self = { kind: 'W', metadata: { name: 'x' } };
    assert.equal(program.evaluate({ self }, budget()), true);
  });

  test('does not change its input, frozen or not', () => {
    const self = JSON.parse(JSON.stringify(widget));
    for (const part of [self.sizes, self.labels, self.ports, self]) Object.freeze(part);
    assert.equal(
      run('(self.sizes + [4]).map(x, x).size() == 4 && self.ports == self.ports', self),
      true,
    );
    assert.deepEqual(self, widget);
  });
});

describe('the authorizer', () => {
  const compile = (text: string) =>
    cel.compile(text, { variables: {}, authorizer: true, result: 'any' });

  test('asks what was built up', () => {
    const asked: unknown[] = [];
    const authorizer = (check: unknown) => {
      asked.push(check);
      return { allowed: true, reason: 'because' };
    };
    const checks = [
      'authorizer.group("apps").resource("deployments").subresource("scale").namespace("d").name("n").check("get").allowed()',
      'authorizer.path("/healthz").check("get").reason() == "because"',
      'authorizer.serviceAccount("ns", "sa").group("").resource("pods").check("list").allowed()',
    ];
    for (const check of checks)
      assert.equal(compile(check).evaluate({}, budget(), { authorizer }), true);
    const none = { group: '', resource: '', subresource: '', namespace: '', name: '', path: '' };
    const first = {
      group: 'apps',
      resource: 'deployments',
      subresource: 'scale',
      namespace: 'd',
      name: 'n',
    };
    assert.deepEqual(asked, [
      { ...none, ...first, verb: 'get' },
      { ...none, path: '/healthz', verb: 'get' },
      { ...none, resource: 'pods', verb: 'list', serviceAccount: { namespace: 'ns', name: 'sa' } },
    ]);
  });

  test('knows the resource of the request', () => {
    const requestResource = {
      group: '',
      resource: 'pods',
      subresource: '',
      namespace: 'd',
      name: 'p',
    };
    const authorizer = ({ name, verb }: { name: string; verb: string }) => ({
      allowed: name === 'p' && verb === 'delete',
      reason: '',
    });
    const program = compile('authorizer.requestResource.check("delete").allowed()');
    assert.equal(program.evaluate({}, budget(), { authorizer, requestResource }), true);
  });

  test('is dear, and fails where there is none', () => {
    const program = compile('authorizer.path("/x").check("get").allowed()');
    const spent = budget();
    program.evaluate({}, spent, { authorizer: () => ({ allowed: false, reason: '' }) });
    assert.ok(spent.spent > 350_000);
    assert.throws(() => program.evaluate({}, budget()), CelEvaluationError);
  });
});
