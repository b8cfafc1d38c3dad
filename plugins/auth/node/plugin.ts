import { authorizerPoint, definePlugin } from 'kernetes/sdk';
import { NodeAuthorizer } from './node-authorizer.ts';
import { NodeGraph } from './node-graph.ts';

export default definePlugin({
  name: 'auth.node',
  activate(ctx) {
    ctx.provide(authorizerPoint, new NodeAuthorizer(new NodeGraph(ctx)));
  },
});
