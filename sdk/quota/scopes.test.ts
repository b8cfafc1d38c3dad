import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PersistentVolumeClaim, Pod, type PodSpec } from '../sdk.ts';
import { pod } from '../testing/testing.ts';
import { quotaEvaluator } from './evaluator.ts';
import { isInScope, scopeRequirements } from './scopes.ts';

const scopesOf = (spec: Partial<PodSpec>, qosClass = 'Burstable') =>
  quotaEvaluator(Pod)?.scopes?.(
    pod('p', { spec: { containers: [], ...spec }, status: { qosClass } }),
  ) ?? new Map();
const term = { topologyKey: 'zone' };

describe('isInScope() of a pod', () => {
  const cases: [string, Partial<PodSpec>, readonly string[]][] = [
    ['that runs on', {}, ['NotTerminating', 'NotBestEffort']],
    ['with a deadline', { activeDeadlineSeconds: 0 }, ['Terminating', 'NotBestEffort']],
    [
      'of a class',
      { priorityClassName: 'x' },
      ['NotTerminating', 'NotBestEffort', 'PriorityClass'],
    ],
    [
      'that wants to be near others of its namespace',
      { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } },
      ['NotTerminating', 'NotBestEffort'],
    ],
    [
      'that wants to be far from those of any namespace',
      {
        affinity: {
          podAntiAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              { weight: 1, podAffinityTerm: { ...term, namespaceSelector: {} } },
            ],
          },
        },
      },
      ['NotTerminating', 'NotBestEffort', 'CrossNamespacePodAffinity'],
    ],
  ];
  for (const [what, spec, wanted] of cases) {
    it(what, () => {
      const all = ['Terminating', 'NotTerminating', 'BestEffort', 'NotBestEffort'].concat(
        ...['PriorityClass', 'CrossNamespacePodAffinity', 'VolumeAttributesClass'],
      );
      const scopes = scopesOf(spec);
      const found = all.filter(scopeName => isInScope({ scopeName, operator: 'Exists' }, scopes));
      assert.deepEqual(found, wanted);
    });
  }

  it('that asks for nothing is BestEffort', () => {
    const scopes = scopesOf({}, 'BestEffort');
    assert.ok(isInScope({ scopeName: 'BestEffort', operator: 'Exists' }, scopes));
    assert.ok(!isInScope({ scopeName: 'NotBestEffort', operator: 'Exists' }, scopes));
  });

  const classes: [string | undefined, string, string[] | undefined, boolean][] = [
    ['high', 'In', ['high', 'low'], true],
    ['high', 'In', ['low'], false],
    [undefined, 'In', ['low'], false],
    ['high', 'NotIn', ['low'], true],
    ['high', 'NotIn', ['high'], false],
    [undefined, 'NotIn', ['low'], true],
    ['high', 'Exists', undefined, true],
    [undefined, 'Exists', undefined, false],
    ['high', 'DoesNotExist', undefined, false],
    [undefined, 'DoesNotExist', undefined, true],
    ['high', 'Like', undefined, false],
  ];
  for (const [name, operator, values, wanted] of classes) {
    it(`of class ${name}: ${operator} ${values ?? ''}`, () => {
      const scopes = scopesOf(name ? { priorityClassName: name } : {});
      const requirement = { scopeName: 'PriorityClass', operator, ...(values && { values }) };
      assert.equal(isInScope(requirement, scopes), wanted);
    });
  }
});

describe('isInScope() of a claim', () => {
  it('that changes its class is in the old one and the new one', () => {
    const claim: PersistentVolumeClaim = {
      metadata: {},
      spec: { volumeAttributesClassName: 'new' },
      status: { currentVolumeAttributesClassName: 'old' },
    };
    const scopes = quotaEvaluator(PersistentVolumeClaim)?.scopes?.(claim) ?? new Map();
    const among = (operator: string, ...values: string[]) =>
      isInScope({ scopeName: 'VolumeAttributesClass', operator, values }, scopes);
    assert.deepEqual(
      [among('In', 'new'), among('In', 'old'), among('NotIn', 'new'), among('In', 'other')],
      [true, true, true, false],
    );
    assert.ok(!isInScope({ scopeName: 'BestEffort', operator: 'Exists' }, scopes));
  });
});

describe('scopeRequirements()', () => {
  it('has both ways in which a quota says its scopes', () => {
    const matchExpressions = [{ scopeName: 'PriorityClass', operator: 'In', values: ['x'] }];
    const spec = { scopes: ['BestEffort'], scopeSelector: { matchExpressions } };
    assert.deepEqual(scopeRequirements({ spec }), [
      { scopeName: 'BestEffort', operator: 'Exists' },
      ...matchExpressions,
    ]);
  });
});
