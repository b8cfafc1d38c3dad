import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CommandCall, commandPoint, notFound } from 'kernetes/sdk';
import { activate } from 'kernetes/sdk/testing';
import type { Explained } from './explanation-text.ts';
import plugin from './plugin.ts';

const WEB: Explained = {
  metadata: { namespace: 'default', name: 'web' },
  schedulerName: 'default-scheduler',
  state: 'scheduled',
  waitsFor: [],
  attempts: [
    {
      number: 1,
      time: '2026-01-01T00:00:00.000000Z',
      outcome: 'unschedulable',
      message: '0/2 nodes are available: 2 Insufficient cpu.',
      filters: ['NodeName', 'NodeResourcesFit'],
      scores: [],
      nodes: ['a', 'b'].map(name => ({
        name,
        verdict: 'refused',
        plugin: 'NodeResourcesFit',
        reasons: ['Insufficient cpu'],
      })),
    },
    {
      number: 2,
      time: '2026-01-01T00:00:01.000000Z',
      outcome: 'scheduled',
      nodeName: 'c',
      filters: ['NodeName', 'TaintToleration', 'NodeResourcesFit'],
      scores: [
        { plugin: 'ByRack', weight: 5 },
        { plugin: 'ImageLocality', weight: 1 },
      ],
      nodes: [
        {
          name: 'a',
          verdict: 'refused',
          plugin: 'TaintToleration',
          reasons: ['node(s) had untolerated taint(s)'],
        },
        { name: 'b', verdict: 'feasible', raw: [10, 0], normalized: [20, 0], total: 100 },
        { name: 'c', verdict: 'feasible', raw: [50, 1], normalized: [100, 1], total: 501 },
        { name: 'd', verdict: 'skipped' },
      ],
    },
  ],
};

interface Given {
  readonly pod?: string;
  readonly kind?: string;
  readonly options?: CommandCall['options'];
}

async function run({ pod = 'web', kind = 'pod', options = {} }: Given) {
  const { context } = await activate(plugin);
  const [command] = context.contributions(commandPoint).list();
  const printed: string[] = [];
  const asked: string[] = [];
  const answers: Readonly<Record<string, unknown>> = {
    '/apis/scheduling.kernetes.dev/v1alpha1/namespaces/default/podexplanations/web': WEB,
    '/api/v1/namespaces/default/pods/quiet': {},
  };
  await command?.value.run({
    arguments: { kind, pod },
    options: { output: 'table', limit: '50', ...options },
    namespace: 'default',
    async get(path) {
      asked.push(path);
      if (answers[path] === undefined) throw notFound({ group: '', resource: 'pods' }, 'x');
      return answers[path];
    },
    print: text => void printed.push(text),
  });
  return { text: printed.join('\n'), asked };
}

describe('kernetes explain', () => {
  it('prints the newest attempt, best node first, each verdict and each score', async () => {
    const { text } = await run({});
    assert.equal(
      text,
      [
        'pod default/web of default-scheduler: scheduled',
        'attempt 2 at 2026-01-01T00:00:01.000000Z: scheduled on c (also remembered: 1)',
        '',
        'NODE   NodeName   TaintToleration   NodeResourcesFit   ByRack*5     ImageLocality*1   TOTAL',
        'c <-   ok         ok                ok                 50>100=500   1>1=1             501',
        'b      ok         ok                ok                 10>20=100    0>0=0             100',
        'a      ok         no                -                  -            -                 -',
        'd      -          -                 -                  -            -                 -',
        '',
        'scores: as given > of 100 = times the weight',
        '',
        'TaintToleration: node(s) had untolerated taint(s): a',
      ].join('\n'),
    );
  });

  it('prints an earlier attempt without scores, with its message', async () => {
    const { text } = await run({ pod: 'default/web', options: { attempt: '1' } });
    assert.equal(
      text,
      [
        'pod default/web of default-scheduler: scheduled',
        'attempt 1 at 2026-01-01T00:00:00.000000Z: unschedulable (also remembered: 2)',
        '0/2 nodes are available: 2 Insufficient cpu.',
        '',
        'NODE   NodeName   NodeResourcesFit',
        'a      ok         no',
        'b      ok         no',
        '',
        'NodeResourcesFit: Insufficient cpu: a, b',
      ].join('\n'),
    );
  });

  it('says how many nodes it left out', async () => {
    const { text } = await run({ options: { limit: '1' } });
    assert.match(text, /^… and 3 more nodes: --limit 0 shows all$/m);
    assert.doesNotMatch((await run({ options: { limit: '0' } })).text, /more nodes/);
  });

  it('prints JSON as the API has it, of one attempt if it is named', async () => {
    const { text } = await run({ options: { output: 'json' } });
    assert.deepEqual(JSON.parse(text), WEB);
    const one = await run({ options: { output: 'json', attempt: '1' } });
    assert.deepEqual(JSON.parse(one.text).attempts, [WEB.attempts[0]]);
  });

  const REFUSED: [name: string, given: Given, message: RegExp][] = [
    ['another kind', { kind: 'node' }, /Cannot explain "node": want pod/],
    ['too many slashes', { pod: 'a/b/c' }, /Cannot explain pod "a\/b\/c": want its name/],
    ['no name', { pod: 'a/' }, /want its name/],
    ['another format', { options: { output: 'xml' } }, /Cannot print as "xml"/],
    ['no number', { options: { limit: 'x' } }, /Cannot read --limit "x": want a number/],
    ['an attempt not remembered', { options: { attempt: '7' } }, /attempt 7 .* are 1, 2/],
    ['a pod that no scheduler remembers', { pod: 'quiet' }, /"default\/quiet".*no attempt/],
    ['a pod that is not there', { pod: 'gone' }, /not found/],
  ];
  for (const [name, given, message] of REFUSED) {
    it(`refuses ${name}`, () => assert.rejects(run(given), { message }));
  }
});
