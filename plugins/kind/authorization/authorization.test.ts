import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Attributes,
  type Door,
  doorPoint,
  type KindDefinition,
  type KubeObject,
  kindPoint,
  type Review,
} from 'kernetes/sdk';
import { activate, checkKind, kindsOf, TestKernel, testContext } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const BOB = { name: 'bob', groups: ['devs'] };

for (const kind of await kindsOf(plugin)) {
  it(`${kind.kind} conforms`, () => checkKind(kind));
}

/** The kinds, with a door that notes what it is asked. */
async function open(answer: Partial<Review> = {}) {
  const kernel = new TestKernel();
  const asked: Attributes[] = [];
  const door: Partial<Door> = {
    async review(attributes) {
      asked.push(attributes);
      return { allowed: false, denied: false, reason: '', ...answer };
    },
    rules: () => ({
      resources: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'], resourceNames: [] }],
      paths: [{ verbs: ['get'], nonResourceURLs: ['/x'] }],
      incomplete: true,
    }),
  };
  testContext({ kernel, name: 'kernel' }).context.provide(doorPoint, door as Door);
  const { context } = await activate(plugin, { kernel });
  const kinds = context.contributions(kindPoint).list();
  const create = async (kind: string, spec: object, namespace = '') => {
    const found = kinds.find(({ value }) => value.kind === kind)?.value as KindDefinition;
    const review = { metadata: {}, spec } as KubeObject;
    const made = await found.virtual?.create?.(review, { user: BOB, namespace, options: {} });
    return (made as KubeObject & { status?: unknown }).status;
  };
  return { create, asked };
}

async function findings(kind: string, spec: object, metadata: object = {}): Promise<string[]> {
  const found = (await kindsOf(plugin)).find(each => each.kind === kind);
  const errors = found?.strategy.validate?.({ metadata, spec } as KubeObject) ?? [];
  return errors.map(({ field, message }) => `${field}: ${message}`);
}

describe('an access review', () => {
  const resourceAttributes = { verb: 'get', resource: 'pods', namespace: 'x', name: 'a' };
  const pods = {
    ...{ verb: 'get', group: '', version: '*', resource: 'pods', subresource: '' },
    ...{ namespace: 'x', name: 'a' },
  };

  it('of oneself asks about who sends it', async () => {
    const { create, asked } = await open({ allowed: true, reason: 'because' });
    const status = await create('SelfSubjectAccessReview', { resourceAttributes });
    assert.deepEqual(status, { allowed: true, reason: 'because' });
    assert.deepEqual(asked, [{ user: BOB, ...pods }]);
  });

  it('of a subject asks about the subject alone', async () => {
    const { create, asked } = await open({ denied: true, evaluationError: 'lost' });
    const nonResourceAttributes = { verb: 'get', path: '/x' };
    const who = { user: 'eve', groups: ['g'], uid: 'u', extra: { a: ['b'] } };
    const status = await create('SubjectAccessReview', { ...who, nonResourceAttributes });
    assert.deepEqual(status, { allowed: false, denied: true, evaluationError: 'lost' });
    const user = { name: 'eve', groups: ['g'], uid: 'u', extra: { a: ['b'] } };
    assert.deepEqual(asked, [{ user, verb: 'get', path: '/x' }]);
  });

  it('in a namespace, as v1beta1 names the groups', async () => {
    const { create, asked } = await open();
    await create('LocalSubjectAccessReview', { group: ['g'], resourceAttributes }, 'x');
    assert.deepEqual(asked, [{ user: { name: '', groups: ['g'] }, ...pods }]);
  });

  const selectors: readonly [string, object, object, string?][] = [
    [
      'requirements become selectors',
      {
        fieldSelector: { requirements: [{ key: 'a.b', operator: 'In', values: ['x=y'] }] },
        labelSelector: {
          requirements: [
            { key: 'a', operator: 'NotIn', values: ['b', 'c'] },
            { key: 'd', operator: 'DoesNotExist' },
          ],
        },
      },
      { fieldSelector: 'a.b=x\\=y', labelSelector: 'a notin (b,c),!d' },
    ],
    [
      'raw selectors are taken as they are',
      { fieldSelector: { rawSelector: 'a!=b' }, labelSelector: { rawSelector: 'a in (b)' } },
      { fieldSelector: 'a!=b', labelSelector: 'a in (b)' },
    ],
    [
      'what cannot be read is left out and said',
      { fieldSelector: { rawSelector: 'a' }, labelSelector: { rawSelector: 'a in' } },
      {},
      'spec.resourceAttributes.fieldSelector partially ignored due to parse error, ' +
        'spec.resourceAttributes.labelSelector partially ignored due to parse error',
    ],
    [
      'an unknown operator widens the question',
      { fieldSelector: { requirements: [{ key: 'a', operator: 'Near', values: ['b'] }] } },
      {},
      'spec.resourceAttributes.fieldSelector partially ignored due to parse error',
    ],
  ];
  for (const [title, given, expected, evaluationError] of selectors) {
    it(title, async () => {
      const { create, asked } = await open();
      const attributes = { ...resourceAttributes, ...given };
      const status = await create('SelfSubjectAccessReview', { resourceAttributes: attributes });
      assert.deepEqual(asked, [{ user: BOB, ...pods, ...expected }]);
      assert.deepEqual(status, { allowed: false, ...(evaluationError && { evaluationError }) });
    });
  }

  it('cannot be made when there is nobody to ask', async () => {
    const [kind] = await kindsOf(plugin);
    const review = { metadata: {}, spec: { resourceAttributes } } as KubeObject;
    const made = async () =>
      kind?.virtual?.create?.(review, { user: BOB, namespace: '', options: {} });
    await assert.rejects(made, /no authorizers/);
  });
});

