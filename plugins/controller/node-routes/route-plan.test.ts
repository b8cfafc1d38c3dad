import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type NodeAddress, type NodeRoute, parseCidr } from 'kernetes/sdk';
import { node } from 'kernetes/sdk/testing';
import { planRoutes } from './route-plan.ts';

const DESTINATION = '10.0.0.0/24';
const [ONE, OTHER]: [NodeAddress, NodeAddress] = [
  { type: 'InternalIP', address: '1.1.1.1' },
  { type: 'Hostname', address: 'a' },
];

/** What there is to the node, and whether it is right. */
const routes: [string, Partial<NodeRoute>, boolean][] = [
  ['by one of its addresses', { gatewayAddress: '1.1.1.1' }, true],
  ['by an address of nobody', { gatewayAddress: '9.9.9.9' }, false],
  ['of which no address is told', {}, true],
  ['to its addresses in another order', { targetNodeAddresses: [OTHER, ONE] }, true],
  ['to fewer addresses', { targetNodeAddresses: [ONE] }, false],
  ['that leads nowhere', { blackhole: true }, false],
];

describe('planRoutes()', () => {
  for (const [what, parts, isRight] of routes) {
    it(`${isRight ? 'keeps' : 'makes anew'} a route ${what}`, () => {
      const target = {
        ...node('a', { spec: { podCIDRs: [DESTINATION] } }),
        status: { addresses: [ONE, OTHER] },
      };
      const route = { name: 'r', targetNode: 'a', destinationCidr: DESTINATION, ...parts };
      const range = parseCidr('10.0.0.0/16') ?? assert.fail();
      const { deletes, creates } = planRoutes([target], { routes: [route], ranges: [range] });
      assert.deepEqual([deletes.length, creates.length], isRight ? [0, 0] : [1, 1]);
    });
  }
});
