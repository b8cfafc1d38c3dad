import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  cIdentifierErrors,
  configMapKeyErrors,
  dns1035LabelErrors,
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  envVarNameErrors,
  httpHeaderNameErrors,
  labelKeyErrors,
  labelValueErrors,
  maskTrailingDash,
  pathSegmentErrors,
  pathSegmentPrefixErrors,
  percentErrors,
  portNameErrors,
  portNumberErrors,
  wildcardSubdomainErrors,
} from './names.ts';

const TABLE = [
  {
    check: dns1123LabelErrors,
    good: ['a', '0', 'a-b', '1a', 'x'.repeat(63)],
    bad: { '': 1, A: 1, 'a.b': 1, '-a': 1, 'a-': 1, [`${'x'.repeat(64)}-`]: 2, 'a\n': 1 },
  },
  {
    check: dns1123SubdomainErrors,
    good: ['a', 'a.b', 'a-1.b-2', 'x'.repeat(253)],
    bad: { '': 1, 'a..b': 1, 'a.': 1, Bad_Name: 1, [`${'x'.repeat(254)}.`]: 2 },
  },
  { check: dns1035LabelErrors, good: ['a', 'a1'], bad: { '1a': 1, 'a.b': 1, '': 1 } },
  { check: wildcardSubdomainErrors, good: ['*.a.b'], bad: { '*': 1, 'a.b': 1, '*.*.a': 1 } },
  {
    check: labelKeyErrors,
    good: ['a', 'A_b.c-d', 'example.com/a', '1/2'],
    bad: { '': 2, '/a': 1, 'a/': 2, 'a/b/c': 1, 'A/b': 1, '-a': 1, ['a'.repeat(64)]: 1 },
  },
  { check: labelValueErrors, good: ['', 'a', 'A.b_c-d'], bad: { '-': 1, 'a b': 1, é: 1 } },
  {
    check: portNameErrors,
    good: ['http', '8x', 'a-b'],
    bad: { '80': 1, 'a--b': 1, '-a': 1, A: 2, [`${'a'.repeat(16)}`]: 1, '': 2 },
  },
  { check: envVarNameErrors, good: ['A', 'my.env-name', '1a', 'a b'], bad: { '': 1, 'a=b': 1 } },
  { check: cIdentifierErrors, good: ['_a1'], bad: { '1a': 1, 'a-b': 1 } },
  { check: configMapKeyErrors, good: ['a.b', '.a'], bad: { '..': 1, '.': 1, '..a': 1, 'a/b': 1 } },
  { check: httpHeaderNameErrors, good: ['X-A'], bad: { 'a b': 1, '': 1 } },
  { check: percentErrors, good: ['1%'], bad: { '1': 1, '%': 1 } },
  { check: pathSegmentErrors, good: ['a:b', 'A b'], bad: { '.': 1, '..': 1, 'a/%': 2 } },
  { check: pathSegmentPrefixErrors, good: ['.'], bad: { 'a/': 1 } },
];

for (const { check, good, bad } of TABLE) {
  for (const name of good) {
    test(`${check.name}() accepts "${name.slice(0, 20)}"`, () =>
      assert.equal(check(name), undefined));
  }
  for (const [name, count] of Object.entries(bad)) {
    test(`${check.name}() finds ${count} in "${name.slice(0, 20)}"`, () => {
      assert.equal(check(name)?.length, count);
    });
  }
}

test('messages are those of upstream', () => {
  assert.deepEqual(dns1123SubdomainErrors('Bad_Name'), [
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
  ]);
  assert.deepEqual(dns1035LabelErrors('1'), [
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
  ]);
  assert.deepEqual(dns1123LabelErrors('a.b'), ['must not contain dots']);
  assert.deepEqual(labelValueErrors('x'.repeat(64)), ['must be no more than 63 characters']);
});

test('portNumberErrors() wants 1 to 65535', () => {
  assert.equal(portNumberErrors(1), undefined);
  assert.equal(portNumberErrors(65535), undefined);
  assert.deepEqual(portNumberErrors(0), ['must be between 1 and 65535, inclusive']);
  assert.deepEqual(portNumberErrors(65536), ['must be between 1 and 65535, inclusive']);
});

test('maskTrailingDash() makes a prefix checkable as a name', () => {
  assert.equal(maskTrailingDash('web-'), 'weba');
  assert.equal(maskTrailingDash('web'), 'web');
  assert.equal(maskTrailingDash('-'), '-');
});
