import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressAt, parseCidr, rangesOverlap, sizeOf } from './cidr.ts';

test('parseCidr() reads IPv4 ranges and refuses the rest', () => {
  const range = parseCidr('10.96.0.0/16', 'It');
  assert.equal(sizeOf(range), 65_536);
  assert.equal(addressAt(range, 1), '10.96.0.1');
  assert.equal(addressAt(parseCidr('255.255.255.0/24', 'It'), 255), '255.255.255.255');
  for (const text of ['', '10.0.0.0', '10.0.0.0/33', '300.0.0.0/8', 'fd00::/8', '10.0/8']) {
    assert.throws(() => parseCidr(text, 'It'), /^LoadError: It is ".*": want an IPv4 range/, text);
  }
  assert.throws(() => parseCidr('10.0.0.1/8', 'It'), /the range that holds it begins at 10.0.0.0/);
});

test('rangesOverlap() is true when there is an address in common', () => {
  const cases = [
    ['10.0.0.0/8', '10.96.0.0/16', true],
    ['10.96.0.0/16', '10.0.0.0/8', true],
    ['10.96.0.0/16', '10.97.0.0/16', false],
    ['0.0.0.0/0', '192.168.0.0/24', true],
    ['10.0.0.0/31', '10.0.0.2/31', false],
  ] as const;
  for (const [a, b, expected] of cases) {
    assert.equal(rangesOverlap(parseCidr(a, 'a'), parseCidr(b, 'b')), expected, `${a} ${b}`);
  }
});
