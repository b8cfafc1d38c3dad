/** What the two plugins that call admission webhooks have in common. */
export * from './call.ts';
export * from './configurations.ts';
export * from './hook.ts';
