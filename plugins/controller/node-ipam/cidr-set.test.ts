import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatCidr, parseCidr } from 'kernetes/sdk';
import { CidrSet } from './cidr-set.ts';

function setOf(text: string, prefix: number): CidrSet {
  return new CidrSet(cidrOf(text), prefix);
}

function cidrOf(text: string) {
  const cidr = parseCidr(text);
  assert.ok(cidr);
  return cidr;
}

function takeAll(set: CidrSet): string[] {
  const all: string[] = [];
  for (let cidr = set.take(); cidr; cidr = set.take()) all.push(formatCidr(cidr));
  return all;
}

test('CidrSet gives each range once, and goes round', () => {
  const set = setOf('10.0.0.0/22', 24);
  set.take();
  set.release(cidrOf('10.0.0.0/24'));
  assert.deepEqual(takeAll(set), ['10.0.1.0/24', '10.0.2.0/24', '10.0.3.0/24', '10.0.0.0/24']);
});

test('CidrSet gives none of what is occupied, be it larger, smaller or partly outside', () => {
  const set = setOf('10.0.0.0/20', 23);
  assert.equal(set.occupy(cidrOf('10.0.2.128/26')), true);
  assert.equal(set.occupy(cidrOf('10.0.4.0/22')), true);
  assert.equal(set.occupy(cidrOf('10.0.16.0/20')), false);
  assert.equal(set.occupy(cidrOf('fd00::/8')), false);
  assert.deepEqual(takeAll(set), [
    '10.0.0.0/23',
    '10.0.8.0/23',
    '10.0.10.0/23',
    '10.0.12.0/23',
    '10.0.14.0/23',
  ]);
  assert.equal(setOf('10.0.0.0/20', 23).occupy(cidrOf('0.0.0.0/0')), true);
});

test('CidrSet frees what was occupied twice when it was released twice', () => {
  const set = setOf('10.0.0.0/24', 24);
  const cidr = cidrOf('10.0.0.0/24');
  set.occupy(cidr);
  set.occupy(cidr);
  set.release(cidr);
  assert.equal(set.take(), undefined);
  set.release(cidr);
  assert.deepEqual(takeAll(set), ['10.0.0.0/24']);
});

test('CidrSet divides ranges of IPv6', () => {
  const set = setOf('fd00:1::/48', 64);
  assert.equal(set.size, 65_536);
  set.occupy(cidrOf('fd00:1::/64'));
  assert.equal(formatCidr(cidrOf('fd00:1:0:1::/64')), 'fd00:1:0:1::/64');
  const first = set.take();
  assert.equal(first && formatCidr(first), 'fd00:1:0:1::/64');
});

for (const [text, prefix] of [
  ['10.0.0.0/24', 16],
  ['fd00::/8', 64],
  ['10.0.0.0/24', 33],
] as const) {
  test(`CidrSet refuses to divide ${text} into /${prefix}`, () => {
    assert.throws(() => setOf(text, prefix), /Cannot divide a/);
  });
}
