import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Service } from 'kernetes/sdk';
import { admissionRequest, runAdmission, service } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const about = { resource: 'services', kind: 'Service' };
const WHY = 'services "s" is forbidden: Use of external IPs is denied by admission control.';

function at(...externalIPs: string[]): Service {
  return service('s', externalIPs.length > 0 ? { externalIPs } : {});
}

describe('admission.deny-service-external-ips', () => {
  const cases: [string, Service | undefined, Service, boolean][] = [
    ['a service without any', undefined, at(), true],
    ['a service with one', undefined, at('1.2.3.4'), false],
    ['an update that keeps them', at('1.2.3.4'), at('1.2.3.4'), true],
    ['an update that gives one up', at('1.2.3.4', '1.2.3.5'), at('1.2.3.5'), true],
    ['an update that changes one', at('1.2.3.4'), at('1.2.3.5'), false],
  ];
  for (const [what, oldObject, object, isTaken] of cases) {
    it(`${isTaken ? 'takes' : 'refuses'} ${what}`, async () => {
      const { admit, refusal } = await runAdmission(plugin);
      const request = admissionRequest(object, { ...about, oldObject });
      if (isTaken) await admit(request);
      else assert.equal(await refusal(request), WHY);
    });
  }
});
