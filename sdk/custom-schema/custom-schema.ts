/** What custom resources are checked, completed and read by: their own kind of schema. */
export * from './conform.ts';
export * from './defaults.ts';
export * from './engines.ts';
export * from './json-path.ts';
export * from './list-types.ts';
export * from './properties.ts';
export * from './rule.ts';
export * from './rules.ts';
export * from './structure.ts';
export * from './validator.ts';
