import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClusterNetwork, NetworkFinding } from '../cluster-network.ts';
import { fixedContributions } from '../testing/fixed-contributions.ts';
import { networkOf, refuseSimulated } from './network.ts';

const ADDRESS = { host: '10.244.0.7', port: 8080 };

function network(finding: NetworkFinding): ClusterNetwork {
  return { find: () => finding, request: () => assert.fail('Nobody was to be asked') };
}

describe('networkOf()', () => {
  const cases: {
    readonly title: string;
    readonly findings: readonly NetworkFinding[];
    readonly scheme: 'http' | 'https';
    /** The number of a network; undefined: none; or why it refuses. */
    readonly wanted: number | undefined | RegExp;
  }[] = [
    { title: 'none where there is none', findings: [], scheme: 'http', wanted: undefined },
    { title: 'none where none knows it', findings: ['unknown'], scheme: 'http', wanted: undefined },
    { title: 'the one that knows it', findings: ['unknown', 'http'], scheme: 'http', wanted: 1 },
    { title: 'it by TLS', findings: ['https'], scheme: 'https', wanted: 0 },
    {
      title: 'another after one that refuses',
      findings: ['refused', 'http'],
      scheme: 'http',
      wanted: 1,
    },
    {
      title: 'a refusal that nobody else lifts',
      findings: ['refused', 'unknown'],
      scheme: 'http',
      wanted: /^BackendError: dial tcp 10.244.0.7:8080: connect: connection refused$/,
    },
    {
      title: 'no TLS',
      findings: ['http'],
      scheme: 'https',
      wanted: /^BackendError: http: server gave HTTP response to HTTPS client$/,
    },
    {
      title: 'nothing but TLS',
      findings: ['https'],
      scheme: 'http',
      wanted: /^BackendError: client sent an HTTP request to an HTTPS server$/,
    },
  ];
  for (const { title, findings, scheme, wanted } of cases) {
    it(`finds ${title}`, async () => {
      const networks = findings.map(network);
      const finding = networkOf({ ...ADDRESS, scheme }, fixedContributions(networks));
      if (wanted instanceof RegExp) return assert.rejects(finding, wanted);
      return assert.equal(await finding, wanted === undefined ? undefined : networks[wanted]);
    });
  }
});

describe('refuseSimulated()', () => {
  it('lets who asks connect where no network knows the address', () =>
    refuseSimulated(ADDRESS, fixedContributions([network('unknown')])));

  it('tells of what cannot show a certificate', () =>
    assert.rejects(
      refuseSimulated(ADDRESS, fixedContributions([network('https')])),
      /^BackendError: what listens on 10.244.0.7:8080 is simulated and shows no certificate$/,
    ));
});
