import { authenticatorPoint, definePlugin } from 'kernetes/sdk';

export default definePlugin({
  name: 'auth.x509',
  activate(ctx) {
    ctx.provide(authenticatorPoint, {
      authenticate({ certificate }) {
        if (!certificate?.commonName) return undefined;
        const groups = [...certificate.organizations, 'system:authenticated'];
        return { name: certificate.commonName, groups };
      },
    });
  },
});
