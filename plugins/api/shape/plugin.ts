import { definePlugin, shapePoint } from 'kernetes/sdk';
import { partialObjectMetadata } from './partial-object-metadata.ts';
import { table } from './table.ts';

export default definePlugin({
  name: 'api.shape',
  activate(ctx) {
    ctx.provide(shapePoint, table, table.name);
    ctx.provide(shapePoint, partialObjectMetadata, partialObjectMetadata.name);
  },
});
