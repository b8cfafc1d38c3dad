import { test } from 'node:test';
import { checkKind, kindsOf } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

for (const kind of await kindsOf(plugin)) {
  test(`${kind.kind} of ${kind.group} conforms`, () => checkKind(kind));
}
