import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError } from 'kernetes/sdk';
import { checkListOptions } from './list-options.ts';

const LISTED = {
  'resourceVersionMatch=Exact&resourceVersion=5': [],
  'resourceVersionMatch=NotOlderThan&resourceVersion=0': [],
  'resourceVersionMatch=NotOlderThan&resourceVersion=5&limit=3': [],
  'limit=-1&timeoutSeconds=9223372036854775807': [],
  'resourceVersionMatch=Exact': [
    'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
  ],
  'resourceVersionMatch=Exact&resourceVersion=0': [
    'resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
  ],
  'resourceVersionMatch=Exact&resourceVersion=5&continue=x': [
    'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided',
  ],
  'resourceVersionMatch=x&resourceVersion=1': [
    'resourceVersionMatch: Unsupported value: "x": supported values: "Exact", "NotOlderThan", ""',
  ],
  'sendInitialEvents=false': [
    'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list',
  ],
};

const REQUIRES =
  'resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan';
const WATCHED = {
  'sendInitialEvents=true&resourceVersionMatch=NotOlderThan': [],
  'sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion=7': [],
  'sendInitialEvents=true': [REQUIRES],
  'sendInitialEvents=false': [REQUIRES],
  'sendInitialEvents=true&resourceVersionMatch=Exact': [
    REQUIRES,
    'resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"',
  ],
  'resourceVersionMatch=NotOlderThan': [
    'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
  ],
  'sendInitialEvents&resourceVersionMatch=NotOlderThan&continue=x': [
    'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided',
  ],
};

describe('checkListOptions()', () => {
  for (const [cases, isWatch] of [
    [LISTED, false],
    [WATCHED, true],
  ] as const) {
    for (const [query, wanted] of Object.entries<readonly string[]>(cases)) {
      const what = `${isWatch ? 'a watch' : 'a list'} with ${query}`;
      it(`${wanted.length === 0 ? 'takes' : 'refuses'} ${what}`, () => {
        assert.deepEqual(causesOf(query, isWatch), wanted);
      });
    }
  }

  const unread = {
    'limit=x': 'strconv.ParseInt: parsing "x": invalid syntax',
    'limit=': 'strconv.ParseInt: parsing "": invalid syntax',
    'limit=1.5': 'strconv.ParseInt: parsing "1.5": invalid syntax',
    'timeoutSeconds=9223372036854775808':
      'strconv.ParseInt: parsing "9223372036854775808": value out of range',
  };
  for (const [query, message] of Object.entries(unread)) {
    it(`cannot read ${query}`, () => {
      assert.throws(
        () => checkListOptions(new URLSearchParams(query), true),
        (error: unknown) => ApiError.is(error, 'BadRequest') && error.message === message,
      );
    });
  }
});

/** What is wrong with the options; the error's form is checked on the way. */
function causesOf(query: string, isWatch: boolean): string[] {
  try {
    checkListOptions(new URLSearchParams(query), isWatch);
    return [];
  } catch (error) {
    assert.ok(ApiError.is(error, 'Invalid'));
    const { code, details, message } = error.status;
    assert.deepEqual([code, details?.kind, details?.group], [422, 'ListOptions', 'meta.k8s.io']);
    assert.match(message ?? '', /^ListOptions\.meta\.k8s\.io "" is invalid: /);
    return (details?.causes ?? []).map(each => `${each.field}: ${each.message}`);
  }
}
