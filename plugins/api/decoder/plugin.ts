import { decoderPoint, definePlugin } from 'kernetes/sdk';
import { decode } from './decoder.ts';

export default definePlugin({
  name: 'api.decoder',
  activate(ctx) {
    ctx.provide(decoderPoint, { decode });
  },
});
