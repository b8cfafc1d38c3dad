import type { ServiceAccount } from './api/types-core-v1.ts';
import { definePoint } from './extension.ts';

/**
 * Makes out what a Secret of the type `kubernetes.io/service-account-token` holds. Such tokens do
 * not end, so only plugins in the kernel's thread, which are trusted, can ask for them.
 */
export interface TokenIssuer {
  /** For the account as it is stored; good as long as the Secret of that name holds it. */
  tokenFor(account: ServiceAccount, secretName: string): string;
}

export const tokenIssuerPoint = definePoint<TokenIssuer>({
  name: 'serviceAccountTokenIssuer',
  combine: 'unique',
  methods: [],
});
