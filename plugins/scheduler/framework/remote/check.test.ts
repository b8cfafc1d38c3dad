import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EvaluateResult, Logger } from 'kernetes/sdk';
import { verdict } from 'kernetes/sdk';
import { local, remote } from '../test-setup.ts';
import { assertResult, assertVerdicts, usable } from './check.ts';

const NONSENSE: Readonly<Record<string, object>> = {
  'a name of somebody else': { name: 'Other' },
  'points that are no list': { points: 5 },
  'points that there are not': { points: ['score', 'nope'] },
  'no deadline': { deadlineMs: Number.NaN },
  'an unknown policy': { onFailure: 'panic' },
  'events that are no list': { requeueOn: 'PodAdd' },
  'a local part': { local: {} },
};

for (const [what, change] of Object.entries(NONSENSE)) {
  test(`usable() leaves out a remote contribution with ${what}`, () => {
    const sound = remote({ name: 'Sound', score: () => 1 });
    const bad = { ...sound, plugin: 'bad', value: { ...sound.value, ...change } };
    const near = local({ name: 'Near', score: () => 1 });
    const told: unknown[] = [];
    const log = { error: (_, fields) => void told.push(fields?.plugin) } as Logger;
    assert.deepEqual(usable([near, sound, bad], log), [near, sound]);
    assert.deepEqual(told, ['bad']);
  });
}

const ANSWER: EvaluateResult = {
  verdicts: Uint16Array.of(0, 1),
  refusals: [verdict.unschedulable('full')],
  scores: Float64Array.of(100, 0),
  errors: [{ pod: 0, message: 'my fault' }],
};

test('assertResult() takes an answer to what was asked', () => assertResult(ANSWER, 2));

const WRONG: Readonly<Record<string, unknown>> = {
  nothing: undefined,
  'no arrays': {},
  'too few verdicts': { ...ANSWER, verdicts: Uint16Array.of(0) },
  'a refusal that is not there': { ...ANSWER, verdicts: Uint16Array.of(0, 2) },
  'a refusal without reasons': { ...ANSWER, refusals: [{ code: 'unschedulable' }] },
  'a refusal that is none': { ...ANSWER, refusals: [null] },
  'too few scores': { ...ANSWER, scores: Float64Array.of(1) },
  'a score beyond all': { ...ANSWER, scores: Float64Array.of(1e9, 0) },
  'a score that is no number': { ...ANSWER, scores: Float64Array.of(Number.NaN, 0) },
  'an error that is none': { ...ANSWER, errors: [null] },
};

for (const [what, answer] of Object.entries(WRONG)) {
  test(`assertResult() refuses ${what}`, () => {
    assert.throws(() => assertResult(answer as EvaluateResult, 2), /its answer is none/);
  });
}

test('assertVerdicts() refuses what the binding could not go by', () => {
  assertVerdicts([undefined, verdict.success, verdict.skip, verdict.unresolvable('no')], 4);
  assert.throws(() => assertVerdicts([undefined], 2), /gave 1 answers, want 2/);
  for (const answer of [undefined, 'text', [{ code: 'wait' }], [{ code: 'unschedulable' }]]) {
    assert.throws(() => assertVerdicts(answer as never, 1), /its answer is none/);
  }
});
