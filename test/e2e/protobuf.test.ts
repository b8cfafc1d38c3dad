import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Cluster, createCluster } from 'kernetes';

/**
 * What kubectl's commands create, which send protobuf from 1.32 on, is what their manifests
 * create, which are sent as JSON by all versions. Nothing but the API server runs, so nobody
 * else writes to the objects.
 */
const PLUGINS = [
  ...['core', 'apps', 'batch', 'networking', 'policy', 'scheduling', 'rbac', 'autoscaling'].map(
    name => `kind.${name}`,
  ),
  ...['decoder', 'patch', 'field-manager', 'shape', 'discovery', 'openapi', 'protobuf', 'http'].map(
    name => `api.${name}`,
  ),
  ...['auth.x509', 'auth.superusers', 'admission.namespace-lifecycle'],
];

/** `$NS` is the namespace, `$FILE` a file that is no text. The namespace comes first. */
const COMMANDS: readonly string[] = [
  'create namespace $NS',
  'create deployment web --image=nginx:1.25 --port=80 --replicas=0',
  'create deployment batch --image=a --image=b',
  'create configmap settings --from-literal=mode=fast --from-file=blob=$FILE',
  'create secret generic token --from-literal=key=value --from-file=blob=$FILE',
  'create secret docker-registry registry --docker-username=u --docker-password=p',
  'create serviceaccount robot',
  'create job once --image=busybox -- sleep 1',
  'create cronjob nightly --image=busybox --schedule=@daily --restart=Never',
  'create role reader --verb=get,list --resource=pods,deployments.apps --resource-name=a',
  'create rolebinding readers --role=reader --user=ann --group=dev --serviceaccount=$NS:robot',
  'create clusterrole reader-$NS --verb=get --non-resource-url=/metrics',
  'create clusterrolebinding readers-$NS --clusterrole=reader-$NS --user=ann',
  'create service clusterip headless --clusterip=None --tcp=80:8080',
  'create service nodeport public --tcp=443:https',
  'create service externalname elsewhere --external-name=db.example.com',
  'create service loadbalancer front --tcp=80',
  'create ingress site --class=nginx --rule=a.example.com/api*=web:80,tls=cert --annotation=x/y=z',
  'create poddisruptionbudget guard --selector=app=web --min-available=0',
  'create poddisruptionbudget half --selector=app=batch --max-unavailable=50%',
  'create quota limits --hard=cpu=1500m,pods=2,memory=1Gi',
  'create priorityclass low-$NS --value=-5 --description=last --preemption-policy=Never',
  'expose deployment web --name=exposed --port=80 --target-port=http --session-affinity=ClientIP',
  'autoscale deployment web --min=2 --max=5 --cpu-percent=80',
  'run sleeper --image=busybox --restart=OnFailure --env=A=b --labels=app=s --command -- sleep 1',
];

let cluster: Cluster;
let folder: string;
let kubeconfig: string;

const found = kubectls();

describe('kubectl', { concurrency: 2, skip: found.size === 0 && 'there is no kubectl' }, () => {
  before(async () => {
    const profile = { plugins: PLUGINS.map(name => ({ name })) };
    cluster = await createCluster({ nodes: 0, profile });
    kubeconfig = await cluster.kubeconfig();
    folder = mkdtempSync(join(tmpdir(), 'kernetes-protobuf-'));
    writeFileSync(join(folder, 'blob'), Buffer.of(0, 1, 254, 255));
  });

  after(async () => {
    await cluster?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const [name, path] of found) {
    it(`${name} creates the same by its commands and by their manifests`, async t => {
      if (!(await sendsProtobuf(path))) return t.skip('it sends JSON');
      const typed = `typed-${name.replaceAll('.', '-')}`;
      const untyped = `un${typed}`;
      const manifests: string[] = [];
      for (const command of COMMANDS) {
        const [program = '', ...args] = argsOf(command, typed);
        await run(path, [program, ...args]);
        // Flags before the arguments: those behind `--` are for the container.
        const dryRun = [program, '--dry-run=client', '--output=yaml', ...args];
        manifests.push((await run(path, dryRun)).stdout);
      }
      const manifest = manifests.join('---\n');
      const copy = manifest.replaceAll(typed, untyped);
      await run(path, ['create', `--namespace=${untyped}`, '--filename=-'], copy);
      const created = await objectsOf(path, typed, manifest);
      assert.equal(created.length, COMMANDS.length);
      const wanted = await objectsOf(path, untyped, copy);
      assert.deepEqual(factsOf(created, typed), factsOf(wanted, untyped));
    });
  }
});

async function sendsProtobuf(path: string): Promise<boolean> {
  const args = ['create', 'namespace', 'never', '--dry-run=server', '-v=8'];
  const { stderr } = await run(path, args);
  const [, sent] = /POST.*?Content-Type: (\S+)/s.exec(stderr) ?? [];
  assert.ok(sent, stderr);
  return sent === 'application/vnd.kubernetes.protobuf';
}

/** The `kubectl` of the search path, and what lies beside it as `kubectl.1.30`: name -> path. */
function kubectls(): ReadonlyMap<string, string> {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const path = folders.map(each => join(each, 'kubectl')).find(each => existsSync(each));
  if (path === undefined) return new Map();
  const beside = dirname(realpathSync(path));
  const versions = readdirSync(beside).filter(name => /^kubectl\.\d+\.\d+$/.test(name));
  return new Map([['kubectl', path], ...versions.map(name => [name, join(beside, name)] as const)]);
}

function argsOf(command: string, namespace: string): string[] {
  const text = command.replaceAll('$NS', namespace).replaceAll('$FILE', join(folder, 'blob'));
  const [program = '', ...args] = text.split(' ');
  return [program, `--namespace=${namespace}`, ...args];
}

/** Rejects with what kubectl says when it fails. */
function run(
  path: string,
  args: readonly string[],
  input = '',
): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, KUBECONFIG: kubeconfig };
    const options = { env, timeout: KUBECTL_TIMEOUT_MS, maxBuffer: OUTPUT_BYTES_MAX };
    const child = execFile(path, args, options, (error, stdout, stderr) => {
      if (error) reject(error);
      else resolve({ stdout, stderr });
    });
    child.stdin?.end(input);
  });
}

interface StoredObject {
  readonly kind: string;
  readonly metadata: Record<string, unknown>;
}

/** What is stored of a manifest's objects. */
async function objectsOf(
  path: string,
  namespace: string,
  manifest: string,
): Promise<StoredObject[]> {
  const args = ['get', `--namespace=${namespace}`, '--filename=-', '--output=json'];
  const { stdout } = await run(path, args, manifest);
  return (JSON.parse(stdout) as { items: StoredObject[] }).items;
}

/** Objects by kind and name, without what differs between any two objects. */
function factsOf(objects: readonly StoredObject[], namespace: string): object {
  const facts: Record<string, unknown> = {};
  for (const object of objects) {
    const { uid, resourceVersion, creationTimestamp, ...metadata } = object.metadata;
    const text = JSON.stringify({ ...object, metadata })
      .replaceAll(String(uid), 'UID')
      .replaceAll(namespace, 'NAMESPACE');
    const { kind, metadata: named } = JSON.parse(text) as StoredObject;
    facts[`${kind} ${named.name}`] = JSON.parse(text);
  }
  return facts;
}

const KUBECTL_TIMEOUT_MS = 60_000;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
