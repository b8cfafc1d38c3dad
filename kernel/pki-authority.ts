import type {
  CertificateAuthority,
  CertificateTemplate,
} from '../sdk/certificates/certificates.ts';
import type { KeyPair } from './pki.ts';
import type { Sign } from './pki-issuer.ts';

/**
 * What the cluster's certificate authority does for plugins. A class with private state, so that
 * it is nothing that could be shown to another thread.
 */
export class KernelAuthority implements CertificateAuthority {
  readonly #ca: KeyPair;
  #sign: Promise<Sign> | undefined;

  constructor(ca: KeyPair) {
    this.#ca = ca;
  }

  async sign(template: CertificateTemplate): Promise<string> {
    // Loaded when somebody asks for a certificate: it is the largest library of the kernel.
    this.#sign ??= import('./pki-issuer.ts').then(({ openSigner }) => openSigner(this.#ca));
    const sign = await this.#sign;
    return sign(template);
  }
}
