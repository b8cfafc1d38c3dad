import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Cluster } from 'kernetes';
import { Namespace, PersistentVolumeClaim, type Pod } from 'kernetes/sdk';
import { fakeClock, seededRandom } from 'kernetes/sdk/testing';
import { type Kubectl, withoutKubectl } from './kubectl.ts';
import { lines, PodStory } from './pod-story.ts';
import { startCluster } from './start-cluster.ts';
import { wholeMinute } from './whole-minute.ts';

const MANIFEST = join(import.meta.dirname, '../testdata/manifests/statefulset-nginx.yaml');

/** What the set's claims name; the machine's provisioner stands in for one of NFS. */
const CLASS = `
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: { name: managed-nfs-storage }
provisioner: kernetes.dev/local
reclaimPolicy: Delete
`;

/** The walk-through of a StatefulSet, each step on what the ones before it left. */
describe('the StatefulSet nginx-web', { timeout: 120_000, skip: withoutKubectl() }, () => {
  const clock = fakeClock(wholeMinute());
  let cluster: Cluster;
  let kubectl: Kubectl;
  let story: PodStory;
  /** The volume of each claim, as it was bound first. */
  let volumes: Readonly<Record<string, string>>;

  before(async () => {
    ({ cluster, kubectl } = await startCluster({ nodes: 3, clock, random: seededRandom() }));
    await cluster.objects.create(Namespace, { metadata: { name: 'apps' } });
    await cluster.apply(CLASS);
    await clock.step(1_000);
    story = new PodStory(cluster.objects, { namespace: 'apps' });
  });
  after(async () => {
    story?.stop();
    await cluster?.close();
  });

  const inApps = (command: string) => kubectl.run(`-n apps ${command}`);
  const patch = (spec: object) => inApps(`patch sts nginx-web -p ${JSON.stringify({ spec })}`);
  const setImage = (tag: string) =>
    inApps(`set image sts nginx-web nginx-web=linuxduduniao/nginx:${tag}`);
  const goOn = async () => {
    await clock.step(120_000);
    return lines(story.take(), ordinalOf);
  };
  const claims = async () => {
    const { items } = await cluster.objects.list(PersistentVolumeClaim, { namespace: 'apps' });
    const bound = items.filter(({ status }) => status?.phase === 'Bound');
    return Object.fromEntries(
      bound.map(({ metadata, spec }) => [metadata.name ?? '', spec?.volumeName ?? '']).sort(),
    );
  };
  /** The images' tags, by the pods' ordinals. */
  const tags = async () => {
    const path = 'jsonpath={.items[*].spec.containers[0].image}';
    const images = await inApps(`get pods --sort-by=.metadata.name -o ${path}`);
    return images.replaceAll('linuxduduniao/nginx:', '');
  };

  it('starts its pods in order, each with a claim of its own', async () => {
    await kubectl.run(`apply -f ${MANIFEST}`);
    assert.deepEqual(await goOn(), ['+0', '0 ready', '+1', '1 ready']);
    assert.match(await inApps('get sts -o wide --no-headers'), /^nginx-web +2\/2 /);
    volumes = await claims();
    assert.deepEqual(Object.keys(volumes), ['nginx-web-nginx-web-0', 'nginx-web-nginx-web-1']);
    const table = await inApps('get pvc --no-headers');
    assert.match(
      table,
      /^nginx-web-nginx-web-0 +Bound +pvc-[0-9a-f-]{36} +2Gi +RWO +managed-nfs-storage /,
    );
    const persistent = await kubectl.run('get pv --no-headers');
    assert.match(
      persistent,
      /^pvc-[0-9a-f-]{36} +2Gi +RWO +Delete +Bound +apps\/nginx-web-nginx-web-[01] +managed-nfs-storage /,
    );
  });

  it('has a headless Service that names its pods', async () => {
    const service = await inApps('describe svc my-svc');
    const [, endpoints] = /^Endpoints: +(\S+)$/m.exec(service) ?? [];
    const addresses = await inApps('get pods -o jsonpath={.items[*].status.podIP}');
    const wanted = addresses.split(' ').map(address => `${address}:80`);
    assert.deepEqual(endpoints?.split(',').sort(), wanted.sort());
    const host = '-o jsonpath={.spec.hostname}.{.spec.subdomain}';
    assert.equal(await inApps(`get pod nginx-web-1 ${host}`), 'nginx-web-1.my-svc');
  });

  it('grows from the lowest ordinal up, each pod when the one before is ready', async () => {
    await patch({ replicas: 5 });
    assert.deepEqual(await goOn(), ['+2', '2 ready', '+3', '3 ready', '+4', '4 ready']);
    const all = await claims();
    assert.equal(Object.keys(all).length, 5);
    for (const [name, volume] of Object.entries(volumes)) assert.equal(all[name], volume);
    volumes = all;
  });

  it('shrinks from the highest ordinal down, and its claims stay', async () => {
    await patch({ replicas: 2 });
    assert.deepEqual(await goOn(), ['-4', '4 gone', '-3', '3 gone', '-2', '2 gone']);
    assert.deepEqual(await claims(), volumes);
  });

  it('is updated from the highest ordinal down', async () => {
    await setImage('v1.0.1');
    assert.deepEqual(await goOn(), [...renewed(1), ...renewed(0)]);
    assert.equal(await tags(), 'v1.0.1 v1.0.1');
  });

  it('takes up the claims of pods that come back', async () => {
    await patch({ replicas: 5 });
    assert.deepEqual(await goOn(), ['+2', '2 ready', '+3', '3 ready', '+4', '4 ready']);
    assert.deepEqual(await claims(), volumes);
    const path = '-o jsonpath={.spec.volumes[0].persistentVolumeClaim.claimName}';
    assert.equal(await inApps(`get pod nginx-web-4 ${path}`), 'nginx-web-nginx-web-4');
  });

  it('is updated as far as its partition, and then wholly', async () => {
    await patch({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 3 } } });
    assert.deepEqual(await goOn(), []);
    await setImage('v1.0.2');
    assert.deepEqual(await goOn(), [...renewed(4), ...renewed(3)]);
    assert.equal(await tags(), 'v1.0.1 v1.0.1 v1.0.1 v1.0.2 v1.0.2');
    await patch({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } } });
    assert.deepEqual(await goOn(), [...renewed(2), ...renewed(1), ...renewed(0)]);
    assert.equal(await tags(), 'v1.0.2 v1.0.2 v1.0.2 v1.0.2 v1.0.2');
    assert.match(await inApps('rollout status sts nginx-web'), /complete 5 pods|roll out complete/);
  });

  it('has a history, and is undone in the same order', async () => {
    const history = (await inApps('rollout history sts nginx-web')).trim().split('\n');
    const revisions = history.slice(2).map(row => row.split(' ', 1)[0]);
    assert.deepEqual(revisions, ['1', '2', '3']);
    await inApps('rollout undo sts nginx-web');
    assert.deepEqual(await goOn(), [4, 3, 2, 1, 0].flatMap(renewed));
    assert.equal(await tags(), 'v1.0.1 v1.0.1 v1.0.1 v1.0.1 v1.0.1');
    const undone = await inApps('rollout history sts nginx-web');
    assert.match(undone, /\n1 .*\n3 .*\n4 .*\n/);
  });

  it('ends in order, and its claims and volumes outlive it', async () => {
    await patch({ replicas: 0 });
    assert.deepEqual(await goOn(), [4, 3, 2, 1, 0].flatMap(ended));
    assert.match(await inApps('delete sts nginx-web'), /"nginx-web" deleted/);
    await inApps('delete svc my-svc');
    await clock.step(60_000);
    assert.deepEqual(await claims(), volumes);
    const persistent = (await kubectl.run('get pv --no-headers')).trim().split('\n');
    assert.equal(persistent.length, 5);
    for (const row of persistent) assert.match(row, / 2Gi +RWO +Delete +Bound +apps\//);
  });

  it('takes up its claims when it is made anew', async () => {
    await kubectl.run(`apply -f ${MANIFEST}`);
    assert.deepEqual(await goOn(), ['+0', '0 ready', '+1', '1 ready']);
    assert.deepEqual(await claims(), volumes);
  });

  it('leaves its pods where it is deleted without them, and the next one adopts them', async () => {
    await inApps('delete sts nginx-web --cascade=orphan');
    assert.deepEqual(await goOn(), []);
    await kubectl.run(`apply -f ${MANIFEST}`);
    assert.deepEqual(await goOn(), []);
    assert.match(await inApps('get sts --no-headers'), /^nginx-web +2\/2 /);
    await patch({ replicas: 0 });
    assert.deepEqual(await goOn(), [...ended(1), ...ended(0)]);
  });

  it('has volumes that go with their claims', async () => {
    await inApps('delete pvc --all --wait=false');
    await clock.step(60_000);
    assert.equal(await kubectl.run('get pv --ignore-not-found'), '');
  });
});

function ordinalOf({ metadata }: Pod): string {
  return metadata.name?.replace('nginx-web-', '') ?? '';
}

/** A pod ends, and one of the same name comes. */
function renewed(ordinal: number): string[] {
  return [...ended(ordinal), `+${ordinal}`, `${ordinal} ready`];
}

function ended(ordinal: number): string[] {
  return [`-${ordinal}`, `${ordinal} gone`];
}
