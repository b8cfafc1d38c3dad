/** Servers that the cluster asks: admission webhooks and those that convert custom resources. */
export * from './client.ts';
export * from './client-validation.ts';
export * from './service-address.ts';