describe('a rules review', () => {
  it('tells the rules of the namespace', async () => {
    const { create } = await open();
    assert.deepEqual(await create('SelfSubjectRulesReview', { namespace: 'x' }), {
      resourceRules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }],
      nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }],
      incomplete: true,
    });
    await assert.rejects(create('SelfSubjectRulesReview', {}), {
      message: 'no namespace on request',
    });
  });
});

describe('validate() of reviews', () => {
  const resourceAttributes = { verb: 'get', resource: 'pods', namespace: 'x' };
  const nonResourceAttributes = { verb: 'get', path: '/' };
  const one = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
  const cases: readonly [string, string, object, object, RegExp[]][] = [
    ['a complete one', 'SubjectAccessReview', { user: 'u', resourceAttributes }, {}, []],
    ['groups alone', 'SubjectAccessReview', { groups: ['g'], nonResourceAttributes }, {}, []],
    [
      'an empty one',
      'SubjectAccessReview',
      {},
      {},
      [
        new RegExp(`^spec.resourceAttributes: Invalid value: .*${one}`),
        /^spec.user: Invalid value: "": at least one of user or group must be specified/,
      ],
    ],
    [
      'two questions in one',
      'SelfSubjectAccessReview',
      { resourceAttributes, nonResourceAttributes },
      {},
      [/^spec.nonResourceAttributes: .*cannot be specified in combination with resourceAttributes/],
    ],
    [
      'a name',
      'SelfSubjectAccessReview',
      { resourceAttributes },
      { name: 'x' },
      [/^metadata: Invalid value: .*must be empty$/],
    ],
    [
      'its namespace',
      'LocalSubjectAccessReview',
      { user: 'u', resourceAttributes },
      { namespace: 'x' },
      [],
    ],
    [
      'another namespace, and a path',
      'LocalSubjectAccessReview',
      { user: 'u', resourceAttributes: { ...resourceAttributes, namespace: 'y' } },
      { namespace: 'x' },
      [/^spec.resourceAttributes.namespace: Invalid value: "y": must match metadata.namespace/],
    ],
    [
      'a path in a namespace',
      'LocalSubjectAccessReview',
      { user: 'u', nonResourceAttributes },
      { namespace: 'x' },
      [/^spec.nonResourceAttributes: .*disallowed on this kind of request/],
    ],
    [
      'selectors that say nothing, or too much',
      'SelfSubjectAccessReview',
      {
        resourceAttributes: {
          fieldSelector: {},
          labelSelector: { rawSelector: 'a', requirements: [{ key: 'a', operator: 'Exists' }] },
        },
      },
      {},
      [
        /^spec.resourceAttributes.fieldSelector.requirements: Required value: when/,
        /^spec.resourceAttributes.labelSelector.rawSelector: .*may not specified at the same time/,
      ],
    ],
    [
      'requirements with wrong values',
      'SelfSubjectAccessReview',
      {
        resourceAttributes: {
          fieldSelector: {
            requirements: [
              { key: 'a', operator: 'In' },
              { key: '', operator: 'Exists', values: ['a'] },
            ],
          },
        },
      },
      {},
      [
        /requirements\[0\].values: Required value: must be specified when/,
        /requirements\[1\].values: Forbidden: may not be specified when/,
        /requirements\[1\].key: Required value: must be specified/,
      ],
    ],
  ];
  for (const [title, kind, spec, metadata, expected] of cases) {
    it(`finds ${expected.length} errors in ${kind}: ${title}`, async () => {
      const found = await findings(kind, spec, metadata);
      assert.equal(found.length, expected.length, found.join('\n'));
      for (const [i, pattern] of expected.entries()) assert.match(found[i] ?? '', pattern);
    });
  }
});
