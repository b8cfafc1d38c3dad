import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeSelectorTerm } from './api/types-core-v1.ts';
import { selectedNodeNames } from './node-selector.ts';

function named(...values: string[]): NodeSelectorTerm {
  return { matchFields: [{ key: 'metadata.name', operator: 'In', values }] };
}

const LABELLED = { matchExpressions: [{ key: 'zone', operator: 'Exists' }] };

const TABLE: [name: string, terms: NodeSelectorTerm[], names: string[] | undefined][] = [
  ['gives the names of all terms', [named('a'), named('b', 'a')], ['a', 'b']],
  ['gives nothing when one term names none', [named('a'), LABELLED], undefined],
  ['gives names of a term that wants labels too', [{ ...named('a'), ...LABELLED }], ['a']],
  [
    'gives what all requirements of a term allow',
    [{ matchFields: [...(named('a', 'b').matchFields ?? []), ...(named('b').matchFields ?? [])] }],
    ['b'],
  ],
];

for (const [name, nodeSelectorTerms, names] of TABLE) {
  test(`selectedNodeNames() ${name}`, () => {
    assert.deepEqual(selectedNodeNames({ nodeSelectorTerms }), names);
  });
}
