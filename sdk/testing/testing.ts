/** `kernetes/sdk/testing`: what plugins are tested with. */
export { SharedElections } from '../shared-elections.ts';
export * from './admission-request.ts';
export * from './builders.ts';
export * from './certificates.ts';
export * from './fake-clock.ts';
export * from './fake-runtime.ts';
export * from './fixed-contributions.ts';
export * from './kind-conformance.ts';
export * from './kind-steps.ts';
export * from './plugin-cluster.ts';
export * from './running-admission.ts';
export * from './runtime-conformance.ts';
export * from './scheduler-conformance.ts';
export * from './seeded-random.ts';
export * from './test-context.ts';
export * from './test-door.ts';
export * from './test-kernel.ts';
export * from './webhook-server.ts';
