import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError, type BodyCodec } from 'kernetes/sdk';
import { parseBody, parsePatch } from './body.ts';

const wanted = { kind: 'Pod', version: 'v1' };

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
    it(`reads ${type ?? 'a body without a type as JSON'}`, () => {
      const reading = { contentType: type, codecs: [reversed], wanted };
      assert.deepEqual(parseBody(Buffer.from(text), reading)?.value, { a: 1 });
    });
  }

  it('gives no empty body to a codec', () => {
    const reading = { contentType: 'text/reversed', codecs: [reversed], wanted };
    assert.equal(parseBody(Buffer.alloc(0), reading), undefined);
  });

  it('names all types that it takes when it refuses one', () => {
    assert.throws(
      () => parseBody(Buffer.from('x'), { contentType: 'text/plain', codecs: [reversed], wanted }),
      error =>
        ApiError.is(error, 'UnsupportedMediaType') &&
        error.message.endsWith(
          'include: application/json, application/yaml, text/reversed, text/x-reversed',
        ),
    );
  });
});

describe('parsePatch() of an applied configuration', () => {
  const parse = (text: string, strict: boolean) => {
    const contentType = 'application/apply-patch+yaml';
    return parsePatch(Buffer.from(text), { contentType, strict }).body;
  };
  const TWICE = [
    { form: 'YAML', text: 'a: 1\nb: 0\na: 2\n', why: 'line 3: key "a" already set in map' },
    { form: 'JSON', text: '{"a":1,"b":0,"a":2}', why: 'line 1: key "a" already set in map' },
  ];
  for (const { form, text, why } of TWICE) {
    it(`takes the last of two fields of one name in ${form}, or is strict`, () => {
      assert.deepEqual(parse(text, false), { a: 2, b: 0 });
      assert.throws(
        () => parse(text, true),
        error =>
          ApiError.is(error, 'BadRequest') &&
          error.message ===
            `error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  ${why}`,
      );
    });
  }

  it('reads a flow mapping that is no JSON', () => {
    assert.deepEqual(parse('{a: 1, b: [x, y]}', false), { a: 1, b: ['x', 'y'] });
  });

  for (const strict of [true, false]) {
    it(`refuses what is no YAML${strict ? ', strictly' : ''}`, () => {
      assert.throws(() => parse('a: [', strict), /^ApiError: error decoding YAML: /);
      assert.throws(() => parse('a: &a [1]\nb: *b', strict), /^ApiError: error decoding YAML: /);
    });
  }
});
