import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, test } from 'node:test';
import { createCluster } from 'kernetes';
import { Deployment, Node, PersistentVolume, PersistentVolumeClaim, Pod } from 'kernetes/sdk';
import { fakeClock } from 'kernetes/sdk/testing';
import { Server } from '../bench/server.ts';
import { Kubectl, withoutKubectl } from './kubectl.ts';
import { wholeMinute } from './whole-minute.ts';

/** Every folder of examples/, run as its README says. (embedding/ is a test itself, devices/ has devices.test.ts.) */
const EXAMPLES = join(import.meta.dirname, '../../examples');
const BY_RACK = join(EXAMPLES, 'scheduler-score/by-rack.ts');
const IDLE = join(EXAMPLES, 'controller/idle.ts');

test('scheduler-score: pods land on the node of their rack', async () => {
  const plugins = [{ path: BY_RACK, placement: 'worker' as const }];
  await using cluster = await createCluster({ nodes: 3, plugins });
  const [, node] = (await cluster.objects.list(Node)).items;
  const name = node?.metadata.name ?? '';
  await cluster.objects.patch(Node, { name }, { metadata: { labels: { rack: 'r1' } } });
  const names = Array.from({ length: 10 }, (_, index) => `near-${index}`);
  await cluster.apply(names.map(each => podOf(each)));
  const pods = await Promise.all(
    names.map(each =>
      cluster.until({ kind: Pod, name: each }, ({ spec }) => spec?.nodeName !== undefined),
    ),
  );
  assert.deepEqual(
    pods.map(({ spec }) => spec?.nodeName),
    names.map(() => name),
  );
});

test('controller: a Deployment that was not used is scaled to zero, one that was is not', async () => {
  const objects = [
    { groups: ['apps'], resources: ['deployments'], verbs: ['get', 'list', 'watch', 'patch'] },
    { groups: [''], resources: ['events'], verbs: ['create', 'patch'] },
  ];
  const plugins = [{ path: IDLE, placement: 'worker' as const, grants: { objects } }];
  await using cluster = await createCluster({ nodes: 1, plugins });
  const now = new Date().toISOString();
  await cluster.apply([
    deploymentOf('used', now),
    deploymentOf('unused', '2026-01-01T00:00:00Z'),
    deploymentOf('unknown'),
  ]);
  const scaled = ({ metadata, spec, status }: Deployment) =>
    spec?.replicas === 0 && status?.observedGeneration === metadata.generation && !status?.replicas;
  await cluster.until({ kind: Deployment, name: 'unused' }, scaled);
  for (const name of ['used', 'unknown']) {
    const available = ({ status }: Deployment) => status?.availableReplicas === 1;
    const { spec } = await cluster.until({ kind: Deployment, name }, available);
    assert.equal(spec?.replicas, 1);
  }
});

test('storage: volumes are made, one of them where the pod runs', async () => {
  await using cluster = await createCluster({ nodes: 2 });
  await cluster.apply(readFileSync(join(EXAMPLES, 'storage/storage.yaml'), 'utf8'));
  const isRunning = ({ status }: Pod) => status?.phase === 'Running';
  const { spec } = await cluster.until({ kind: Pod, name: 'writer' }, isRunning);
  const volumeOf = async (name: string) => {
    const key = { namespace: 'default', name };
    const claim = await cluster.objects.get(PersistentVolumeClaim, key);
    return cluster.objects.get(PersistentVolume, { name: claim.spec?.volumeName ?? '' });
  };
  const [data, scratch] = [await volumeOf('data'), await volumeOf('writer-scratch')];
  const [term] = data.spec?.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  assert.deepEqual(term?.matchExpressions?.[0]?.values, [spec?.nodeName]);
  assert.equal(scratch.spec?.nodeAffinity, undefined);
  assert.equal(scratch.status?.phase, 'Bound');
});

describe('the commands of the READMEs', { skip: withoutKubectl() }, () => {
  let server: Server;
  let kubectl: Kubectl;

  before(async () => {
    const args = [...upArguments('scheduler-score'), ...upArguments('controller')];
    server = await Server.start({ fromSource: true, args });
    kubectl = new Kubectl(server.kubeconfig);
  });
  after(() => server?.stop());

  it('scheduler-score', async () => {
    await runReadme(kubectl, 'scheduler-score');
    const node = await kubectl.run('get pod near -o jsonpath={.spec.nodeName}');
    assert.equal(node, 'node-2');
  });

  it('controller', async () => {
    await runReadme(kubectl, 'controller');
    await kubectl.run('wait --for=jsonpath={.spec.replicas}=0 deployment/web');
    const events = await kubectl.run('get events --field-selector=reason=ScaledToZero');
    assert.match(
      events,
      /Normal +ScaledToZero +deployment\/web +Unused since 2026-01-01T00:00:00Z/,
    );
  });

  it('deployment', async () => {
    const lines = (await kubectl.program(join(EXAMPLES, 'deployment/walk.sh'))).split('\n');
    const told = lines.filter(line => !line.startsWith('Waiting for deployment'));
    assert.deepEqual(told.slice(0, -2), WALK);
    assert.match(
      told.at(-2) ?? '',
      /^nginx-deployment +3\/3 +3 +3 +\d+s +nginx +nginx:1.17 +app=nginx$/,
    );
  });
});

