import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AdmissionRequest, admissionPoint, Service } from 'kernetes/sdk';
import { testContext } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

test('activate() knows what stored services have before it admits', async () => {
  const config = { serviceCidr: '10.96.0.0/29', nodePortRange: '30000-32767', release: 0 };
  const { context, kernel, clock, dispose } = testContext({ config });
  const spec = { type: 'ClusterIP', clusterIP: '10.96.0.2', ports: [{ port: 80 }] };
  kernel.add(Service, { metadata: { namespace: 'default', name: 'a' }, spec });
  const contributions = context.contributions(admissionPoint);
  const activating = plugin.activate(context);
  assert.equal(contributions.list().length, 0);
  await clock.step(0);
  await activating;
  const [admission] = contributions.list();
  const admit = (request: object) => admission?.value.mutate?.(request as AdmissionRequest);
  const object = { metadata: { namespace: 'default', name: 'b' }, spec: structuredClone(spec) };
  const request = { operation: 'CREATE', object, name: 'b', namespace: 'default' };
  assert.throws(() => admit(request), /provided IP is already allocated/);
  await kernel.objects.delete(Service, { namespace: 'default', name: 'a' });
  await clock.step(0);
  assert.doesNotThrow(() => admit(request));
  await dispose();
});
