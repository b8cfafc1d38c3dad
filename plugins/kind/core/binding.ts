import { Binding } from 'kernetes/sdk';
import { coreKind } from './core-kind.ts';

/** The old form of `pods/<name>/binding`. */
export const bindings = coreKind<Binding>(Binding, {
  verbs: ['create'],
  standsFor: { resource: 'pods', subresource: 'binding' },
  strategy: {},
});
