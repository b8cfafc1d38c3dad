import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Affinity } from 'kernetes/sdk';
import { admissionRequest, pod, runAdmission } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const term = (topologyKey: string) => ({ topologyKey });
const podWith = (affinity: Affinity) => pod('p', { spec: { containers: [], affinity } });

describe('admission.limit-pod-hard-anti-affinity-topology', () => {
  const taken: [string, Affinity][] = [
    ['no affinity', {}],
    [
      'a required anti-affinity of nodes',
      {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [term('kubernetes.io/hostname')],
        },
      },
    ],
    [
      'an affinity, and a preferred anti-affinity, of zones',
      {
        podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term('zone')] },
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 1, podAffinityTerm: term('zone') },
          ],
        },
      },
    ],
  ];
  for (const [what, affinity] of taken) {
    it(`takes ${what}`, async () => {
      const { admit } = await runAdmission(plugin);
      await admit(admissionRequest(podWith(affinity)));
    });
  }

  it('refuses a required anti-affinity of zones', async () => {
    const { refusal } = await runAdmission(plugin);
    const required = [term('kubernetes.io/hostname'), term('zone')];
    const podAntiAffinity = { requiredDuringSchedulingIgnoredDuringExecution: required };
    assert.equal(
      await refusal(admissionRequest(podWith({ podAntiAffinity }))),
      'pods "p" is forbidden: affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey ' +
        'zone but only key kubernetes.io/hostname is allowed',
    );
  });
});
