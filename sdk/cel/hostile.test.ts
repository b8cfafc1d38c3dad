import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  CEL_CALL_COST_MAX,
  CelCompileError,
  CelCostError,
  CelEvaluationError,
  loadCel,
} from './cel.ts';

const cel = await loadCel();
const DYN = { variables: { self: { type: 'dyn' } }, result: 'any' } as const;

const indexes = Array.from({ length: 10_000 }, (_, i) => i);
const self = {
  list: indexes,
  texts: indexes.map(i => `s${i}`),
  map: Object.fromEntries(indexes.map(i => [`k${i}`, i])),
  text: 'a'.repeat(10_000),
};

describe('the budget stops', () => {
  const expressions = [
    'self.list.all(x, self.list.all(y, self.list.all(z, true)))',
    'self.list.exists(x, self.list.exists(y, x + y < 0))',
    'self.list.all(x, self.list.exists(y, 1 / 0 > 1) || true)',
    'self.list.map(x, self.list + self.list).size() > 0',
    'self.list.map(x, self.list.map(y, [x, y])).size() > 0',
    'self.list.filter(x, self.list.filter(y, y > x).size() >= 0).size() > 0',
    'self.list.all(x, self.map.exists(k, true))',
    'self.list.all(x, self.map == self.map.transformMap(k, v, v))',
    'self.list.all(x, sets.equivalent(self.list, self.list))',
    'self.list.all(x, self.text.matches("(a*)*$"))',
    'self.texts.all(x, !self.text.matches("((a{0,100}){0,10}){0,1}b" + x))',
    'self.texts.all(x, self.text.find("(a|aa)*(b|ab)" + x) == "")',
    'self.texts.all(x, (self.text + x).matches("\\\\pL{1000}"))',
    'self.texts.all(x, "".matches("\\\\pL{1000}" + x) || true)',
    'self.list.all(x, self.text.findAll("a").size() > 0)',
    'self.list.all(x, self.text.replace("", self.text) != "")',
    'self.list.all(x, self.text.split("").size() > 0)',
    'self.list.all(x, (self.text + self.text + self.text) != "")',
    'self.list.all(x, self.texts.join(self.text) != "")',
    'self.list.all(x, "%s".format([self.map]) != "")',
    'self.list.all(x, self.list.sum() >= 0)',
    'self.list.all(x, timestamp("2024-01-01T00:00:00Z").getHours("Europe/Paris") == 1)',
    `cel.bind(a, self.text + self.text, ${'cel.bind(a, a + a, '.repeat(30)}a${')'.repeat(31)} != ""`,
  ];
  for (const expression of expressions) {
    test(expression.slice(0, 80), () => {
      const budget = { limit: CEL_CALL_COST_MAX, spent: 0 };
      const program = cel.compile(expression, DYN);
      assert.throws(() => program.evaluate({ self }, budget), CelCostError);
      assert.ok(budget.spent <= budget.limit);
    });
  }

  test('what follows in the same request', () => {
    const budget = { limit: 100, spent: 0 };
    const program = cel.compile('[1, 2, 3].all(x, x > 0)', DYN);
    for (let i = 0; i < 3; i += 1) assert.equal(program.evaluate({}, budget), true);
    assert.throws(() => {
      for (let i = 0; i < 9; i += 1) program.evaluate({}, budget);
    }, CelCostError);
    assert.equal(budget.spent, 100);
    assert.throws(() => program.evaluate({}, budget), CelCostError);
  });

  test('one call before the request', () => {
    const budget = { limit: 10 * CEL_CALL_COST_MAX, spent: 0 };
    const program = cel.compile('self.list.all(x, self.list.all(y, true))', DYN);
    assert.throws(() => program.evaluate({ self }, budget), CelCostError);
    assert.equal(budget.spent, CEL_CALL_COST_MAX);
  });
});

describe('compile() bounds', () => {
  const texts: Readonly<Record<string, string>> = {
    'a long text': `"${'a'.repeat(100_001)}" == ""`,
    'nested brackets': `${'('.repeat(5000)}1${')'.repeat(5000)}`,
    'nested lists': `${'['.repeat(5000)}1${']'.repeat(5000)}`,
    'nested negations': `${'!'.repeat(50_000)}true`,
    'nested minus': `${'-'.repeat(50_000)}self`,
    'long sums': `1${' + 1'.repeat(5000)}`,
    'long selections': `self${'.a'.repeat(5000)}`,
    'nested conditions': `${'true ? '.repeat(5000)}1${' : 1'.repeat(5000)}`,
    'nested comprehensions': `${'[1].all(x, '.repeat(2000)}true${')'.repeat(2000)}`,
    'many nodes': `[${'[1, 2], '.repeat(900).repeat(10)}[1]]`,
    'large numbers': `${'9'.repeat(5000)} > 1`,
  };
  for (const [name, text] of Object.entries(texts)) {
    test(name, () => assert.throws(() => cel.compile(text, DYN), CelCompileError));
  }

  test('not chains of conditions, which upstream balances', () => {
    const program = cel.compile(Array(2000).fill('true').join(' && '), DYN);
    assert.equal(program.evaluate({}, { limit: 10_000, spent: 0 }), true);
  });
});

