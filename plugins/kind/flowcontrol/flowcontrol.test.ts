import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FlowSchema, PriorityLevelConfiguration } from 'kernetes/sdk';
import { validateFlowSchema } from './flow-schema.ts';
import { fromV1beta1, toV1beta1, validateLevel } from './priority-level.ts';

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

  it('v1beta1 names the shares differently', () => {
    const limitResponse = { type: 'Reject' };
    const old = {
      metadata: { name: 'l' },
      spec: { type: 'Limited', limited: { assuredConcurrencyShares: 5, limitResponse } },
    };
    const now = fromV1beta1(old);
    assert.deepEqual(now.spec?.limited, {
      nominalConcurrencyShares: 5,
      lendablePercent: 0,
      limitResponse,
    });
    assert.deepEqual(toV1beta1(now), old);
  });
});
