/** What every kind with pods in it shares: the defaults and the checks of pod templates. */
export * from './defaults.ts';
export * from './validation.ts';
export * from './volume-defaults.ts';
