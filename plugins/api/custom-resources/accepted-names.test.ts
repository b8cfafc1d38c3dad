import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CustomResourceDefinition, CustomResourceDefinitionNames } from 'kernetes/sdk';
import { AcceptedNames } from './accepted-names.ts';

function definition(
  plural: string,
  more: Partial<CustomResourceDefinitionNames> = {},
  group = 'a.example',
): CustomResourceDefinition {
  const kind = plural.charAt(0).toUpperCase() + plural.slice(1, -1);
  const names = { plural, singular: plural.slice(0, -1), kind, listKind: `${kind}List`, ...more };
  return {
    metadata: { name: `${plural}.${group}` },
    spec: { group, names, scope: 'Namespaced', versions: [] },
  };
}

const FOOS = definition('foos', { shortNames: ['f'] });

test('decide() gives names that nobody has', () => {
  const names = new AcceptedNames();
  const verdict = names.decide(FOOS);
  assert.deepEqual(verdict.names, FOOS.spec.names);
  assert.deepEqual(verdict.condition, {
    type: 'NamesAccepted',
    status: 'True',
    reason: 'NoConflicts',
    message: 'no conflicts found',
  });
  assert.equal(names.areAccepted(FOOS), true);
});

const CONFLICTS: [name: string, more: Partial<CustomResourceDefinitionNames>, reason: string][] = [
  ['a singular that is a short name', { singular: 'f' }, 'SingularConflict'],
  ['a kind', { kind: 'Foo' }, 'KindConflict'],
  ['a list kind', { listKind: 'Foo' }, 'ListKindConflict'],
  ['a short name that is a plural', { shortNames: ['b', 'foos'] }, 'ShortNamesConflict'],
];
for (const [name, more, reason] of CONFLICTS) {
  test(`decide() refuses ${name}, and gives the rest`, () => {
    const names = new AcceptedNames();
    names.decide(FOOS);
    const bars = definition('bars', more);
    const { names: got, condition } = names.decide(bars);
    assert.deepEqual([condition.status, condition.reason], ['False', reason]);
    assert.match(condition.message ?? '', /^"(f|Foo|foos)" is already in use$/);
    assert.equal(got.plural, 'bars');
    assert.equal(names.areAccepted(bars), false);
  });
}

test('names of another group, of what was forgotten, and of oneself are free', () => {
  const names = new AcceptedNames();
  names.decide(FOOS);
  const other = definition('foos', {}, 'b.example');
  assert.equal(names.decide(other).condition.status, 'True');
  assert.equal(names.decide(FOOS).condition.status, 'True');
  names.forget('foos.a.example');
  const heir = definition('heirs', { kind: 'Foo' });
  assert.equal(names.decide(heir).condition.status, 'True');
});

test('a definition that wants other names keeps what it had where they are taken', () => {
  const names = new AcceptedNames();
  names.decide(FOOS);
  const bars = definition('bars');
  names.decide(bars);
  const renamed = definition('bars', { singular: 'f' });
  const { names: got, condition } = names.decide(renamed);
  assert.equal(condition.reason, 'SingularConflict');
  assert.equal(got.singular, 'bar');
});

test('what a status says counts until something else is decided', () => {
  const names = new AcceptedNames();
  names.observe({ ...FOOS, status: { acceptedNames: FOOS.spec.names } });
  const heir = definition('heirs', { kind: 'Foo' });
  assert.equal(names.decide(heir).condition.reason, 'KindConflict');
});
