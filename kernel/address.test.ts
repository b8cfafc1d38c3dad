import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress, parseAddress } from './address.ts';

test('parseAddress() reads HOST:PORT and what may be left out', () => {
  const cases = [
    ['127.0.0.1:6443', '127.0.0.1', 6443],
    ['127.0.0.1:0', '127.0.0.1', 0],
    ['localhost', 'localhost', 443],
    [':8443', '0.0.0.0', 8443],
    ['[::1]:6443', '::1', 6443],
    ['[::]', '::', 443],
  ] as const;
  for (const [text, host, port] of cases) {
    assert.deepEqual(parseAddress(text, 443), { host, port }, text);
  }
  assert.equal(formatAddress({ host: '::1', port: 1 }), '[::1]:1');
  assert.equal(formatAddress({ host: '127.0.0.1', port: 1 }), '127.0.0.1:1');
});

test('parseAddress() refuses what is no address', () => {
  for (const text of ['', ':', '::1', 'a:b', 'a:65536', 'a:1:2', 'a b:1', '[::1', 'a:-1']) {
    assert.throws(() => parseAddress(text, 443), /want HOST:PORT/, text);
  }
});
