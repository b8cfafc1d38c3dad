import assert from 'node:assert/strict';
import { it } from 'node:test';
import { cloneJson } from './clone.ts';

it('cloneJson() copies deeply and shares nothing', () => {
  const value = { a: [1, { b: null }], c: 'x', d: true, e: {} };
  const copy = cloneJson(value);
  assert.deepEqual(copy, value);
  assert.notEqual(copy.a, value.a);
  assert.notEqual(copy.a[1], value.a[1]);
});

it('cloneJson() keeps a member named __proto__ a member', () => {
  const value = JSON.parse('{"__proto__": {"admin": true}}') as Record<string, unknown>;
  const copy = cloneJson(value);
  assert.deepEqual(Object.keys(copy), ['__proto__']);
  assert.equal(copy.admin, undefined);
});
