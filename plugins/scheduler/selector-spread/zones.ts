import type { NodeInfo, TopologyKey } from 'kernetes/sdk';

const REGIONS = ['failure-domain.beta.kubernetes.io/region', 'topology.kubernetes.io/region'];
const ZONES = ['failure-domain.beta.kubernetes.io/zone', 'topology.kubernetes.io/zone'];

/** A zone of a region is another than one of the same name elsewhere. Either may be absent. */
export const ZONE: TopologyKey = {
  name: 'region and zone',
  valueOf(node) {
    const [region, zone] = [firstOf(node, REGIONS), firstOf(node, ZONES)];
    return region === '' && zone === '' ? undefined : `${region}/${zone}`;
  },
};

function firstOf({ labels }: NodeInfo, names: readonly string[]): string {
  for (const name of names) {
    const value = labels[name];
    if (value !== undefined) return value;
  }
  return '';
}
