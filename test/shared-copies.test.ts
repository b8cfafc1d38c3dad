import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const CONTROLLERS = 'plugins/controller';
/** In either form, with what follows it. */
const NODES_OPENED = /(?:(?:for|kind): Node,|ctx\.informer\(Node\b)[^}]*/g;

test('All controllers ask for the same fields of nodes: their thread has one copy of them', () => {
  const opened = readdirSync(CONTROLLERS, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .flatMap(file => {
      const text = readFileSync(join(CONTROLLERS, file), 'utf8');
      return (text.match(NODES_OPENED) ?? []).map(opening => ({ file, opening }));
    });
  assert.ok(opened.length >= 10);
  const others = opened.filter(({ opening }) => !opening.includes('fields: NODE_FIELDS'));
  assert.deepEqual(others, []);
});
