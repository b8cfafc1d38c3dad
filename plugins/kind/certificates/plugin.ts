import { definePlugin, provideKinds, RELEASE_CONFIG, type ReleaseConfig } from 'kernetes/sdk';
import { certificateSigningRequests } from './certificate-signing-request.ts';

export default definePlugin<ReleaseConfig>({
  name: 'kind.certificates',
  config: RELEASE_CONFIG,
  activate(ctx) {
    provideKinds(ctx, [certificateSigningRequests]);
  },
});
