import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FlowSchema, PriorityLevelConfiguration } from 'kernetes/sdk';
import { validateFlowSchema } from './flow-schema.ts';
import {
  fromBeta2,
  priorityLevelConfigurations,
  toBeta1,
  validateLevel,
} from './priority-level.ts';

const everything = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'] };
const group = { kind: 'Group', group: { name: 'system:masters' } };
const to = { priorityLevelConfiguration: { name: 'exempt' } };

const flows: { title: string; spec: FlowSchema['spec']; errors: string[] }[] = [
  {
    title: 'all requests of a group',
    spec: { ...to, rules: [{ subjects: [group], resourceRules: [everything] }] },
    errors: [],
  },
  {
    title: 'no level',
    spec: { priorityLevelConfiguration: { name: '' } },
    errors: ['spec.priorityLevelConfiguration.name'],
  },
  {
    title: 'a precedence beyond 10,000',
    spec: { ...to, matchingPrecedence: 10_001 },
    errors: ['spec.matchingPrecedence'],
  },
  {
    title: 'an unknown distinguisher',
    spec: { ...to, distinguisherMethod: { type: 'ByMoon' } },
    errors: ['spec.distinguisherMethod.type'],
  },
  {
    title: 'a rule about nothing',
    spec: { ...to, rules: [{ subjects: [group] }] },
    errors: ['spec.rules[0]'],
  },
  {
    title: 'a rule for nobody, and * among others',
    spec: {
      ...to,
      rules: [
        { subjects: [], nonResourceRules: [{ verbs: ['*', 'get'], nonResourceURLs: ['/'] }] },
      ],
    },
    errors: ['spec.rules[0].subjects', 'spec.rules[0].nonResourceRules[0].verbs'],
  },
  {
    title: 'subjects without a name, a namespace, a kind',
    spec: {
      ...to,
      rules: [
        {
          subjects: [
            { kind: 'User' },
            { kind: 'ServiceAccount', serviceAccount: { name: 'a', namespace: '' } },
            { kind: 'Moon' },
          ],
          resourceRules: [{ ...everything, namespaces: [] }],
        },
      ],
    },
    errors: [
      'spec.rules[0].subjects[0].user',
      'spec.rules[0].subjects[1].serviceAccount.namespace',
      'spec.rules[0].subjects[2].kind',
      'spec.rules[0].resourceRules[0].namespaces',
    ],
  },
];

const queuing = { queues: 64, handSize: 8, queueLengthLimit: 50 };
const levels: { title: string; spec: PriorityLevelConfiguration['spec']; errors: string[] }[] = [
  { title: 'an exempt level', spec: { type: 'Exempt' }, errors: [] },
  {
    title: 'a level that queues',
    spec: { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing } } },
    errors: [],
  },
  { title: 'an unknown type', spec: { type: 'Moon' }, errors: ['spec.type'] },
  { title: 'a limited level without limits', spec: { type: 'Limited' }, errors: ['spec.limited'] },
  {
    title: 'limits of an exempt level',
    spec: { type: 'Exempt', limited: {} },
    errors: ['spec.limited'],
  },
  {
    title: 'queues without queuing',
    spec: { type: 'Limited', limited: { limitResponse: { type: 'Queue' } } },
    errors: ['spec.limited.limitResponse.queuing'],
  },
  {
    title: 'a hand larger than the deck',
    spec: {
      type: 'Limited',
      limited: { limitResponse: { type: 'Queue', queuing: { ...queuing, queues: 4 } } },
    },
    errors: ['spec.limited.limitResponse.queuing.handSize'],
  },
  {
    title: 'a hand of too many bits',
    spec: {
      type: 'Limited',
      limited: { limitResponse: { type: 'Queue', queuing: { ...queuing, queues: 10_000_000 } } },
    },
    errors: ['spec.limited.limitResponse.queuing.handSize'],
  },
  {
    title: 'negative shares, and more lent than there is',
    spec: {
      type: 'Limited',
      limited: {
        nominalConcurrencyShares: -1,
        lendablePercent: 101,
        limitResponse: { type: 'Reject' },
      },
    },
    errors: ['spec.limited.nominalConcurrencyShares', 'spec.limited.lendablePercent'],
  },
];

describe('flow control', () => {
  for (const { title, spec, errors } of flows) {
    it(`validateFlowSchema() finds ${errors.length} errors in ${title}`, () => {
      const found = validateFlowSchema({ metadata: { name: 'f' }, ...(spec && { spec }) });
      assert.deepEqual(
        found.map(({ field }) => field),
        errors,
      );
    });
  }

  for (const { title, spec, errors } of levels) {
    it(`validateLevel() finds ${errors.length} errors in ${title}`, () => {
      const found = validateLevel({ metadata: { name: 'l' }, ...(spec && { spec }) });
      assert.deepEqual(
        found.map(({ field }) => field),
        errors,
      );
    });
  }

  it('v1beta1 and v1beta2 name the shares differently', () => {
    const limitResponse = { type: 'Reject' };
    const old = {
      metadata: { name: 'l' },
      spec: { type: 'Limited', limited: { assuredConcurrencyShares: 5, limitResponse } },
    };
    const now = fromBeta2(old);
    assert.deepEqual(now.spec?.limited, {
      nominalConcurrencyShares: 5,
      lendablePercent: 0,
      limitResponse,
    });
    assert.deepEqual(toBeta1(now), old);
  });

  const version = (name: string) => {
    const found = priorityLevelConfigurations.versions.find(each => each.name === name);
    assert.ok(found);
    return found;
  };
  const limited = (name: string, given: object, metadata: object = { name: 'l' }) => {
    const level = { metadata, spec: { type: 'Limited', limited: given } };
    version(name).defaults?.(level);
    return (version(name).toStorage?.(level) ?? level) as PriorityLevelConfiguration;
  };
  const ZERO = 'flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares';

  const shares: [string, object, object, number][] = [
    ['v1', {}, {}, 30],
    ['v1', { nominalConcurrencyShares: 0 }, {}, 0],
    ['v1beta3', {}, {}, 30],
    ['v1beta3', { nominalConcurrencyShares: 0 }, {}, 30],
    ['v1beta3', { nominalConcurrencyShares: 0 }, { [ZERO]: '' }, 0],
    ['v1beta2', { assuredConcurrencyShares: 0 }, {}, 30],
    ['v1beta2', { assuredConcurrencyShares: 7 }, {}, 7],
  ];
  for (const [name, given, annotations, wanted] of shares) {
    it(`${name} means ${wanted} shares by ${JSON.stringify({ ...given, ...annotations })}`, () => {
      const { metadata, spec } = limited(name, given, { annotations });
      assert.equal(spec?.limited?.nominalConcurrencyShares, wanted);
      assert.equal(metadata.annotations?.[ZERO], undefined);
    });
  }

  it('v1beta3 marks a level without shares, and v1beta2 keeps what is lent', () => {
    const stored = limited('v1', { nominalConcurrencyShares: 0, lendablePercent: 50 });
    assert.ok(ZERO in (version('v1beta3').fromStorage?.(stored).metadata.annotations ?? {}));
    const old = version('v1beta2').fromStorage?.(stored) as { spec?: { limited?: object } };
    assert.deepEqual(old.spec?.limited, { assuredConcurrencyShares: 0, lendablePercent: 50 });
  });
});
