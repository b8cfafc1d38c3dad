import { admissionPoint, definePlugin, Node, Pod } from 'kernetes/sdk';
import { nodeRestriction } from './node-restriction.ts';

export default definePlugin({
  name: 'admission.node-restriction',
  activate(ctx) {
    // Asked for by nodes only, so there is no copy of all pods for it.
    ctx.provide(
      admissionPoint,
      nodeRestriction({
        pod: (namespace, name) => ctx.objects.get(Pod, { namespace, name }),
        node: name => ctx.objects.get(Node, { name }),
      }),
    );
  },
});
