import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Taint } from 'kernetes/sdk';
import { admissionRequest, node, runAdmission } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const NOT_READY = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };
const other = { key: NOT_READY.key, effect: 'NoExecute' };

const cases: [string, Taint[] | undefined, Taint[]][] = [
  ['adds the taint', undefined, [NOT_READY]],
  ['leaves one that is there', [NOT_READY], [NOT_READY]],
  ['adds it beside one of another effect', [other], [other, NOT_READY]],
];

for (const [what, taints, wanted] of cases) {
  test(`admission.taint-nodes-by-condition ${what}`, async () => {
    const { admit } = await runAdmission(plugin);
    const object = node('n', { spec: { ...(taints && { taints }) } });
    const request = admissionRequest(object, { resource: 'nodes', kind: 'Node' });
    assert.deepEqual((await admit<Node>(request)).spec?.taints, wanted);
  });
}
