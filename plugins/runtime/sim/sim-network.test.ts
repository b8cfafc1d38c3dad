import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Container, NetworkAddress } from 'kernetes/sdk';
import { type FakeClock, fakeClock, seededRandom, testContext } from 'kernetes/sdk/testing';
import type { ImageRule } from './behaviour.ts';
import { SimNetwork } from './sim-network.ts';
import { SimRuntime } from './sim-runtime.ts';
import { UsageMeter } from './usage-meter.ts';

const IP = '10.244.0.7';
const POD = { uid: 'u', namespace: 'default', name: 'web', node: 'node-1', hostNetwork: false };

interface Setup {
  readonly clock: FakeClock;
  readonly network: SimNetwork;
  readonly runtime: SimRuntime;
  readonly id: string;
}

async function running(
  container: Partial<Container>,
  images: readonly ImageRule[] = [],
  hostNetwork = false,
): Promise<Setup> {
  const clock = fakeClock();
  const network = new SimNetwork(clock);
  const { events, log } = testContext({ clock }).context;
  const meter = new UsageMeter({ clock, events, loads: () => [], seed: 1 });
  const config = { pullMs: 0, startMs: 0, stopMs: 0, images };
  const runtime = new SimRuntime({ config, clock, random: seededRandom(), log, network, meter });
  const pod = { ...POD, hostNetwork };
  await runtime.runPod(pod);
  const spec = { name: 'main', image: 'app', ...container };
  const result = await runtime.startContainer({ pod, container: spec, attempt: 0, ip: IP });
  assert.ok(result.ok);
  return { clock, network, runtime, id: result.id };
}

function get(network: SimNetwork, address: NetworkAddress, accept = '*/*') {
  const request = { ...address, method: 'GET', path: '/', headers: { accept } };
  const { status, headers, body } = network.request({ ...request, body: Buffer.alloc(0) });
  return { status, type: headers['content-type'], text: Buffer.from(body).toString() };
}

describe('SimNetwork', () => {
  it('a container listens on the TCP ports of its spec, and nobody on others', async () => {
    const ports = [{ containerPort: 8080 }, { containerPort: 53, protocol: 'UDP' }];
    const { network } = await running({ ports });
    assert.equal(network.find({ ip: IP, port: 8080 }), 'http');
    assert.equal(network.find({ ip: IP, port: 53 }), 'refused');
    assert.equal(network.find({ ip: '10.244.0.8', port: 8080 }), 'unknown');
    const { status, type, text } = get(network, { ip: IP, port: 8080 });
    assert.deepEqual([status, type], [200, 'text/plain; charset=utf-8']);
    assert.match(text, /Simulated answer of container main \(image app\), pod default\/web/);
    assert.match(get(network, { ip: IP, port: 8080 }, 'text/html').text, /^<!DOCTYPE html>/);
    assert.throws(() => get(network, { ip: IP, port: 1 }), /nothing listens there/);
  });

  it('a web server listens on its own port, and a rule says what it answers', async () => {
    const response = { status: 201, contentType: 'text/html', body: '<h1>Welcome</h1>' };
    const { network } = await running({ image: 'nginx:1.25' }, [{ image: '^nginx', response }]);
    const wanted = { status: 201, type: 'text/html', text: '<h1>Welcome</h1>' };
    assert.deepEqual(get(network, { ip: IP, port: 80 }), wanted);
  });

  it('a container that is not ready yet, or has ended, refuses connections', async () => {
    const images = [{ image: 'app', ports: [80], probe: { ok: true, afterMs: 1000 } }];
    const { clock, network, runtime, id } = await running({}, images);
    const address = { ip: IP, port: 80 };
    assert.equal(network.find(address), 'refused');
    await clock.step(1000);
    assert.equal(network.find(address), 'http');
    runtime.stopContainer(id, 30_000);
    await clock.step(1000);
    assert.equal(network.find(address), 'refused');
    await runtime.removePod(POD.uid);
    assert.equal(network.find(address), 'unknown');
  });

  it("ports of a node's own address that no pod has are somebody else's", async () => {
    const { network } = await running({ ports: [{ containerPort: 8080 }] }, [], true);
    assert.equal(network.find({ ip: IP, port: 8080 }), 'http');
    assert.equal(network.find({ ip: IP, port: 10_250 }), 'unknown');
  });
});
