/** What every kind with pods in it shares: the defaults and the checks of pod templates. */

export * from './claim-validation.ts';
export * from './defaults.ts';
export * from './node-selector-validation.ts';
export * from './pod-resources.ts';
export * from './resource-names.ts';
export * from './resource-validation.ts';
export * from './validation.ts';
export * from './volume-defaults.ts';
