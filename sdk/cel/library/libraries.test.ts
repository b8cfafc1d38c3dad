import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CelEvaluationError, loadCel } from '../cel.ts';

const cel = await loadCel();
const OPTIONS = { variables: { self: { type: 'dyn' } }, result: 'any' } as const;

function run(expression: string): unknown {
  const program = cel.compile(expression, OPTIONS);
  const self = { n: 3, d: 1.5, list: [3, 1, 2], map: { a: 1 }, text: 'x' };
  return program.evaluate({ self }, { limit: 1_000_000, spent: 0 });
}

/** Each holds. */
const TABLES: Readonly<Record<string, readonly string[]>> = {
  'operators and numbers': [
    '7 / 2 == 3 && -7 / 2 == -3 && -7 % 2 == -1',
    '1.5 + 2.0 == 3.5 && 1u + 2u == 3u',
    '1 < 1.5 && 2u > 1 && 3 >= 3.0',
    'dyn(1) == 1.0 && dyn(1u) == 1 && dyn(1) != "1"',
    'self.n == 3 && self.d == 1.5 && type(self.n) == int',
    'true || 1 / 0 == 1',
    '1 / 0 == 1 || true',
    '!(false && 1 / 0 == 1) && !(1 / 0 == 1 && false)',
    '(self.n > 2 ? "big" : "small") == "big"',
    '"a" < "b" && "a" + "b" == "ab" && b"a" + b"b" == b"ab"',
    '2 in [1, 2] && "a" in {"a": 1} && !("b" in self.map)',
    '[1, 2] + [3] == [1, 2, 3]',
    'int("42") == 42 && int(2.9) == 2 && double("1e3") == 1000.0 && uint(7) == 7u',
    'string(1.5) == "1.5" && string(true) == "true" && string(b"hi") == "hi"',
    'bool("t") && type(null) == null_type && type([]) == list && type("") == string',
    'size("a😀") == 2 && [1, 2].size() == 2 && size({"a": 1}) == 1 && b"abc".size() == 3',
  ],
  macros: [
    '[1, 2, 3].all(x, x > 0) && [1, 2].exists(x, x == 2) && [1, 2].exists_one(x, x > 1)',
    '[1, 2, 3].filter(x, x > 1) == [2, 3] && [1, 2].map(x, x * 2) == [2, 4]',
    '[1, 2, 3].map(x, x > 1, x * 2) == [4, 6]',
    '{"a": 1, "b": 2}.all(k, k != "c") && {"a": 1}.map(k, k) == ["a"]',
    '[5, 6].all(i, v, v == i + 5) && {"a": 1}.exists(k, v, k == "a" && v == 1)',
    '[1, 2].existsOne(i, v, v == 2)',
    '[1, 2].transformList(i, v, i + v) == [1, 3] && [1, 2].transformList(i, v, i > 0, v) == [2]',
    '{"a": 1}.transformMap(k, v, v + 1) == {"a": 2}',
    '{"a": "b"}.transformMapEntry(k, v, {v: k}) == {"b": "a"}',
    '[1, 0].exists(x, 1 / x == 1) && ![0, 1].all(x, 1 / x == 2)',
    'cel.bind(x, 1 + 1, x * x) == 4',
    'has(self.map.a) && !has(self.map.b) && !has(self.none)',
    '[[1, 2], [3]].all(x, x.all(y, y > 0 && x.size() > 0))',
  ],
  optionals: [
    'self.?map.?a.orValue(0) == 1 && self.?none.?a.orValue(7) == 7',
    'self.?none.or(optional.of(1)).value() == 1 && !self.?none.hasValue()',
    'optional.of(2).optMap(x, x * 2).value() == 4 && !optional.none().optMap(x, x).hasValue()',
    'optional.of(2).optFlatMap(x, optional.of(x)).value() == 2',
    'self.list[?9].orValue(0) == 0 && self.list[?0].value() == 3',
    '!optional.ofNonZeroValue("").hasValue() && optional.of(1) == optional.of(1)',
    'has(self.?map.a) && self.?map.a.hasValue()',
  ],
  strings: [
    '"tacocat".charAt(3) == "o" && "ab".charAt(2) == "" && "a😀b".charAt(2) == "b"',
    '"hello".indexOf("l") == 2 && "hello".indexOf("l", 3) == 3 && "hello".lastIndexOf("l") == 3',
    '"a😀b😀".indexOf("b") == 2 && "a😀b😀".lastIndexOf("😀") == 3',
    '"TacoÄ".lowerAscii() == "tacoÄ" && "tacoä".upperAscii() == "TACOä"',
    '"hello hello".replace("he", "we") == "wello wello" && "hehe".replace("he", "x", 1) == "xhe"',
    '"ab".replace("", "-") == "-a-b-"',
    '"a,b,c".split(",") == ["a", "b", "c"] && "a,b,c".split(",", 2) == ["a", "b,c"]',
    '["a", "b"].join() == "ab" && ["a", "b"].join("-") == "a-b"',
    '"tacocat".substring(4) == "cat" && "tacocat".substring(0, 4) == "taco"',
    '"  trim ".trim() == "trim" && "gum".reverse() == "mug"',
    '"%s is %d and %.2f%%".format(["a", 3, 1.5]) == "a is 3 and 1.50%"',
    '"%b %o %x %X %e".format([5, 8, 255, "hi", 1234.5]) == "101 10 ff 6869 1.234500e+03"',
    '"%s %s".format([[1, "a"], {"k": true}]) == "[1, a] {k: true}"',
    'strings.quote("a\\n\\"b\\"") == "\\"a\\\\n\\\\\\"b\\\\\\"\\""',
    '"abc".startsWith("ab") && "abc".endsWith("bc") && "abc".contains("b")',
    'jsonpatch.escapeKey("a/b~c") == "a~1b~0c"',
  ],
  regex: [
    '"abc 123".matches("[0-9]+") && !"abc".matches("^b")',
    'matches("a", "^a$")',
    '"abc 123".find("[0-9]+") == "123" && "abc".find("[0-9]") == ""',
    '"1 2 3".findAll("[0-9]") == ["1", "2", "3"] && "1 2 3".findAll("[0-9]", 2) == ["1", "2"]',
    '"x".matches("^" + self.text + "$")',
  ],
  lists: [
    '[1, 2].isSorted() && !["b", "a"].isSorted() && [].isSorted()',
    '[1, 2].sum() == 3 && [1.5, 2.5].sum() == 4.0 && [duration("1s"), duration("1m")].sum() == duration("61s")',
    'self.list.min() == 1 && self.list.max() == 3 && ["b", "a"].min() == "a"',
    '[1, 2, 1].indexOf(1) == 0 && [1, 2, 1].lastIndexOf(1) == 2 && [1].indexOf(5) == -1',
    'sets.contains([1, 2, 3], [3, 1]) && !sets.contains([1], [2])',
    'sets.equivalent([1, 2, 2], [2, 1]) && sets.intersects([1, 2], [2, 3])',
  ],
  math: [
    'math.greatest(1, 3, 2) == 3 && math.least([4.5, 1.5]) == 1.5 && math.greatest(-1) == -1',
    'math.ceil(1.2) == 2.0 && math.floor(-1.2) == -2.0 && math.round(-1.5) == -2.0',
    'math.abs(-5) == 5 && math.sign(-2.0) == -1.0 && math.isNaN(0.0 / 0.0) && math.isInf(1.0 / 0.0)',
    'math.bitAnd(6, 3) == 2 && math.bitShiftLeft(1, 4) == 16 && math.bitShiftRight(-1, 63) == 1',
  ],
  time: [
    'timestamp("2024-02-29T23:30:00Z").getDayOfMonth() == 28 && timestamp("2024-02-29T23:30:00Z").getDate() == 29',
    'timestamp("2024-03-01T00:00:00Z").getDayOfYear() == 60 && timestamp(0).getFullYear() == 1970',
    'timestamp("2024-02-29T23:30:00Z").getHours("+02:00") == 1',
    'timestamp("2024-07-01T12:00:00Z").getHours("America/New_York") == 8',
    'timestamp("2024-01-01T00:00:00Z") + duration("36h") == timestamp("2024-01-02T12:00:00Z")',
    'timestamp("2024-01-02T00:00:00Z") - timestamp("2024-01-01T00:00:00Z") == duration("24h")',
    'duration("1h30m").getMinutes() == 90 && duration("-1.5s").getMilliseconds() == -1500',
    'string(duration("1h0.5s")) == "3600.5s" && string(timestamp("2024-01-01T00:00:00.120Z")) == "2024-01-01T00:00:00.12Z"',
    'int(timestamp("1970-01-01T00:01:00Z")) == 60',
  ],
  quantities: [
    'quantity("1Gi").isGreaterThan(quantity("1G")) && quantity("100m").isLessThan(quantity("1"))',
    'quantity("1000m") == quantity("1") && quantity("50k").compareTo(quantity("50k")) == 0',
    'isQuantity("1.3Gi") && !isQuantity("1.3Gii") && !isQuantity("")',
    'quantity("50k").add(quantity("20")) == quantity("50020") && quantity("50k").sub(20000) == quantity("30k")',
    'quantity("50k").asInteger() == 50000 && quantity("500m").asApproximateFloat() == 0.5',
    'quantity("2").isInteger() && !quantity("200m").isInteger() && quantity("-1").sign() == -1',
  ],
  urls: [
    'url("https://u@example.com:80/a b?k=v&k=w").getHost() == "example.com:80"',
    'url("https://[::1]:80/").getHostname() == "::1" && url("https://[::1]:80/").getPort() == "80"',
    'url("HTTPS://example.com/").getScheme() == "https" && url("/path").getScheme() == ""',
    'url("https://example.com/with space/").getEscapedPath() == "/with%20space/"',
    'url("https://e.com/?k=a&k=b&x=").getQuery() == {"k": ["a", "b"], "x": [""]}',
    'isURL("https://example.com") && isURL("/absolute") && !isURL("../relative") && !isURL("https://a:b/")',
  ],
  addresses: [
    'isIP("127.0.0.1") && isIP("::1") && !isIP("127.0.0.256") && !isIP("::ffff:1.2.3.4") && !isIP("fe80::1%en0") && !isIP("01.2.3.4")',
    'ip("127.0.0.1").isLoopback() && ip("::").isUnspecified() && ip("10.0.0.1").isGlobalUnicast()',
    'ip("224.0.0.1").isLinkLocalMulticast() && ip("fe80::1").isLinkLocalUnicast() && ip("::1").family() == 6',
    'ip.isCanonical("2001:db8::1") && !ip.isCanonical("2001:DB8::1") && string(ip("2001:DB8:0::1")) == "2001:db8::1"',
    'cidr("192.168.0.0/24").containsIP("192.168.0.7") && !cidr("192.168.0.0/24").containsIP(ip("::1"))',
    'cidr("10.0.0.0/8").containsCIDR("10.1.0.0/16") && !cidr("10.1.0.0/16").containsCIDR(cidr("10.0.0.0/8"))',
    'cidr("192.168.0.9/24").masked() == cidr("192.168.0.0/24") && cidr("::/0").prefixLength() == 0',
    'cidr("192.168.0.9/24").ip() == ip("192.168.0.9") && !isCIDR("1.2.3.4") && !isCIDR("1.2.3.4/33")',
  ],
  formats: [
    '!format.dns1123Label().validate("my-name").hasValue()',
    'format.dns1123Label().validate("My_name").value()[0].contains("a lowercase RFC 1123 label")',
    'format.named("labelValue").hasValue() && !format.named("none").hasValue()',
    '!format.named("uuid").value().validate("123e4567-e89b-12d3-a456-426614174000").hasValue()',
    '["uri", "byte", "date", "datetime"].all(n, format.named(n).value().validate("?!").hasValue())',
    '!format.date().validate("2024-02-29").hasValue() && !format.dns1123LabelPrefix().validate("a-").hasValue()',
  ],
  versions: [
    'isSemver("1.2.3-alpha.1+b") && !isSemver("1.2") && !isSemver("v1.2.3") && !isSemver("01.2.3")',
    'isSemver("v1.2", true) && semver("v01.2", true) == semver("1.2.0")',
    'semver("1.2.3").major() == 1 && semver("1.2.3").minor() == 2 && semver("1.2.3").patch() == 3',
    'semver("1.0.0-alpha").isLessThan(semver("1.0.0")) && semver("1.0.0-2").isLessThan(semver("1.0.0-10"))',
    'semver("2.0.0").compareTo(semver("1.9.9")) == 1 && semver("1.0.0").isGreaterThan(semver("1.0.0-rc.1"))',
  ],
};

