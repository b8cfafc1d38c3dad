import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { ApiError, type BodyCodec } from 'kernetes/sdk';
import { fakeClock } from 'kernetes/sdk/testing';
import { mediaTypeOf, parseBody, parsePatch } from './body.ts';
import { YamlConverter } from './yaml-converter.ts';

const wanted = { kind: 'Pod', version: 'v1' };
const yaml = new YamlConverter(fakeClock());

const reversed: BodyCodec = {
  mediaTypes: ['text/reversed', 'text/x-reversed'],
  decode: bytes => JSON.parse(Buffer.from(bytes).reverse().toString()),
};

describe('parseBody()', () => {
  const cases = [
    { type: 'application/json', text: '{"a":1}' },
    { type: undefined, text: '{"a":1}' },
    { type: 'application/yaml', text: 'a: 1' },
    { type: 'text/reversed', text: '}1:"a"{' },
    { type: 'Text/X-Reversed; charset=utf-8', text: '}1:"a"{' },
  ];
  for (const { type, text } of cases) {
    it(`reads ${type ?? 'a body without a type as JSON'}`, async () => {
      const reading = { mediaType: mediaTypeOf(type), codecs: () => [reversed], wanted, yaml };
      assert.deepEqual((await parseBody(Buffer.from(text), reading))?.value, { a: 1 });
    });
  }

  it('gives no empty body to a codec', () => {
    const reading = { mediaType: 'text/reversed', codecs: () => [reversed], wanted, yaml };
    assert.equal(parseBody(Buffer.alloc(0), reading), undefined);
  });

  it('names all types that it takes when it refuses one', () => {
    assert.throws(
      () =>
        parseBody(Buffer.from('x'), {
          mediaType: 'text/plain',
          codecs: () => [reversed],
          wanted,
          yaml,
        }),
      error =>
        ApiError.is(error, 'UnsupportedMediaType') &&
        error.message.endsWith(
          'include: application/json, application/yaml, text/reversed, text/x-reversed',
        ),
    );
  });
});

describe('parsePatch() of an applied configuration', () => {
  const parse = async (text: string, strict: boolean) => {
    const mediaType = 'application/apply-patch+yaml';
    return (await parsePatch(Buffer.from(text), { mediaType, strict, yaml })).body;
  };
  const TWICE = [
    { form: 'YAML', text: 'a: 1\nb: 0\na: 2\n', why: 'line 3: key "a" already set in map' },
    { form: 'JSON', text: '{"a":1,"b":0,"a":2}', why: 'line 1: key "a" already set in map' },
  ];
  for (const { form, text, why } of TWICE) {
    it(`takes the last of two fields of one name in ${form}, or is strict`, async () => {
      assert.deepEqual(await parse(text, false), { a: 2, b: 0 });
      await assert.rejects(
        parse(text, true),
        error =>
          ApiError.is(error, 'BadRequest') &&
          error.message ===
            `error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  ${why}`,
      );
    });
  }

  it('reads a flow mapping that is no JSON', async () => {
    assert.deepEqual(await parse('{a: 1, b: [x, y]}', false), { a: 1, b: ['x', 'y'] });
  });

  for (const strict of [true, false]) {
    it(`refuses what is no YAML${strict ? ', strictly' : ''}`, async () => {
      await assert.rejects(parse('a: [', strict), /^ApiError: error decoding YAML: /);
      await assert.rejects(parse('a: &a [1]\nb: *b', strict), /^ApiError: error decoding YAML: /);
    });
  }
});

describe('parseBody() of YAML', () => {
  const read = async (text: string) => {
    const reading = { mediaType: 'application/yaml', codecs: () => [], wanted, yaml };
    return parseBody(Buffer.from(text), reading);
  };

  it('tells what stands twice as upstream does', async () => {
    const twice = 'yaml: unmarshal errors:\n  line 2: key "a" already set in map';
    for (const text of ['a: 1\na: 2\n', '{"a": 1,\n"a": 2}']) {
      assert.deepEqual(await read(text), { value: { a: 2 }, duplicates: [twice] });
    }
  });

  const cases = [
    { title: 'the first document', text: 'a: 1\n---\nb: [', value: { a: 1 } },
    { title: 'a document after its start', text: '---\na: 1\n...\nx', value: { a: 1 } },
    { title: 'nothing as null', text: '# nothing\n', value: null },
    { title: 'binary as its text', text: 'a: !!binary |\n  aGVs\n  bG8=\n', value: { a: 'hello' } },
    { title: 'binary that is no text', text: 'a: !!binary /w==', value: { a: '\uFFFD' } },
    { title: 'a date as text', text: 'a: 2020-01-02', value: { a: '2020-01-02' } },
    {
      title: 'merged keys',
      text: 'x: &x {a: 1}\ny: {<<: *x}',
      value: { x: { a: 1 }, y: { a: 1 } },
    },
    { title: 'JSON', text: '{ "a": [1] }', value: { a: [1] } },
  ];
  for (const { title, text, value } of cases) {
    it(`reads ${title}`, async () => assert.deepEqual((await read(text))?.value, value));
  }

  const long = 'x'.repeat(10_000);
  const aliases = Array.from({ length: 40 }, (_, n) => [
    `a${n}: &a${n} ${long}`,
    `b${n}: [${`*a${n},`.repeat(90)}]`,
  ]);
  const refused = [
    { title: 'binary that is none', text: 'a: !!binary "="', why: 'invalid base64 data' },
    { title: 'what unfolds to much', text: aliases.flat().join('\n'), why: 'excessive aliasing' },
  ];
  for (const { title, text, why } of refused) {
    it(`refuses ${title}`, () => assert.rejects(read(text), new RegExp(`parsing YAML: .*${why}`)));
  }
  after(() => yaml.close());
});
