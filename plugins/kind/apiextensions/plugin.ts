import {
  admissionPoint,
  type CustomResourceDefinition,
  definePlugin,
  kindPoint,
  SchemaEngines,
} from 'kernetes/sdk';
import { customResourceDefinitions } from './custom-resource-definition.ts';
import { schemasOf } from './versions.ts';

export default definePlugin({
  name: 'kind.apiextensions',
  activate(ctx) {
    const engines = new SchemaEngines();
    const kind = customResourceDefinitions(engines);
    ctx.provide(kindPoint, kind, kind.resource);
    // Validation is synchronous; what it needs is there when its turn comes.
    ctx.provide(admissionPoint, {
      rules: [
        { operations: ['CREATE', 'UPDATE'], groups: [kind.group], resources: [kind.resource] },
      ],
      async mutate({ object }) {
        await engines.load(schemasOf(object as CustomResourceDefinition));
      },
    });
  },
});