for (const [name, expressions] of Object.entries(TABLES)) {
  describe(name, () => {
    for (const expression of expressions) {
      test(expression, () => assert.equal(run(expression), true));
    }
  });
}

describe('refused', () => {
  const failures: readonly (readonly [expression: string, message: RegExp])[] = [
    ['"abc".charAt(4)', /^index out of range: 4$/],
    ['"abc".substring(2, 1)', /^invalid substring range/],
    ['"%d".format(["a"])', /clause can only be used on/],
    ['"%d %d".format([1])', /^index 1 out of range$/],
    ['"%y".format([1])', /unrecognized "y"/],
    ['"%.999f".format([1.0])', /^precision is too large$/],
    ['"a".matches("(" + self.text)', /^error parsing regexp: missing closing/],
    ['quantity("Three")', /^quantities must match the regular expression/],
    ['quantity("100m").asInteger()', /^cannot convert value to integer$/],
    ['ip("1.2.3")', /^IP Address "1.2.3" parse error during conversion from string/],
    ['cidr("1.2.3.4")', /^network address parse error/],
    ['url("../x")', /^URL parse error during conversion from string: parse "..\/x"/],
    ['semver("1")', /^invalid semver/],
    ['dyn([]).max()', /^max called on empty list$/],
    ['dyn([1, "a"]).sum()', /^no such overload$/],
    ['[9223372036854775807, 1].sum()', /^integer overflow$/],
    ['int("x")', /^type conversion error from 'string' to 'int'/],
    ['string(b"\\xff")', /^invalid UTF-8/],
    ['timestamp(0).getHours("Mars/Olympus")', /^unknown time zone/],
    ['duration("1y")', /^invalid duration "1y"$/],
  ];
  for (const [expression, message] of failures) {
    test(expression, () => {
      assert.throws(
        () => run(expression),
        error => {
          assert.ok(error instanceof CelEvaluationError, String(error));
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }
});

test('plain() makes JSON data of results', () => {
  const plain = (expression: string) => cel.plain(run(expression));
  assert.deepEqual(plain('[1, 2u, 1.5, "a", null, true]'), [1, 2, 1.5, 'a', null, true]);
  assert.deepEqual(plain('{"a": [timestamp(0)], "b": duration("1s"), "c": b"hi"}'), {
    a: ['1970-01-01T00:00:00Z'],
    b: '1s',
    c: 'aGk=',
  });
  assert.deepEqual(plain('[quantity("1024Ki"), ip("::1"), optional.none(), int, self.map]'), [
    '1Mi',
    '::1',
    null,
    'int',
    { a: 1 },
  ]);
});
