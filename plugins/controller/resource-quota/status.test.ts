import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseUsage, type StringMap } from 'kernetes/sdk';
import { nextStatus } from './status.ts';

interface Case {
  readonly hard?: StringMap;
  /** The status that is there. */
  readonly was?: { readonly hard?: StringMap; readonly used?: StringMap };
  readonly counted?: StringMap;
  readonly recent?: StringMap;
  /** Absent: it stays. */
  readonly used?: StringMap;
  readonly isHeld?: boolean;
}

const HARD = { pods: '5' };

describe('nextStatus()', () => {
  const cases: [string, Case][] = [
    ['is what was counted', { counted: { pods: '2' }, used: { pods: '2' } }],
    [
      'stays when nothing is other than it was',
      { was: { hard: HARD, used: { pods: '2' } }, counted: { pods: '2' } },
    ],
    [
      'compares by value',
      {
        hard: { memory: '1Gi' },
        was: { hard: { memory: '1024Mi' }, used: { memory: '0' } },
        counted: { memory: '0' },
      },
    ],
    [
      'is written where only a limit is another',
      {
        was: { hard: { pods: '4' }, used: { pods: '2' } },
        counted: { pods: '2' },
        used: { pods: '2' },
      },
    ],
    [
      'forgets what there is no limit of any more',
      {
        was: { hard: { ...HARD, services: '1' }, used: { pods: '2', services: '1' } },
        counted: { pods: '2' },
        used: { pods: '2' },
      },
    ],
    [
      'keeps what cannot be counted, if it was known',
      {
        hard: { ...HARD, 'count/gone.io': '1', 'count/none.io': '1' },
        was: { hard: HARD, used: { pods: '1', 'count/gone.io': '1' } },
        counted: { pods: '2' },
        used: { pods: '2', 'count/gone.io': '1' },
      },
    ],
    [
      'holds back what was just taken',
      {
        was: { hard: HARD, used: { pods: '5' } },
        counted: { pods: '2' },
        recent: { pods: '2' },
        used: { pods: '4' },
        isHeld: true,
      },
    ],
    [
      'holds back no more than was used',
      {
        was: { hard: HARD, used: { pods: '3' } },
        counted: { pods: '2' },
        recent: { pods: '9' },
        isHeld: true,
      },
    ],
    [
      'is never less than what is there',
      {
        was: { hard: HARD, used: { pods: '3' } },
        counted: { pods: '7' },
        recent: { pods: '1' },
        used: { pods: '7' },
      },
    ],
  ];
  for (const [what, { hard = HARD, was, counted, recent, used, isHeld = false }] of cases) {
    it(what, () => {
      const quota = { metadata: {}, spec: { hard }, ...(was && { status: was }) };
      const status = used && { hard, used };
      assert.deepEqual(nextStatus(quota, parseUsage(counted), parseUsage(recent)), {
        isHeld,
        ...(status && { status }),
      });
    });
  }
});
