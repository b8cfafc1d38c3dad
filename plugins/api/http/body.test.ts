import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError, type BodyCodec } from 'kernetes/sdk';
import { parseBody } from './body.ts';

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
      assert.deepEqual(parseBody(Buffer.from(text), type, [reversed]), { a: 1 });
    });
  }

  it('gives no empty body to a codec', () => {
    assert.equal(parseBody(Buffer.alloc(0), 'text/reversed', [reversed]), undefined);
  });

  it('names all types that it takes when it refuses one', () => {
    assert.throws(
      () => parseBody(Buffer.from('x'), 'text/plain', [reversed]),
      error =>
        ApiError.is(error, 'UnsupportedMediaType') &&
        error.message.endsWith(
          'include: application/json, application/yaml, text/reversed, text/x-reversed',
        ),
    );
  });
});