describe('autoscaling', { skip: withoutKubectl() }, () => {
  it('settles at ten replicas, and at 25 when there are more requests', async () => {
    const clock = fakeClock(wholeMinute());
    await using cluster = await createCluster({ nodes: 3, clock });
    const kubectl = new Kubectl(await cluster.kubeconfig());
    const [commands = [], more = []] = blocksOf('autoscaling');
    const [, file = ''] = /--apply (\S+)/.exec(commands[0] ?? '') ?? [];
    await cluster.apply(readFileSync(join(EXAMPLES, '..', file), 'utf8'));
    const run = async (command = '') =>
      kubectl.run(command.replace(/^kubectl /, '').replaceAll("'", ''));
    await clock.step(6 * 60_000);
    assert.match(await run(commands[1]), /cpu: 50%\/50%, 40\/100 \+ 1 more\.* +2 +30 +10 /);
    assert.equal((await run(commands[2])).match(/^web-\S+ +100m/gm)?.length, 10);
    await run(more[0]);
    await clock.step(60_000);
    assert.equal((await run(more[1])).match(/"value":"100"/g)?.length, 25);
    assert.match(await run(more[2]), /SuccessfulRescale .*New size: 25; reason: pods metric rps/);
  });
});

test('controller: without the grant the log says what is missing', async () => {
  const args = ['--nodes', '0', '--plugin', IDLE];
  await using server = await Server.start({ fromSource: true, args });
  const record = await server.logged('Informer is not allowed');
  const { plugin, why, grant } = JSON.parse(record) as Record<string, string>;
  assert.equal(plugin, 'idle');
  assert.match(
    why ?? '',
    /User "system:plugin:idle" cannot list resource "deployments" in API group/,
  );
  assert.equal(grant, 'objects=list,watch@apps/deployments');
});

/** What walk.sh prints but for what kubectl tells while it waits. */
const WALK = [
  'deployment.apps/nginx-deployment created',
  'deployment "nginx-deployment" successfully rolled out',
  'deployment.apps/nginx-deployment image updated',
  'deployment "nginx-deployment" successfully rolled out',
  'deployment.apps/nginx-deployment ',
  'REVISION  CHANGE-CAUSE',
  '1         <none>',
  '2         <none>',
  '',
  'deployment.apps/nginx-deployment rolled back',
  'deployment "nginx-deployment" successfully rolled out',
  'nginx:1.14.2',
  'deployment.apps/nginx-deployment paused',
  'deployment.apps/nginx-deployment image updated',
  'deployment.apps/nginx-deployment resumed',
  'deployment "nginx-deployment" successfully rolled out',
  'NAME               READY   UP-TO-DATE   AVAILABLE   AGE   CONTAINERS   IMAGES       SELECTOR',
];

/** The lines of a README's first sh block. */
function commandsOf(example: string): readonly string[] {
  return blocksOf(example)[0] ?? [];
}

/** The lines of its sh blocks, those that a backslash continues joined. */
function blocksOf(example: string): readonly (readonly string[])[] {
  const text = readFileSync(join(EXAMPLES, example, 'README.md'), 'utf8');
  return [...text.matchAll(/```sh\n([^`]*)```/g)].map(([, block = '']) =>
    block
      .replaceAll(/\\\n */g, '')
      .trim()
      .split('\n'),
  );
}

/** What follows `npm start --`. */
function upArguments(example: string): string[] {
  const [start = ''] = commandsOf(example);
  assert.match(start, /^npm start -- /);
  return start.slice('npm start -- '.length).split(' ');
}

async function runReadme(kubectl: Kubectl, example: string): Promise<void> {
  for (const command of commandsOf(example).slice(1)) {
    assert.match(command, /^kubectl /);
    await kubectl.run(command.slice('kubectl '.length));
  }
}

function podOf(name: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { rack: 'r1' } },
    spec: { containers: [{ name: 'main', image: 'nginx' }] },
  };
}

function deploymentOf(name: string, usedAt?: string): object {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, ...(usedAt && { annotations: { 'example.dev/used-at': usedAt } }) },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'main', image: 'nginx' }] },
      },
    },
  };
}
