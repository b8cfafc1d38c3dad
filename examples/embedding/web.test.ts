import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCluster } from 'kernetes';
import { Deployment } from 'kernetes/sdk';

const WEB = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: default }
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: nginx }] }
`;

test('the Deployment of our product becomes available', async () => {
  await using cluster = await createCluster({ nodes: 3 });
  await cluster.apply(WEB);
  const web = await cluster.until(
    { kind: Deployment, name: 'web', namespace: 'default' },
    deployment => deployment.status?.availableReplicas === 3,
  );
  assert.equal(web.status?.readyReplicas, 3);
});
