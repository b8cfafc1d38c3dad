import { bodyPoint, definePlugin } from 'kernetes/sdk';
import { decodeBody, MEDIA_TYPE } from './body.ts';

export default definePlugin({
  name: 'api.protobuf',
  activate(ctx) {
    ctx.provide(bodyPoint, { mediaTypes: [MEDIA_TYPE], decode: decodeBody });
  },
});
