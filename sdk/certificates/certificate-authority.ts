import { definePoint } from '../extension.ts';
import type { SubjectAttribute } from './certificate-request.ts';

/**
 * Signs certificates with the cluster's own key, which never leaves the kernel. Contributed by the
 * kernel for as long as it listens, and to be had in its own thread only: who can sign can be
 * anybody. It signs what it is told; whether somebody may have it is for the caller to know.
 */
export interface CertificateAuthority {
  /**
   * The certificate, PEM; it ends with the authority's own at the latest. Rejects when the
   * authority has expired, or the public key is none.
   */
  sign(template: CertificateTemplate): Promise<string>;
}

/** What a certificate says. It is never an authority's. */
export interface CertificateTemplate {
  readonly subject: readonly SubjectAttribute[];
  readonly names: readonly AlternativeName[];
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** Bits of X.509's KeyUsage, its first (digitalSignature) the lowest. 0: none is said. */
  readonly keyUsage: number;
  /** Object identifiers of X.509's ExtendedKeyUsage. Empty: none is said. */
  readonly extendedKeyUsage: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface AlternativeName {
  readonly type: 'dns' | 'ip' | 'email' | 'url';
  readonly value: string;
}

export const certificateAuthorityPoint = definePoint<CertificateAuthority>({
  name: 'certificateAuthority',
  combine: 'unique',
  methods: [],
});
