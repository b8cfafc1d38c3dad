import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ConfigMap,
  type Container,
  type CustomMetricsSource,
  customMetricsPoint,
  Event,
  Pod,
  type Runtime,
  type RuntimeUsage,
  runtimePoint,
} from 'kernetes/sdk';
import { activate, pod, running } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const CONFIG = { pullMs: 0, startMs: 0, stopMs: 0, images: [] };
const MAIN: Container = {
  name: 'main',
  image: 'nginx',
  resources: { requests: { cpu: '200m', memory: '64Mi' }, limits: { cpu: '2' } },
};

/** The plugin on a test kernel, whose clock stands at a moment of measurement. */
async function open() {
  const { kernel, clock, context } = await activate(plugin, { config: CONFIG });
  const [found] = context.contributions(runtimePoint).list();
  assert.ok(found);
  const runtime = found.value;
  const sources = context.contributions(customMetricsPoint);
  const source = () => sources.list()[0]?.value;
  return { kernel, clock, runtime, source };
}

async function start(runtime: Runtime, name: string, containers: readonly Container[] = [MAIN]) {
  const sandbox = { uid: name, namespace: 'default', name, node: 'n1', hostNetwork: false };
  await runtime.runPod(sandbox);
  for (const container of containers) {
    await runtime.startContainer({ pod: sandbox, container, attempt: 0 });
  }
}

function asked(names: readonly string[], annotations: Record<string, string> = {}) {
  return names.map(uid => ({ uid, annotations }));
}

function webPod(name: string, ready = true) {
  return pod(name, {
    metadata: { uid: name, labels: { app: 'web' } },
    status: running({ ready }),
  });
}

function loadMap(data: Record<string, string>): ConfigMap {
  const labels = { 'sim.kubernetes.dev/load': 'true' };
  const metadata = { name: 'load', namespace: 'default', labels };
  return { metadata, data: { selector: 'app=web', ...data } };
}

/** In thousandths of a core, and in MiB. */
function usedBy({ pods }: RuntimeUsage) {
  return pods.map(containers =>
    containers.map(({ cpuNanoCores, memoryBytes }) => [cpuNanoCores / 1e6, memoryBytes / 2 ** 20]),
  );
}

