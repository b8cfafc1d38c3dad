import { definePoint } from './extension.ts';

/** Where the API server is reached. The kernel contributes it for as long as it listens. */
export interface Listener {
  /** `https://127.0.0.1:6443`: what clients are told. */
  readonly server: string;
  /** PEM of the CA that signed the server's certificate. */
  readonly certificateAuthority: string;
}

export const listenerPoint = definePoint<Listener>({
  name: 'listener',
  combine: 'independent',
  methods: [],
});
