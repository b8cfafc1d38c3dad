import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  QuantityError,
  quantityMilliValue,
  quantityValue,
  subtractQuantities,
} from './quantity.ts';

const CANONICAL = [
  ['0', '0'],
  ['0Mi', '0'],
  ['-0', '0'],
  ['100m', '100m'],
  ['0.1', '100m'],
  ['.5', '500m'],
  ['1.', '1.'],
  ['1.0', '1'],
  ['1000m', '1'],
  ['1000', '1k'],
  ['1500', '1500'],
  ['1.5Gi', '1536Mi'],
  ['1024Mi', '1Gi'],
  ['1023Ki', '1023Ki'],
  ['512Mi', '512Mi'],
  ['0.5Mi', '512Ki'],
  ['0.5Ki', '512'],
  ['0.0001Ki', '102400u'],
  ['1.1Ki', '1126400m'],
  ['12e6', '12e6'],
  ['1e2', '100'],
  ['1E3', '1E3'],
  ['1e-3', '1e-3'],
  ['2E', '2E'],
  ['1e21', '1e21'],
  ['0.1n', '1n'],
  ['0.0000000001', '1n'],
  ['-1.5', '-1500m'],
  ['-0.1n', '-1n'],
  ['-1500', '-1500'],
  ['+5', '+5'],
  ['1.250', '1.250'],
  ['128974848', '128974848'],
  ['129000000', '129M'],
  ['100Ei', '9223372036854775807'],
  ['9223372036854775807', '9223372036854775807'],
  ['9223372036854775808', '9223372036854775808'],
] as const;

for (const [text, want] of CANONICAL) {
  test(`canonicalQuantity() makes "${want}" of "${text}"`, () => {
    assert.equal(canonicalQuantity(text), want);
    assert.equal(canonicalQuantity(want), want);
  });
}

const REFUSED = [
  ['', /must match/],
  ['abc', /must match/],
  ['1.1.1', /must match/],
  ['1 Gi', /must match/],
  ['--1', /suffix/],
  ['1GiB', /must match/],
  ['9'.repeat(300), /must match/],
  ['1KI', /must match/],
  ['1K', /suffix/],
  ['1mi', /suffix/],
  ['1e', /suffix/],
  ['1e+', /suffix/],
  ['1e1000000', /suffix/],
  ['1ee5', /suffix/],
] as const;

for (const [text, message] of REFUSED) {
  test(`parseQuantity() refuses "${text.slice(0, 20)}"`, () => {
    assert.throws(
      () => parseQuantity(text),
      error => error instanceof QuantityError && message.test(error.message),
    );
    assert.throws(() => canonicalQuantity(text), QuantityError);
  });
}

const VALUES = [
  ['100m', 1, 100],
  ['2', 2, 2000],
  ['1.5Gi', 1610612736, 1610612736000],
  ['1u', 1, 1],
  ['-1500m', -2, -1500],
  ['1e3', 1000, 1000000],
  ['0', 0, 0],
] as const;

for (const [text, value, milli] of VALUES) {
  test(`"${text}" is ${value} whole and ${milli} milli units`, () => {
    assert.equal(quantityValue(text), value);
    assert.equal(quantityMilliValue(text), milli);
  });
}

test('addQuantities() keeps the first format, or the second when the first is zero', () => {
  const sum = (a: string, b: string) =>
    formatQuantity(addQuantities(parseQuantity(a), parseQuantity(b)));
  assert.equal(sum('1Gi', '1M'), '1074741824');
  assert.equal(sum('512Mi', '512Mi'), '1Gi');
  assert.equal(sum('0', '1Mi'), '1Mi');
  assert.equal(sum('500m', '1'), '1500m');
  assert.equal(formatQuantity(subtractQuantities(parseQuantity('1'), parseQuantity('1m'))), '999m');
});

const quantityText = fc
  .tuple(
    fc.constantFrom('', '-', '+'),
    fc.bigInt({ min: 0n, max: 10n ** 20n }),
    fc.option(fc.integer({ min: 0, max: 10 ** 12 })),
    fc.constantFrom(
      '',
      'n',
      'u',
      'm',
      'k',
      'M',
      'G',
      'E',
      'Ki',
      'Mi',
      'Gi',
      'Ti',
      'e3',
      'e-4',
      'E7',
    ),
  )
  .map(([sign, whole, fraction, suffix]) => {
    return `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${suffix}`;
  });

test('the canonical form of any quantity has its value and is its own canonical form', () => {
  fc.assert(
    fc.property(quantityText, text => {
      const quantity = parseQuantity(text);
      const canonical = formatQuantity(quantity);
      assert.equal(compareQuantities(parseQuantity(canonical), quantity), 0);
      assert.equal(formatQuantity(parseQuantity(canonical)), canonical);
      assert.equal(canonicalQuantity(canonicalQuantity(text)), canonicalQuantity(text));
      assert.doesNotMatch(canonical, /\./);
    }),
  );
});

test('compareQuantities() orders as differences do, and adding is commutative', () => {
  fc.assert(
    fc.property(quantityText, quantityText, (a, b) => {
      const [x, y] = [parseQuantity(a), parseQuantity(b)];
      const difference = subtractQuantities(x, y).mantissa;
      assert.equal(
        Math.sign(compareQuantities(x, y)),
        Number(difference > 0n) - Number(difference < 0n),
      );
      assert.equal(compareQuantities(addQuantities(x, y), addQuantities(y, x)), 0);
    }),
  );
});

test('the number helpers agree with exact arithmetic', () => {
  fc.assert(
    fc.property(quantityText, text => {
      const quantity = parseQuantity(text);
      const exact = Number(quantity.mantissa) * 10 ** quantity.scale;
      const value = quantityValue(text);
      assert.ok(Math.abs(value) >= Math.abs(exact) * (1 - 1e-12));
      assert.ok(Math.abs(value - exact) <= 1 + Math.abs(exact) * 1e-12);
    }),
  );
});
