import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, Pod, Toleration } from 'kernetes/sdk';
import { admissionRequest, pod, runAdmission } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

function asks(...names: string[]): Container {
  const requests = Object.fromEntries(names.map(name => [name, '1']));
  return { name: 'main', resources: { requests } };
}

const tolerates = (key: string): Toleration => ({ key, operator: 'Exists', effect: 'NoSchedule' });
const GPU = 'example.com/gpu';

const cases: [string, Pod['spec'], Toleration[] | undefined][] = [
  ['nothing for cpu and memory', { containers: [asks('cpu', 'memory')] }, undefined],
  ['nothing for huge pages', { containers: [asks('hugepages-2Mi')] }, undefined],
  ['a toleration of the resource', { containers: [asks('cpu', GPU)] }, [tolerates(GPU)]],
  [
    'one for each resource, init containers included',
    { containers: [asks(GPU)], initContainers: [asks(GPU, 'example.com/fpga')] },
    [tolerates('example.com/fpga'), tolerates(GPU)],
  ],
  [
    'none that is there',
    { containers: [asks(GPU)], tolerations: [tolerates(GPU)] },
    [tolerates(GPU)],
  ],
  [
    'one beside another of its key',
    { containers: [asks(GPU)], tolerations: [{ key: GPU, value: 'a', effect: 'NoSchedule' }] },
    [{ key: GPU, value: 'a', effect: 'NoSchedule' }, tolerates(GPU)],
  ],
];

for (const [what, spec, wanted] of cases) {
  test(`admission.extended-resource-toleration adds ${what}`, async () => {
    const { admit } = await runAdmission(plugin);
    const found = await admit<Pod>(admissionRequest(pod('x', { ...(spec && { spec }) })));
    assert.deepEqual(found.spec?.tolerations, wanted);
  });
}
