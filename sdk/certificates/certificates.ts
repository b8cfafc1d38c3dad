/** What the plugins that deal with requests for certificates share. */

export * from './certificate-authority.ts';
export * from './certificate-request.ts';
export * from './node-request.ts';
export * from './pem.ts';
export * from './signers.ts';