describe('usage()', () => {
  it('measures every 15 s, what began in between for a shorter time, and not what is too new', async () => {
    const { clock, runtime } = await open();
    await start(runtime, 'a');
    await clock.step(4_000);
    await start(runtime, 'b');
    await clock.step(2_000);
    await start(runtime, 'c');
    const windows = async () => {
      const { pods, timestampMs } =
        (await runtime.usage?.(asked(['a', 'b', 'c']))) ?? assert.fail();
      assert.equal(timestampMs % 15_000, 0);
      return pods.map(([container]) => container?.windowMs);
    };
    assert.deepEqual(await windows(), [undefined, undefined, undefined]);
    await clock.step(9_000);
    assert.deepEqual(await windows(), [15_000, 11_000, undefined]);
    await clock.step(14_999);
    assert.deepEqual(await windows(), [15_000, 11_000, undefined]);
    await clock.step(1);
    assert.deepEqual(await windows(), [15_000, 15_000, 15_000]);
    assert.equal(clock.pending, 0);
  });

  const cases: {
    does: string;
    annotations?: Record<string, string>;
    containers?: readonly Container[];
    load?: Record<string, string>;
    pods?: readonly Pod[];
    uses: number[][];
  }[] = [
    { does: 'is a part of what is asked for', uses: [[20, 32]] },
    {
      does: 'is little where nothing is asked for',
      containers: [{ name: 'main', image: 'nginx' }],
      uses: [[1, 10]],
    },
    {
      does: 'is what annotations say, shared by the containers or of one',
      annotations: {
        'sim.kubernetes.dev/cpu': '500m',
        'sim.kubernetes.dev/memory': '64Mi',
        'memory.sim.kubernetes.dev/side': '5Mi',
      },
      containers: [MAIN, { ...MAIN, name: 'side' }],
      uses: [
        [250, 32],
        [250, 5],
      ],
    },
    {
      does: 'is a share of the load',
      load: { cpu: '1', memory: '1Gi' },
      pods: [webPod('a'), webPod('b')],
      uses: [[500, 512]],
    },
    {
      does: 'is no share of the load for who is not Ready',
      load: { cpu: '1' },
      pods: [webPod('a', false), webPod('b')],
      uses: [[20, 32]],
    },
    {
      does: 'is that of the container that the load names',
      load: { cpu: '1', container: 'side' },
      pods: [webPod('a')],
      containers: [MAIN, { ...MAIN, name: 'side' }],
      uses: [
        [20, 32],
        [1000, 32],
      ],
    },
    {
      does: 'is what an annotation says and the share together',
      annotations: { 'sim.kubernetes.dev/cpu': '100m' },
      load: { cpu: '1' },
      pods: [webPod('a')],
      uses: [[1100, 32]],
    },
    {
      does: 'is no more cpu than the limit',
      load: { cpu: '9' },
      pods: [webPod('a')],
      uses: [[2000, 32]],
    },
    {
      does: 'is the mean of a curve',
      load: { cpu: 'ramp(0, 1500m, 15s)', start: '2026-01-01T00:00:15Z' },
      pods: [webPod('a')],
      uses: [[750, 32]],
    },
  ];
  for (const { does, annotations = {}, containers, load, pods = [], uses } of cases) {
    it(does, async () => {
      const { kernel, clock, runtime } = await open();
      kernel.add(Pod, ...pods);
      if (load) kernel.add(ConfigMap, loadMap(load));
      await start(runtime, 'a', containers);
      await clock.step(30_000);
      const usage = (await runtime.usage?.(asked(['a'], annotations))) ?? assert.fail();
      assert.deepEqual(usedBy(usage), [uses]);
    });
  }

  it('follows pods that become Ready, and changes of the load', async () => {
    const { kernel, clock, runtime } = await open();
    kernel.add(Pod, webPod('a'));
    kernel.add(ConfigMap, loadMap({ cpu: '1' }));
    await start(runtime, 'a');
    await clock.step(15_000);
    const cpu = async () =>
      usedBy((await runtime.usage?.(asked(['a']))) ?? assert.fail())[0]?.[0]?.[0];
    assert.equal(await cpu(), 1000);
    kernel.add(Pod, webPod('b'), webPod('c'), webPod('d'));
    await clock.step(0);
    assert.equal(await cpu(), 250);
    kernel.modify(ConfigMap, 'default/load', map =>
      Object.assign(map, { data: { selector: 'app=web', cpu: '2' } }),
    );
    await clock.step(0);
    assert.equal(await cpu(), 500);
    await kernel.objects.delete(ConfigMap, { namespace: 'default', name: 'load' });
    await clock.step(0);
    assert.equal(await cpu(), 20);
  });

  it('is off by noise that is the same whenever it is asked', async () => {
    const { kernel, clock, runtime } = await open();
    const names = ['a', 'b', 'c', 'd'];
    kernel.add(Pod, ...names.map(name => webPod(name)));
    kernel.add(ConfigMap, loadMap({ cpu: '4', noise: '10%' }));
    for (const name of names) await start(runtime, name);
    await clock.step(15_000);
    const used = async () => usedBy((await runtime.usage?.(asked(names))) ?? assert.fail()).flat();
    const first = await used();
    assert.ok(
      first.every(([cpu = 0]) => cpu >= 900 && cpu <= 1100),
      JSON.stringify(first),
    );
    assert.equal(new Set(first.map(([cpu]) => cpu)).size, 4);
    assert.deepEqual(await used(), first);
    await clock.step(15_000);
    assert.notDeepEqual(await used(), first);
  });

  it('tells of a load and of annotations that cannot be read by an Event', async () => {
    const { kernel, clock, runtime } = await open();
    kernel.add(ConfigMap, loadMap({ cpu: 'lots' }));
    await start(runtime, 'a');
    await clock.step(15_000);
    for (const _ of ['once', 'again']) {
      await runtime.usage?.(asked(['a'], { 'sim.kubernetes.dev/cpu': 'much' }));
    }
    await clock.step(1_000);
    const events = kernel.all(Event).map(({ involvedObject, reason, message }) => {
      return [involvedObject.kind, reason, message];
    });
    assert.deepEqual(events, [
      ['Pod', 'InvalidUsage', 'Cannot read the usage in the annotations: "much" is no quantity'],
      ['ConfigMap', 'InvalidLoad', 'Cannot read the load: cpu: "lots" is no quantity'],
    ]);
  });
});

