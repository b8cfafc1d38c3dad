import { definePlugin, kindPoint } from 'kernetes/sdk';
import { certificateSigningRequests } from './certificate-signing-request.ts';

export default definePlugin({
  name: 'kind.certificates',
  activate(ctx) {
    ctx.provide(kindPoint, certificateSigningRequests, certificateSigningRequests.resource);
  },
});
