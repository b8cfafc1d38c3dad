export * from './cluster-counts.ts';
export * from './count-changes.ts';
export * from './counts.ts';
export * from './shape-memo.ts';
export { labelKey, Topology, type TopologyKey } from './topology.ts';
