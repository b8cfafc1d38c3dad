import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configuredExtenders } from './configured.ts';

const TABLE: [name: string, given: Record<string, unknown>, expected: Record<string, unknown>][] = [
  ['has upstream’s defaults', {}, { enableHTTPS: false, httpTimeoutMs: 5_000 }],
  ['reads a duration', { httpTimeout: '1m30s' }, { enableHTTPS: false, httpTimeoutMs: 90_000 }],
  ['reads nanoseconds', { httpTimeout: 100_000_000 }, { enableHTTPS: false, httpTimeoutMs: 100 }],
  [
    'reads the field of policies',
    { enableHttps: true },
    { enableHTTPS: true, httpTimeoutMs: 5_000 },
  ],
  [
    'keeps the rest',
    { enableHTTPS: true, filterVerb: 'f', weight: 2 },
    { enableHTTPS: true, filterVerb: 'f', weight: 2, httpTimeoutMs: 5_000 },
  ],
];

for (const [name, given, expected] of TABLE) {
  test(`an extender of a file ${name}`, () => {
    const urlPrefix = 'http://a';
    const [extender] = configuredExtenders({ extenders: [{ urlPrefix, ...given }] });
    assert.deepEqual(extender, { urlPrefix, ...expected });
  });
}

test('a file without extenders has none', () => {
  assert.deepEqual(configuredExtenders({}), []);
  assert.deepEqual(configuredExtenders({ kind: 'Policy', extenders: null }), []);
});
