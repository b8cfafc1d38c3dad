import { definePoint } from './extension.ts';

/**
 * What this server proves itself with towards servers that it passes requests on to: they believe
 * what its headers say of the user. Contributed by the kernel for as long as it listens; the key can
 * be had in its own thread only.
 */
export interface FrontProxy {
  /** PEM of the CA that signed the certificate; it signs nothing else. */
  readonly certificateAuthority: string;
  /** PEM. */
  credentials(): { readonly certificate: string; readonly key: string };
}

/** The certificate's common name. */
export const FRONT_PROXY_NAME = 'front-proxy-client';

export const frontProxyPoint = definePoint<FrontProxy>({
  name: 'frontProxy',
  combine: 'unique',
  methods: [],
});
