import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  escapeFieldValue,
  NOTHING,
  parseFieldSelector,
  parseLabelSelector,
  selectorFrom,
  selectorFromSet,
} from './selector.ts';
import { ApiError } from './status.ts';

const MATCHES: readonly (readonly [string, Record<string, string>, boolean])[] = [
  ['', { a: '1' }, true],
  ['a=b', { a: 'b' }, true],
  ['a==b', { a: 'c' }, false],
  ['a=b', {}, false],
  ['a=', { a: '' }, true],
  ['a=', {}, false],
  ['a!=b', {}, true],
  ['a!=b', { a: 'b' }, false],
  ['a in (x,y)', { a: 'y' }, true],
  ['a in (x,y)', {}, false],
  ['a in ()', { a: '' }, true],
  ['a in (,x)', { a: '' }, true],
  ['a in (in,notin)', { a: 'notin' }, true],
  ['a notin (x,y)', {}, true],
  ['a notin (x,y)', { a: 'x' }, false],
  ['a', { a: '' }, true],
  ['a', { b: '' }, false],
  ['constructor', {}, false],
  ['!toString', {}, true],
  ['!a', { b: '' }, true],
  ['!a', { a: '' }, false],
  ['n>1', { n: '2' }, true],
  ['n>1', { n: '1' }, false],
  ['n<1', { n: 'x' }, false],
  ['n<1', {}, false],
  ['n<9007199254740993', { n: '9007199254740992' }, true],
  [' a = b , c notin ( d , e ) ', { a: 'b', c: 'f' }, true],
  ['example.com/a=b', { 'example.com/a': 'b' }, true],
];

for (const [text, labels, want] of MATCHES) {
  test(`"${text}" ${want ? 'matches' : 'does not match'} ${JSON.stringify(labels)}`, () => {
    assert.equal(parseLabelSelector(text).matches(labels), want);
  });
}

const REFUSED = [
  ['a===b', "unable to parse requirement: found '=', expected: identifier"],
  ['a=b=c', "found '=', expected: ',' or 'end of string'"],
  ['=a', "found '=', expected: !, identifier, or 'end of string'"],
  [',a', "found ',', expected: !, identifier, or 'end of string'"],
  ['a,', "found '', expected: identifier after ','"],
  ['a,,b', "found ',', expected: identifier after ','"],
  ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
  ['a in x', "unable to parse requirement: found 'x' expected: '('"],
  ['a in (x', "unable to parse requirement: found '', expected: ',' or ')'"],
  ['a in (x y)', "unable to parse requirement: found 'y', expected: ',' or ')'"],
  ['!', "unable to parse requirement: found '', expected: identifier"],
  ['!!a', "unable to parse requirement: found '!', expected: identifier"],
  ['a=-', /values\[0\]\[a\]: Invalid value: "-": a valid label must be/],
  [
    'n>x',
    /values\[0\]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer/,
  ],
  ['a/b/c=d', /Invalid value: "a\/b\/c": a valid label key/],
] as const;

for (const [text, message] of REFUSED) {
  test(`parseLabelSelector() refuses "${text}"`, () => {
    assert.throws(
      () => parseLabelSelector(text),
      error =>
        ApiError.is(error, 'BadRequest') &&
        (typeof message === 'string' ? error.message === message : message.test(error.message)),
    );
  });
}

test('selectorFrom() selects nothing without a selector and everything with an empty one', () => {
  assert.equal(selectorFrom(undefined), NOTHING);
  assert.equal(NOTHING.matches({ a: 'b' }), false);
  assert.equal(NOTHING.empty, false);
  const everything = selectorFrom({});
  assert.equal(everything.matches(undefined), true);
  assert.equal(everything.empty, true);
});

test('selectorFrom() combines labels and expressions', () => {
  const selector = selectorFrom({
    matchLabels: { app: 'web' },
    matchExpressions: [
      { key: 'tier', operator: 'In', values: ['b', 'a'] },
      { key: 'old', operator: 'DoesNotExist' },
      { key: 'env', operator: 'NotIn', values: ['dev'] },
      { key: 'zone', operator: 'Exists' },
    ],
  });
  assert.equal(selector.toString(), 'app=web,env notin (dev),!old,tier in (a,b),zone');
  assert.equal(selector.matches({ app: 'web', tier: 'a', zone: '' }), true);
  assert.equal(selector.matches({ app: 'web', tier: 'a', zone: '', old: '' }), false);
  assert.equal(selector.matches({ app: 'web', tier: 'a' }), false);
  assert.throws(
    () => selectorFrom({ matchExpressions: [{ key: 'a', operator: 'Near' }] }),
    /"Near" is not a valid label selector operator/,
  );
});

test('a selector printed and parsed again selects the same', () => {
  const word = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/);
  const labels = fc.dictionary(word, word, { maxKeys: 4 });
  fc.assert(
    fc.property(
      labels,
      labels,
      fc.array(word, { minLength: 1, maxLength: 3 }),
      (set, other, values) => {
        const selector = selectorFrom({
          matchLabels: set,
          matchExpressions: [{ key: 'k', operator: 'NotIn', values }],
        });
        const again = parseLabelSelector(selector.toString());
        for (const labels of [set, other, { ...set, ...other }]) {
          assert.equal(again.matches(labels), selector.matches(labels));
        }
        assert.equal(selectorFromSet(set).matches({ ...other, ...set }), true);
      },
    ),
  );
});

test('parseFieldSelector() gives the terms', () => {
  assert.deepEqual(parseFieldSelector('spec.nodeName=n1,status.phase!=Running,a==b'), [
    { field: 'a', operator: '=', value: 'b' },
    { field: 'spec.nodeName', operator: '=', value: 'n1' },
    { field: 'status.phase', operator: '!=', value: 'Running' },
  ]);
  assert.deepEqual(parseFieldSelector(''), []);
  assert.deepEqual(parseFieldSelector('a='), [{ field: 'a', operator: '=', value: '' }]);
});

test('parseFieldSelector() undoes escapeFieldValue()', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', ',', '=', '\\', '!') }), value => {
      assert.deepEqual(parseFieldSelector(`f=${escapeFieldValue(value)}`), [
        { field: 'f', operator: '=', value },
      ]);
    }),
  );
});

const BAD_FIELDS = [
  ['abc', "invalid selector: 'abc'; can't understand 'abc'"],
  ['a=b\\x', 'invalid field selector: invalid escape sequence: \\x'],
  ['a=b\\', 'invalid field selector: invalid escape sequence: \\'],
  ['a=b=c', 'invalid field selector: unescaped character in value: 61'],
] as const;

for (const [text, message] of BAD_FIELDS) {
  test(`parseFieldSelector() refuses "${text}"`, () => {
    assert.throws(() => parseFieldSelector(text), { message });
  });
}
