import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Service } from '../api/types-core-v1.ts';
import { EndpointSlice } from '../api/types-discovery-v1.ts';
import { testContext } from '../testing/test-context.ts';
import { serviceFinder } from './service-address.ts';

function setUp() {
  const { context, kernel, dispose } = testContext();
  const find = serviceFinder(context);
  const at = (name: string, port?: number) =>
    find({ namespace: 'x', name, ...(port !== undefined && { port }) });
  kernel.add(
    Service,
    {
      metadata: { namespace: 'x', name: 'hook' },
      spec: { ports: [{ name: 'https', port: 443, targetPort: 8443 }] },
    },
    { metadata: { namespace: 'x', name: 'idle' }, spec: { ports: [{ port: 443 }] } },
    {
      metadata: { namespace: 'x', name: 'away' },
      spec: { type: 'ExternalName', externalName: 'example.com' },
    },
  );
  const labels = { 'kubernetes.io/service-name': 'hook' };
  kernel.add(EndpointSlice, {
    metadata: { namespace: 'x', name: 'hook-1', labels },
    addressType: 'IPv4',
    ports: [
      { name: 'metrics', port: 9090 },
      { name: 'https', port: 8443 },
    ],
    endpoints: [
      { addresses: ['10.0.0.1'], conditions: { ready: false } },
      { addresses: ['10.0.0.2'], conditions: { ready: true } },
    ],
  });
  return { at, dispose };
}

describe('serviceFinder()', () => {
  it('finds an endpoint that is ready, and its own port', async () => {
    const { at, dispose } = setUp();
    assert.deepEqual(await at('hook'), { host: '10.0.0.2', port: 8443 });
    await dispose();
  });

  it('finds what a name outside of the cluster stands for', async () => {
    const { at, dispose } = setUp();
    assert.deepEqual(await at('away', 8443), { host: 'example.com', port: 8443 });
    await dispose();
  });

  it('tells what there is not', async () => {
    const { at, dispose } = setUp();
    await assert.rejects(at('none'), /^Error: service "none" not found$/);
    await assert.rejects(at('hook', 80), /^Error: no service port 80 found for service "hook"$/);
    await assert.rejects(at('idle'), /^Error: no endpoints available for service "idle"$/);
    await dispose();
  });
});
