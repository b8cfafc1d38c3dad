import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FORMATS } from './formats.ts';

const TABLE: [format: string, good: string[], bad: string[]][] = [
  [
    'date-time',
    ['2026-01-02T03:04:05Z', '2026-01-02t03:04:05.1+01:00'],
    ['2026-02-30T00:00:00Z', ''],
  ],
  ['date', ['2024-02-29'], ['2023-02-29', '2024-2-9']],
  ['duration', ['1h30m', '3 days', '0'], ['1x', '']],
  ['email', ['a@b.example', 'A <a@b.example>'], ['a', '@b', 'a b@c']],
  ['hostname', ['a.example', 'a'], ['-a', 'a..b', '']],
  ['ipv4', ['10.0.0.1'], ['10.0.0', '::1']],
  ['ipv6', ['::1'], ['10.0.0.1']],
  ['cidr', ['10.0.0.0/8', '::/0'], ['10.0.0.0/33', '10.0.0.0']],
  ['mac', ['01:23:45:67:89:ab'], ['01:23']],
  ['uuid', ['7d444840-9dc0-11d1-b245-5ffdce74fad2'], ['7d444840']],
  ['uuid4', ['7d444840-9dc0-41d1-b245-5ffdce74fad2'], ['7d444840-9dc0-11d1-b245-5ffdce74fad2']],
  ['byte', ['YQ==', ''], ['YQ', '*']],
  ['uri', ['https://a.example/b', '/a'], ['a b', 'a']],
  ['isbn', ['0321751043', '978-0321751041'], ['0321751044']],
  ['creditcard', ['4111-1111-1111-1111'], ['4111-1111-1111-1112']],
  ['hexcolor', ['#fff', 'FFFFFF'], ['#ffff']],
  ['rgbcolor', ['rgb(1, 2,255)'], ['rgb(1,2,256)']],
  ['ssn', ['111-11-1111'], ['1']],
];
for (const [format, good, bad] of TABLE) {
  test(`format ${format}`, () => {
    const fits = FORMATS.get(format);
    assert.ok(fits);
    for (const text of good) assert.equal(fits(text), true, text);
    for (const text of bad) assert.equal(fits(text), false, text);
  });
}

test('no format takes longer than the text is long', { timeout: 30_000 }, () => {
  for (const [format, fits] of FORMATS) {
    for (const part of ['1', 'a', ' ', '.', '<', '1.', 'a-']) {
      assert.equal(fits(`${part.repeat(200_000)}!`), false, `${format} of ${part}`);
    }
  }
});
