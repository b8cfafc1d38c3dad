import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandSettings } from './settings.ts';

const SETTINGS = { nodes: 3, cidr: '10.0.0.0/8' };

test('expandSettings() replaces names wherever a text stands, and keeps types', () => {
  const config = { a: '$(nodes)', b: ['x $(cidr) $(nodes)', 1, null, true], c: { d: '$$(nodes)' } };
  assert.deepEqual(expandSettings(config, SETTINGS), {
    a: 3,
    b: ['x 10.0.0.0/8 3', 1, null, true],
    c: { d: '$(nodes)' },
  });
});

test('expandSettings() refuses names that there are not, also those that every object has', () => {
  for (const name of ['nope', 'toString']) {
    assert.throws(
      () => expandSettings(`$(${name})`, SETTINGS),
      new RegExp(`the setting "${name}": there are only nodes, cidr`),
    );
  }
});
