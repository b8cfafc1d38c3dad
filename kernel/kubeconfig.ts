/** What a client needs to reach a cluster. All but `server` is PEM. */
export interface KubeconfigOptions {
  readonly server: string;
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** A kubeconfig with one cluster, one user and one context. JSON: every YAML reader takes it. */
export function kubeconfig({ server, ca, certificate, key }: KubeconfigOptions): string {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'kernetes',
    clusters: [
      { name: 'kernetes', cluster: { server, 'certificate-authority-data': toBase64(ca) } },
    ],
    users: [
      {
        name: 'kubernetes-admin',
        user: {
          'client-certificate-data': toBase64(certificate),
          'client-key-data': toBase64(key),
        },
      },
    ],
    contexts: [{ name: 'kernetes', context: { cluster: 'kernetes', user: 'kubernetes-admin' } }],
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

function toBase64(pem: string): string {
  return Buffer.from(pem).toString('base64');
}
