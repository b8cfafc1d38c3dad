import { definePlugin } from 'kernetes/sdk';
import { scribble } from './scribble.ts';

export default definePlugin({
  name: 'unfenced',
  activate: ctx => scribble(ctx, 'unfenced'),
});
