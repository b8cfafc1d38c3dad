/** What admission by webhooks and by policies, both of which objects configure, have in common. */
export * from './authorizer.ts';
export * from './conditions.ts';
export * from './environment.ts';
export * from './kept.ts';
export * from './matching.ts';
export * from './request-data.ts';
export * from './rules.ts';
