import { test } from 'node:test';
import { checkKind, kindsOf } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

for (const kind of await kindsOf(plugin)) {
  test(`${kind.kind} keeps what every kind must`, () => checkKind(kind));
}
