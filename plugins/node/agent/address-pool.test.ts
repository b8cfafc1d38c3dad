import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatCidr } from 'kernetes/sdk';
import { AddressPool, ipv4Range, SubnetPool } from './address-pool.ts';
import { NumberPool } from './number-pool.ts';

test('a pool never gives a number twice, and gives all', () => {
  const commands = fc.array(fc.oneof(fc.constant('take' as const), fc.nat({ max: 9 })));
  fc.assert(
    fc.property(commands, script => {
      const pool = new NumberPool(8);
      const held = new Set<number>();
      for (const command of script) {
        if (command === 'take') {
          const number = pool.take();
          assert.equal(number === undefined, held.size === 8);
          if (number === undefined) continue;
          assert.ok(!held.has(number));
          held.add(number);
        } else if (held.delete(command)) {
          pool.release(command);
        } else {
          assert.equal(pool.reserve(command), command < 8);
          if (command < 8) held.add(command);
        }
      }
    }),
  );
});

test('an address given back rests until all others were used', () => {
  const pool = new AddressPool(ipv4Range('10.0.0.0/29'));
  const first = pool.take();
  pool.release(first ?? '');
  const next = Array.from({ length: 5 }, () => pool.take());
  assert.equal(first, '10.0.0.2');
  assert.deepEqual(next, ['10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6', '10.0.0.2']);
  assert.equal(pool.take(), undefined);
});

test('an address that was kept over a restart and given back rests too', () => {
  const pool = new AddressPool(ipv4Range('10.0.0.0/29'));
  for (const kept of ['10.0.0.3', '10.0.0.2']) pool.reserve(kept);
  pool.release('10.0.0.2');
  const next = Array.from({ length: 4 }, () => pool.take());
  assert.deepEqual(next, ['10.0.0.4', '10.0.0.5', '10.0.0.6', '10.0.0.2']);
});

test('reserve() takes only addresses of the range that are free', () => {
  const pool = new AddressPool(ipv4Range('10.0.0.0/29'));
  const tried = ['10.0.0.3', '10.0.0.3', '10.0.0.1', '10.0.0.7', '10.0.1.3', 'fd00::1', ''];
  assert.deepEqual(
    tried.map(ip => pool.reserve(ip)),
    [true, false, false, false, false, false, false],
  );
});

const RANGES: readonly (readonly [string, string | undefined])[] = [
  ['10.244.0.0/16', '10.244.0.0/16'],
  ['10.244.7.9/16', '10.244.0.0/16'],
  ['255.255.255.255/32', '255.255.255.255/32'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['10.244.0.0', undefined],
  ['10.244.0.0/33', undefined],
  ['10.244.0/16', undefined],
  ['10.256.0.0/16', undefined],
  ['fd00::/64', undefined],
  ['::ffff:10.244.0.0/112', undefined],
];

for (const [text, range] of RANGES) {
  test(`ipv4Range() of ${text}`, () => {
    if (range === undefined) assert.throws(() => ipv4Range(text), /Cannot read/);
    else assert.equal(formatCidr(ipv4Range(text)), range);
  });
}

test('subnets do not overlap with reserved ranges, larger or smaller', () => {
  const pool = new SubnetPool(ipv4Range('10.0.0.0/21'), 24);
  pool.reserve(ipv4Range('10.0.0.0/23'));
  pool.reserve(ipv4Range('10.0.3.128/25'));
  pool.reserve(ipv4Range('192.168.0.0/16'));
  const taken = Array.from({ length: 6 }, () => pool.take());
  assert.deepEqual(
    taken.map(cidr => cidr && formatCidr(cidr)),
    ['10.0.4.0/24', '10.0.5.0/24', '10.0.6.0/24', '10.0.7.0/24', '10.0.2.0/24', undefined],
  );
});

test('a range smaller than one subnet has none', () => {
  assert.equal(new SubnetPool(ipv4Range('10.0.0.0/25'), 24).size, 0);
});
