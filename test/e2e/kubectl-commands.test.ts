import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Cluster, createCluster } from 'kernetes';
import { Namespace, Pod, ServiceAccount } from 'kernetes/sdk';

const FILES = join(import.meta.dirname, 'testdata/kubectl');
const MANIFESTS = join(import.meta.dirname, '../testdata/manifests');

/** The arguments, without quotes; what both streams say; the exit code, 0 where none is said. */
type Step = readonly [command: string, says: RegExp, code?: number];

/** `$FILES` is the folder of this test's files. Each has a namespace of its own. */
const CASES: Readonly<Record<string, readonly Step[]>> = {
  'apply -k builds what a kustomization says': [
    ['diff -k $FILES/kustomize', /\+ +image: nginx:1.25/, 1],
    [
      'apply -k $FILES/kustomize',
      /configmap\/pre-generated-\w+ created\ndeployment.apps\/pre-web created/,
    ],
    ['diff -k $FILES/kustomize', /^$/],
    ['rollout status deploy/pre-web --timeout=30s', /successfully rolled out/],
    ['delete -k $FILES/kustomize', /deployment.apps "pre-web" deleted/],
  ],
  'apply --prune deletes what is no longer said': [
    ['apply -f $FILES/two.yaml', /one created\n.*two created/],
    ['apply -f $FILES/one.yaml --prune -l app=pruned', /one unchanged\n.*two pruned/s],
    ['get cm -l app=pruned -o name', /^configmap\/one\n$/],
    ['diff -f $FILES/changed.yaml', /- {2}a: b\n\+ {2}a: c/, 1],
    ['replace --force -f $FILES/changed.yaml', /"one" deleted\n.*one replaced/],
    ['get cm one -o jsonpath={.data.a}', /^c$/],
  ],
  'apply --applyset prunes by a set that the server keeps': [
    ['apply -f $FILES/two.yaml --prune --applyset=set', /one created\n.*two created/],
    ['apply -f $FILES/one.yaml --prune --applyset=set', /one unchanged\n.*two pruned/],
    ['get cm,secret -l applyset.kubernetes.io/part-of -o name', /^configmap\/one\n$/],
    ['get secret set --show-labels', /applyset.kubernetes.io\/id=applyset-/],
  ],
  'get prints in every form': [
    ['create -f $FILES/one.yaml', /created/],
    ['get cm one -o go-template={{.metadata.name}}:{{.data.a}}', /^one:b$/],
    ['get cm one -o jsonpath-file=$FILES/name-and-data.jsonpath', /^one:b$/],
    ['get cm one -o custom-columns-file=$FILES/columns.txt', /^NAME +A *\none +b *\n$/],
    ['get cm one -o custom-columns=KEYS:.data', /^KEYS *\nmap\[a:b\]\n$/],
    ['get cm one -o yaml --show-managed-fields', /manager: kubectl-create/],
    ['get cm one --raw=/x', /may not be specified together|arguments may not/, 1],
    ['get --raw /api/v1/nodes/none', /Error from server \(NotFound\): nodes "none" not found/, 1],
    ['get cm,sa --chunk-size=1', /configmap\/one.*serviceaccount\/default/s],
    ['label cm one b=c', /labeled/],
    // kubectl lists a map of Go's, in whatever order it comes.
    ['label cm one --list', /^(app=pruned\nb=c|b=c\napp=pruned)\n$/],
    ['annotate cm one note=x', /annotated/],
    ['annotate cm one note=y', /--overwrite is false but found the following/, 1],
    ['annotate cm one note=y --overwrite', /annotated/],
  ],
  'subresources are patched and read': [
    ['create deployment web --image=nginx --replicas=1', /created/],
    [
      'patch deploy web --subresource=scale --type=merge -p {"spec":{"replicas":2}}',
      /^scale.autoscaling\/web patched/,
    ],
    ['rollout status deploy/web --timeout=30s', /successfully rolled out/],
    ['get deploy web --subresource=scale', /^NAME +DESIRED +AVAILABLE +AGE *\nweb +2 +2 +\d+s\n$/],
    ['get deploy web --subresource=status -o jsonpath={.status.replicas}', /^2$/],
    ['run alone --image=nginx', /created/],
    ['wait --for=jsonpath={.status.phase}=Running pod/alone --timeout=30s', /condition met/],
    ['patch pod alone --subresource=status --type=merge -p {"status":{"message":"hi"}}', /patched/],
    ['scale deploy web --replicas=3 --current-replicas=9', /Expected replicas to be 9, was 2/, 1],
  ],
  'set and rollout change a deployment step by step': [
    ['create deployment web --image=nginx --replicas=1', /created/],
    ['set image deploy/web nginx=nginx:2', /image updated/],
    ['set resources deploy/web --limits=cpu=200m', /resource requirements updated/],
    ['set env deploy/web A=b', /env updated/],
    ['set env deploy/web --list', /A=b/],
    ['set serviceaccount deploy/web default', /serviceaccount updated/],
    ['expose deploy web --port=80', /exposed/],
    ['set selector svc/web app=other', /selector updated/],
    ['rollout status deploy/web --timeout=30s', /successfully rolled out/],
    ['rollout restart deploy/web', /restarted/],
    ['rollout undo deploy/web --to-revision=1', /rolled back/],
    ['rollout pause deploy/web', /paused/],
    ['rollout resume deploy/web', /resumed/],
    ['rollout status deploy/web --timeout=30s', /successfully rolled out/],
    ['get deploy web -o jsonpath={..image}', /^nginx$/],
    ['create rolebinding who --clusterrole=view --user=a', /created/],
    ['set subject rolebinding who --user=b', /subjects updated/],
  ],
  'pods are debugged, waited for and told of': [
    ['run alone --image=nginx', /created/],
    ['wait --for=condition=Ready pod/alone --timeout=30s', /condition met/],
    ['debug alone --image=busybox --container=probe --profile=general -- sleep 1', /^$/],
    ['get pod alone -o jsonpath={.spec.ephemeralContainers[*].name}', /^probe$/],
    [
      'debug alone --image=busybox --copy-to=copy --profile=general -- sleep 1',
      /Defaulting debug container name/,
    ],
    ['wait --for=create pod/copy --timeout=30s', /condition met/],
    ['events --for pod/alone', /Scheduled +Pod\/alone +Successfully assigned/],
    ['get events --sort-by=.lastTimestamp --field-selector=reason=Started', /pod\/alone/],
    ['delete pod alone --now', /deleted/],
    ['wait --for=delete pod/alone --timeout=30s', /^$|condition met/],
  ],
  'nodes are tainted, cordoned and drained': [
    ['taint node node-3 dedicated=x:NoSchedule', /tainted/],
    ['taint node node-3 dedicated=y:NoSchedule', /already has dedicated taint/, 1],
    ['taint node node-3 dedicated-', /untainted/],
    ['cordon node-3', /cordoned/],
    ['get node node-3', /Ready,SchedulingDisabled/],
    ['drain node-3 --ignore-daemonsets --pod-selector=app=none', /drained/],
    ['uncordon node-3', /uncordoned/],
  ],
  'what one may do and what there is': [
    ['auth whoami -o jsonpath={.status.userInfo.username}', /^kubernetes-admin$/],
    ['auth can-i --list', /^Resources +Non-Resource URLs +Resource Names +Verbs *\n\*\.\* /],
    [
      'auth can-i --list --as=nobody',
      /selfsubjectreviews.authentication.k8s.io +\[\] +\[\] +\[create\]/,
    ],
    ['create token default --duration=10m', /^ey[\w-]+\.[\w-]+\.[\w-]+\n?$/],
    ['create token none', /serviceaccounts? "none" not found/, 1],
    [
      'api-resources -o wide --api-group=apps',
      /deployments +deploy +apps\/v1 +true +Deployment +create,delete,deletecollection,get,list,patch,update,watch +all/,
    ],
    [
      'explain pod.spec.tolerations --output=plaintext-openapiv2',
      /RESOURCE: tolerations <\[\]Object>.*tolerationSeconds/s,
    ],
    ['explain deploy.spec.strategy', /GROUP: +apps.*FIELD: strategy <DeploymentStrategy>/s],
    ['cluster-info', /Kubernetes control plane.* is running at/],
    ['cluster-info dump', /"kind": "NodeList"/],
  ],
};

