import { definePlugin } from 'kernetes/sdk';
import { scribble } from './scribble.ts';

export default definePlugin({
  name: 'fenced',
  leader: true,
  activate: ctx => scribble(ctx, 'fenced'),
});
