import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { examineJson } from './json-text.ts';

describe('examineJson() says in Go’s words where a text breaks off', () => {
  const value = 'looking for beginning of value';
  const cases: readonly [text: string, error: string][] = [
    ['', 'unexpected end of JSON input'],
    ['{"kind":', 'unexpected end of JSON input'],
    ['{"kind"', 'unexpected end of JSON input'],
    ['"abc', 'unexpected end of JSON input'],
    ['-', 'unexpected end of JSON input'],
    ['nul', 'unexpected end of JSON input'],
    ['kind: Pod', `invalid character 'k' ${value}`],
    ['\uFEFF{}', `invalid character 'ï' ${value}`],
    ['\0', `invalid character '\\x00' ${value}`],
    ["{'a':1}", "invalid character '\\'' looking for beginning of object key string"],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', "invalid character '\"' after object key:value pair"],
    ['[1 2]', "invalid character '2' after array element"],
    ['[1,]', `invalid character ']' ${value}`],
    ['{} {}', "invalid character '{' after top-level value"],
    ['"a\nb"', "invalid character '\\n' in string literal"],
    ['"\\x"', "invalid character 'x' in string escape code"],
    ['"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"],
    ['trux', "invalid character 'x' in literal true (expecting 'e')"],
    ['01', "invalid character '1' after top-level value"],
    ['1.x', "invalid character 'x' after decimal point in numeric literal"],
    ['1e+x', "invalid character 'x' in exponent of numeric literal"],
    ['-x', "invalid character 'x' in numeric literal"],
    ['[1e400]', 'json: cannot unmarshal number 1e400 into Go value of type float64'],
    ['['.repeat(10_001), 'exceeded max depth'],
    ['{"a":'.repeat(10_001), 'exceeded max depth'],
  ];
  for (const [text, error] of cases) {
    it(JSON.stringify(text.slice(0, 20)), () => {
      assert.equal(examineJson(text).error, error);
    });
  }
});

describe('examineJson() finds what is said twice', () => {
  const cases: readonly [text: string, duplicates: string[]][] = [
    ['{"a":1,"b":{"a":2}}', []],
    ['{"a":1,"a":1}', ['a']],
    ['{"a":1,"\\u0061":1,"a":3}', ['a', 'a']],
    ['{"spec":{"c":[{"x":1},{"n":1,"n":[{}]}]}}', ['spec.c[1].n']],
    ['[{"a":{}},{"b":[],"b":[[]]}]', ['[1].b']],
    ['{"a":"\\"a\\":1,\\"a\\"","b":-1.5e-3}', []],
    [`${'['.repeat(9_000)}${']'.repeat(9_000)}`, []],
  ];
  for (const [text, duplicates] of cases) {
    it(text.slice(0, 50), () => {
      assert.deepEqual(examineJson(text), { duplicates });
      JSON.parse(text);
    });
  }
});