test('no pattern of a user meets the engine that backtracks', () => {
  const evil = '"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"';
  const exec = RegExp.prototype.exec;
  const patterns: string[] = [];
  RegExp.prototype.exec = function (text) {
    patterns.push(this.source);
    return exec.call(this, text);
  };
  try {
    for (const call of [
      `${evil}.matches("^(a+)+$")`,
      `matches(${evil}, "^(a+)+$")`,
      `${evil}.find("^(a+)+$") == ""`,
      `${evil}.findAll("^(a+)+$").size() == 0`,
      `${evil}.split("(a+)+$").size() == 1`,
      `${evil}.replace("(a+)+$", "") == ""`,
      `[${evil}].all(x, x.matches("^(a" + "+)+$"))`,
    ]) {
      cel.compile(call, DYN).evaluate({}, { limit: 100_000, spent: 0 });
    }
  } finally {
    RegExp.prototype.exec = exec;
  }
  assert.deepEqual(
    patterns.filter(pattern => pattern.includes('a+')),
    [],
  );
});

const ATOMS = [
  'self',
  'self.list',
  'self.map',
  'self.text',
  'self.none',
  '1',
  '-1',
  '0',
  '2u',
  '1.5',
  '"a"',
  '"("',
  '""',
  'b"\\xff"',
  'null',
  'true',
  '[]',
  '{}',
  '[1, "a"]',
  '{"a": 1}',
  'int',
  'optional.none()',
  'optional.of(1)',
  'duration("1s")',
  'timestamp("2024-01-01T00:00:00Z")',
  '9223372036854775807',
  'quantity("1Gi")',
  'ip("::1")',
  'cidr("10.0.0.0/8")',
  'url("https://a/b")',
  'semver("1.2.3")',
  'x',
];
const METHODS = [
  'size',
  'matches',
  'find',
  'findAll',
  'startsWith',
  'contains',
  'charAt',
  'indexOf',
  'lastIndexOf',
  'replace',
  'split',
  'join',
  'substring',
  'format',
  'reverse',
  'sum',
  'min',
  'max',
  'isSorted',
  'orValue',
  'or',
  'value',
  'hasValue',
  'getHours',
  'family',
  'containsIP',
  'containsCIDR',
  'masked',
  'add',
  'sub',
  'asInteger',
  'compareTo',
  'major',
  'getQuery',
  'getPort',
  'isGreaterThan',
];
const FUNCTIONS = [
  'size',
  'int',
  'uint',
  'double',
  'string',
  'bytes',
  'bool',
  'timestamp',
  'duration',
  'type',
  'dyn',
  'quantity',
  'ip',
  'cidr',
  'url',
  'semver',
  'isIP',
  'isURL',
  'isSemver',
  'math.greatest',
  'math.abs',
  'sets.contains',
  'format.named',
  'strings.quote',
  'optional.ofNonZeroValue',
  'math.bitShiftLeft',
];
const OPERATORS = ['+', '-', '*', '/', '%', '==', '!=', '<', '>=', 'in', '&&', '||'];
const MACROS = ['all', 'exists', 'exists_one', 'map', 'filter', 'optMap', 'optFlatMap'];

const { expression } = fc.letrec<{ expression: string; atom: string }>(tie => ({
  atom: fc.constantFrom(...ATOMS),
  expression: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('atom'),
    fc
      .tuple(tie('expression'), fc.constantFrom(...OPERATORS), tie('expression'))
      .map(p => `(${p.join(' ')})`),
    fc
      .tuple(
        tie('expression'),
        fc.constantFrom(...METHODS),
        fc.array(tie('expression'), { maxLength: 2 }),
      )
      .map(
        ([receiver, name, args]) =>
          `dyn(${receiver}).${name}(${args.map(arg => `dyn(${arg})`).join(', ')})`,
      ),
    fc
      .tuple(fc.constantFrom(...FUNCTIONS), fc.array(tie('expression'), { maxLength: 2 }))
      .map(([name, args]) => `${name}(${args.map(arg => `dyn(${arg})`).join(', ')})`),
    fc
      .tuple(tie('expression'), fc.constantFrom(...MACROS), tie('expression'))
      .map(([range, name, body]) => `dyn(${range}).${name}(x, dyn(${body}))`),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `dyn(${a})[dyn(${b})]`),
    fc
      .tuple(tie('expression'), tie('expression'), tie('expression'))
      .map(([a, b, c]) => `(dyn(${a}) ? dyn(${b}) : ${c})`),
  ),
}));

const small = { list: [3, 1, 2], map: { a: 1, b: [null] }, text: 'a😀b' };

test('whatever is written, only the three errors of the contract come out', () => {
  let evaluated = 0;
  fc.assert(
    fc.property(expression, text => {
      const program = compiled(text);
      if (!program) return;
      evaluated += 1;
      try {
        cel.plain(program.evaluate({ self: small, x: 1 }, { limit: 20_000, spent: 0 }));
      } catch (error) {
        assert.ok(error instanceof CelEvaluationError, String(error));
        assert.doesNotMatch(error.message, /internal error/, String((error.cause as Error)?.stack));
      }
    }),
    { numRuns: 5000, seed: 7 },
  );
  assert.ok(evaluated > 1000, `${evaluated} expressions compiled`);
});

function compiled(text: string) {
  try {
    return cel.compile(text, {
      variables: { ...DYN.variables, x: { type: 'dyn' } },
      result: 'any',
    });
  } catch (error) {
    assert.ok(error instanceof CelCompileError, String(error));
    return undefined;
  }
}
