import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { generateFiles } from './generate.ts';

const here = new URL('./', import.meta.url);
const input = JSON.parse(readFileSync(new URL('openapi.json', here), 'utf8'));

describe('generateFiles()', () => {
  it('gives exactly the files that are checked in', () => {
    const files = generateFiles(input);
    const present = readdirSync(here).filter(name => /^(types-.*|api|definitions)\.ts$/.test(name));
    assert.deepEqual([...files.keys()].sort(), present.sort());
    for (const [name, text] of files) {
      assert.equal(readFileSync(new URL(name, here), 'utf8'), text, `${name} is stale`);
    }
  });

  it('keeps every definition as a type, and every resource as a value', () => {
    const files = [...generateFiles(input)].filter(([name]) => name.startsWith('types-'));
    const text = files.map(([, content]) => content).join('');
    const types = text.match(/^export (interface|type) /gm) ?? [];
    const values = text.match(/^export const \w+: Kind<\w+> = /gm) ?? [];
    const written = Object.keys(input.definitions).filter(id => !id.endsWith('.JSON'));
    assert.equal(types.length, written.length);
    assert.equal(values.length, input.resources.length);
  });

  const object = (extra: object) => ({ type: 'object', properties: { a: extra } });
  const fields = [
    { name: 'a reference', schema: { $ref: '#/definitions/x.y.v1.Other' }, type: 'Other' },
    { name: 'a list', schema: { type: 'array', items: { type: 'boolean' } }, type: 'boolean[]' },
    { name: 'a number', schema: { type: 'integer', format: 'int64' }, type: 'number' },
    {
      name: 'a map of lists',
      schema: {
        type: 'object',
        additionalProperties: { type: 'array', items: { type: 'string' } },
      },
      type: 'Record<string, string[]>',
    },
    { name: 'anything', schema: {}, type: 'unknown' },
  ];
  for (const { name, schema, type } of fields) {
    it(`types ${name} as ${type}`, () => {
      const definitions = { 'x.y.v1.One': object(schema), 'x.y.v1.Other': object({}) };
      const files = generateFiles({ definitions, resources: [] });
      assert.ok(files.get('types-y-v1.ts')?.includes(`  a?: ${type};\n`));
    });
  }

  it('prefers the newest stable version and puts the others in a namespace', () => {
    const ids = ['x.y.v1.One', 'x.y.v2.One', 'x.y.v2beta1.One', 'x.y.v3alpha1.One'];
    const definitions = Object.fromEntries(ids.map(id => [id, object({})]));
    const api = generateFiles({ definitions, resources: [] }).get('api.ts') ?? '';
    assert.match(api, /export {\n {2}type One,\n} from '.\/types-y-v2.ts';/);
    for (const name of ['yV1', 'yV2beta1', 'yV3alpha1'])
      assert.match(api, new RegExp(`as ${name} `));
    assert.doesNotMatch(api, /as yV2 /);
  });

  it('leaves names that the SDK has itself to their namespace', () => {
    const definitions = { 'x.y.v1.UserInfo': object({}), 'x.y.v1.One': object({}) };
    const api = generateFiles({ definitions, resources: [] }).get('api.ts') ?? '';
    assert.doesNotMatch(api, /UserInfo/);
    assert.match(api, /as yV1 from/);
  });

  it('refuses a clash between groups that no rule decides', () => {
    const definitions = { 'x.y.v1.One': object({}), 'x.z.v1.One': object({}) };
    assert.throws(
      () => generateFiles({ definitions, resources: [] }),
      /Cannot choose among x\.y\.v1\.One, x\.z\.v1\.One/,
    );
  });
});
