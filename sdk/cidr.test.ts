import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cidrsOverlap, formatCidr, parseCidr } from './cidr.ts';

const readable: [string, string][] = [
  ['10.244.1.7/16', '10.244.0.0/16'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['fd00:10:244::/48', 'fd00:10:244::/48'],
  ['::/0', '::/0'],
  ['1:0:0:2:0:0:0:3/128', '1:0:0:2::3/128'],
  ['1:2:3:4:5:6:7:8/112', '1:2:3:4:5:6:7:0/112'],
  ['0:0:1:1:1:1:0:0/128', '::1:1:1:1:0:0/128'],
  ['10:0:0:10:0:0:1:1/128', '10::10:0:0:1:1/128'],
  ['::ffff:1.2.3.4/128', '::ffff:102:304/128'],
];
for (const [text, wanted] of readable) {
  test(`parseCidr() reads ${text} as ${wanted}`, () => {
    const cidr = parseCidr(text);
    assert.equal(cidr && formatCidr(cidr), wanted);
  });
}

for (const text of [
  '',
  '10.0.0.0',
  '10.0.0.0/33',
  '10.0.0.0/',
  'fd00::/129',
  '1.2.3/8',
  '::/1/2',
]) {
  test(`parseCidr() refuses "${text}"`, () => assert.equal(parseCidr(text), undefined));
}

const overlaps: [string, string, boolean][] = [
  ['10.0.0.0/8', '10.1.2.0/24', true],
  ['10.1.2.0/24', '10.0.0.0/8', true],
  ['10.1.2.0/24', '10.1.3.0/24', false],
  ['0.0.0.0/0', '255.0.0.0/8', true],
  ['::/0', '10.0.0.0/8', false],
];
for (const [a, b, wanted] of overlaps) {
  test(`cidrsOverlap() says ${wanted} of ${a} and ${b}`, () => {
    const [one, other] = [parseCidr(a), parseCidr(b)];
    assert.ok(one && other);
    assert.equal(cidrsOverlap(one, other), wanted);
  });
}
