import { authenticatorPoint, definePlugin } from 'kernetes/sdk';

export default definePlugin({
  name: 'auth.x509',
  activate(ctx) {
    ctx.provide(authenticatorPoint, {
      authenticate({ certificate }) {
        if (!certificate?.commonName) return undefined;
        const { commonName, organizations, fingerprint } = certificate;
        const groups = organizations.includes(AUTHENTICATED)
          ? organizations
          : [...organizations, AUTHENTICATED];
        const extra = { [CREDENTIAL_ID]: [`X509SHA256=${fingerprint}`] };
        return { name: commonName, groups, ...(fingerprint !== undefined && { extra }) };
      },
    });
  },
});

const AUTHENTICATED = 'system:authenticated';
const CREDENTIAL_ID = 'authentication.kubernetes.io/credential-id';
