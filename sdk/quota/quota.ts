/** What ResourceQuotas count: shared by who refuses what is too much, and who counts what is there. */
export * from './evaluator.ts';
export * from './scopes.ts';
export * from './usage.ts';