describe('kubectl', { timeout: 120_000, concurrency: 2, skip: withoutNewKubectl() }, () => {
  let cluster: Cluster;
  let kubeconfig: string;
  let cache: string;

  before(async () => {
    cache = mkdtempSync(join(tmpdir(), 'kernetes-kubectl-'));
    cluster = await createCluster({ nodes: 3 });
    kubeconfig = await cluster.kubeconfig();
  });
  after(async () => {
    await cluster?.close();
    rmSync(cache, { recursive: true, force: true });
  });

  const start = (args: readonly string[], more: NodeJS.ProcessEnv = {}): ChildProcess => {
    const env = {
      ...process.env,
      KUBECONFIG: kubeconfig,
      // Another server may have had the port before.
      KUBECACHEDIR: cache,
      KUBECTL_APPLYSET: 'true',
      ...more,
    };
    return execFile('kubectl', args, { env });
  };
  const run = async (command: string): Promise<{ said: string; code: number | null }> => {
    const child = start(command.split(' ').map(each => each.replace('$FILES', FILES)));
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (text: string) => {
        said += text;
      });
    const [code] = (await once(child, 'close')) as [number | null];
    return { said, code };
  };
  const inNamespace = async (namespace: string) => {
    await cluster.objects.create(Namespace, { metadata: { name: namespace } });
    await cluster.until({ kind: ServiceAccount, namespace, name: 'default' }, () => true);
    return (command: string) => run(`-n ${namespace} ${command}`);
  };

  for (const [index, [name, steps]] of Object.entries(CASES).entries()) {
    it(name, async () => {
      const kubectl = await inNamespace(`case-${index}`);
      for (const [command, says, wanted = 0] of steps) {
        const { said, code } = await kubectl(command);
        assert.equal(code, wanted, `${command}: ${said}`);
        assert.match(said, says, command);
      }
    });
  }

  it('creates every manifest of the documents', async () => {
    for (const name of ['app', 'apps']) await inNamespace(name);
    for (const file of readdirSync(MANIFESTS)) {
      // Five of them are one Deployment's versions.
      const { said, code } = await run(`create --dry-run=server -f ${MANIFESTS}/${file}`);
      assert.equal(code, 0, said);
      assert.match(said, / created \(server dry run\)\n$/, file);
    }
  });

  it('get --watch tells what happens', async () => {
    const kubectl = await inNamespace('watched');
    await kubectl('create -f $FILES/one.yaml');
    const child = start('-n watched get cm one --watch --output-watch-events'.split(' '));
    const exit = once(child, 'exit');
    await saidBy(child, /ADDED +one/);
    const told = saidBy(child, /^MODIFIED +one.*\nDELETED +one/);
    await kubectl('label cm one b=c');
    await kubectl('delete cm one');
    await told;
    child.kill();
    await exit;
  });

  it('rollout status takes a list as a stream', async () => {
    const kubectl = await inNamespace('streamed');
    await kubectl('create deployment web --image=nginx');
    const args = '-n streamed rollout status deploy/web --timeout=30s'.split(' ');
    const child = start(args, { KUBE_FEATURE_WatchListClient: 'true' });
    const exit = once(child, 'exit');
    await saidBy(child, /successfully rolled out/);
    assert.deepEqual(await exit, [0, null]);
  });

  it('proxy passes requests on', async () => {
    const child = start(['proxy', '--port=0']);
    const exit = once(child, 'exit');
    const [, port] = await saidBy(child, /Starting to serve on 127\.0\.0\.1:(\d+)/);
    const get = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).json();
    const { kind, versions } = (await get('/api')) as Record<string, unknown>;
    assert.deepEqual([kind, versions], ['APIVersions', ['v1']]);
    const { items } = (await get('/api/v1/nodes?limit=1')) as { items: unknown[] };
    assert.equal(items.length, 1);
    child.kill();
    await exit;
  });

  it('drain evicts what can be made anew, and says what cannot', async () => {
    const kubectl = await inNamespace('drained');
    await cluster.apply(drainedPod());
    const isRunning = ({ status }: Pod) => status?.phase === 'Running';
    await cluster.until({ kind: Pod, namespace: 'drained', name: 'alone' }, isRunning);
    const drain = 'drain node-2 --ignore-daemonsets --pod-selector=app=drained';
    const refused = await kubectl(drain);
    assert.equal(refused.code, 1);
    assert.match(refused.said, /cannot delete .*declare no controller.*: drained\/alone/);
    const forced = await kubectl(`${drain} --force`);
    assert.match(forced.said, /pod\/alone evicted\nnode\/node-2 drained/);
    await kubectl('uncordon node-2');
  });
});

