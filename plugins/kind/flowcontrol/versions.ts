export const GROUP = 'flowcontrol.apiserver.k8s.io';

/** The betas of both kinds; each was deprecated when the next one came. */
export const V1BETA3 = { group: GROUP, name: 'v1beta3', since: 26, until: 31, deprecated: 29 };
export const V1BETA2 = { group: GROUP, name: 'v1beta2', since: 23, until: 28, deprecated: 26 };
export const V1BETA1 = { group: GROUP, name: 'v1beta1', since: 20, until: 25, deprecated: 23 };