describe('customMetrics', () => {
  const QUERY = { namespace: 'default', names: ['a', 'b', 'web', 'main'], metricSelector: '' };
  const milli = (values: readonly { readonly name?: string; readonly milli: number }[]) =>
    values.map(({ name = '', milli }) => [name, milli]);

  it('come with a load that names some, change with it, and go', async () => {
    const { kernel, clock, source } = await open();
    assert.equal(source(), undefined);
    kernel.add(ConfigMap, loadMap({ 'pods.rps': '100', 'external.queue': '5' }));
    await clock.step(0);
    assert.deepEqual(source()?.metrics, [
      { type: 'custom', resource: 'pods', namespaced: true, name: 'rps' },
      { type: 'external', name: 'queue' },
    ]);
    const change = { 'object.rps': 'namespaces/default: 1' };
    kernel.modify(ConfigMap, 'default/load', map => Object.assign(map, { data: change }));
    await clock.step(0);
    assert.deepEqual(source()?.metrics, [
      { type: 'custom', resource: 'namespaces', namespaced: false, name: 'rps' },
    ]);
    await kernel.objects.delete(ConfigMap, { namespace: 'default', name: 'load' });
    await clock.step(0);
    assert.equal(source(), undefined);
  });

  const cases: {
    asks: string;
    of: (source: CustomMetricsSource) => Promise<unknown>;
    gives: unknown;
  }[] = [
    {
      asks: 'of pods, the share of each that is Ready',
      of: async source => milli(await source.custom({ ...QUERY, resource: 'pods', metric: 'rps' })),
      gives: [
        ['a', 50_000],
        ['b', 50_000],
      ],
    },
    {
      asks: 'of an object',
      of: async source =>
        milli(await source.custom({ ...QUERY, resource: 'services', metric: 'rps' })),
      gives: [['web', 7_500]],
    },
    {
      asks: 'of pods of another namespace',
      of: source => source.custom({ ...QUERY, namespace: 'x', resource: 'pods', metric: 'rps' }),
      gives: [],
    },
    {
      asks: 'by labels that its metrics do not have',
      of: source =>
        source.custom({ ...QUERY, metricSelector: 'a=b', resource: 'pods', metric: 'rps' }),
      gives: [],
    },
    {
      asks: 'of all series that the selector chooses',
      of: async source =>
        milli(await source.external({ ...QUERY, metric: 'queue', metricSelector: 'name=mail' })),
      gives: [['', 30_000]],
    },
  ];
  for (const { asks, of, gives } of cases) {
    it(`answer ${asks}`, async () => {
      const { kernel, clock, source } = await open();
      kernel.add(Pod, webPod('a'), webPod('b'), webPod('c', false));
      kernel.add(
        ConfigMap,
        loadMap({
          'pods.rps': '100',
          'object.rps': 'services/web: 7.5',
          'external.queue': 'name=mail: 30\nname=news: 4',
        }),
      );
      await clock.step(0);
      assert.deepEqual(await of(source() ?? assert.fail()), gives);
    });
  }
});