/** Resolves with the match when the program has said it to standard output from now on. */
function saidBy({ stdout }: ChildProcess, wanted: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    let said = '';
    const ended = () => reject(new Error(`It ended after "${said}", without ${wanted}`));
    const heard = (text: string) => {
      said += text;
      const match = wanted.exec(said);
      if (!match) return;
      stdout?.off('data', heard).off('end', ended);
      resolve(match);
    };
    stdout?.on('data', heard).on('end', ended);
  });
}

function drainedPod(): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'alone', namespace: 'drained', labels: { app: 'drained' } },
    spec: { nodeName: 'node-2', containers: [{ name: 'main', image: 'nginx' }] },
  };
}

/** Why these are skipped; false: they are not. Some of the commands came with 1.31. */
function withoutNewKubectl(): string | false {
  const { status, stdout } = spawnSync('kubectl', ['version', '--client', '-o', 'json']);
  if (status !== 0) return 'there is no kubectl program here';
  const { clientVersion } = JSON.parse(stdout.toString()) as Version;
  if (Number.parseInt(clientVersion.minor, 10) >= 31) return false;
  return `kubectl ${clientVersion.gitVersion} is older than 1.31`;
}

interface Version {
  readonly clientVersion: { readonly minor: string; readonly gitVersion: string };
}
