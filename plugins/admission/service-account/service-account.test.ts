import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Pod, type PodSpec, Secret, ServiceAccount } from 'kernetes/sdk';
import { admissionRequest, pod, runAdmission, TestKernel } from 'kernetes/sdk/testing';
import plugin from './plugin.ts';

const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';

async function start(...accounts: ServiceAccount[]) {
  const kernel = new TestKernel();
  kernel.add(ServiceAccount, ...accounts);
  return runAdmission(plugin, { kernel });
}

function account(name: string, parts: Partial<ServiceAccount> = {}): ServiceAccount {
  return { ...parts, metadata: { name, namespace: 'default', ...parts.metadata } };
}

const MAIN = { name: 'main', image: 'nginx' };

async function admitted(spec: Partial<PodSpec>, ...accounts: ServiceAccount[]): Promise<PodSpec> {
  const { admit } = await start(account('default'), ...accounts);
  const result = await admit<Pod>(
    admissionRequest(pod('web', { spec: { containers: [{ ...MAIN }], ...spec } })),
  );
  return result.spec ?? { containers: [] };
}

describe('admission.service-account', () => {
  it('gives a pod the account "default" and what a client in the cluster needs', async () => {
    const spec = await admitted({ initContainers: [{ name: 'init', image: 'busybox' }] });
    assert.deepEqual([spec.serviceAccountName, spec.serviceAccount], ['default', 'default']);
    const [volume] = spec.volumes ?? [];
    assert.match(volume?.name ?? '', /^kube-api-access-[a-z0-9]{5}$/);
    assert.deepEqual(volume?.projected, {
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [
              {
                path: 'namespace',
                fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' },
              },
            ],
          },
        },
      ],
      defaultMode: 420,
    });
    const mount = { name: volume?.name, readOnly: true, mountPath: MOUNT_PATH };
    assert.deepEqual(spec.containers[0]?.volumeMounts, [mount]);
    assert.deepEqual(spec.initContainers?.[0]?.volumeMounts, [mount]);
  });

  const mounts: [string, Partial<PodSpec>, Partial<ServiceAccount>, boolean][] = [
    ['the account says no', {}, { automountServiceAccountToken: false }, false],
    ['the pod says no', { automountServiceAccountToken: false }, {}, false],
    [
      'the pod says yes and the account no',
      { automountServiceAccountToken: true },
      { automountServiceAccountToken: false },
      true,
    ],
    [
      'each container has something there',
      { containers: [{ ...MAIN, volumeMounts: [{ name: 'x', mountPath: MOUNT_PATH }] }] },
      {},
      false,
    ],
  ];
  for (const [when, spec, parts, wanted] of mounts) {
    it(`${wanted ? 'mounts' : 'does not mount'} a token when ${when}`, async () => {
      const { volumes } = await admitted({ serviceAccountName: 'a', ...spec }, account('a', parts));
      assert.equal((volumes ?? []).length, wanted ? 1 : 0);
    });
  }

  it('uses a token volume that is there already', async () => {
    const spec = await admitted({ volumes: [{ name: 'kube-api-access-mine', emptyDir: {} }] });
    assert.equal(spec.volumes?.length, 1);
    assert.equal(spec.containers[0]?.volumeMounts?.[0]?.name, 'kube-api-access-mine');
  });

  it('takes the account from the field of old clients', async () => {
    const spec = await admitted({ serviceAccount: 'a' }, account('a'));
    assert.deepEqual([spec.serviceAccountName, spec.serviceAccount], ['a', 'a']);
  });

  it("copies the account's pull secrets to a pod that has none", async () => {
    const rich = account('a', { imagePullSecrets: [{ name: 'p' }] });
    const copied = await admitted({ serviceAccountName: 'a' }, rich);
    assert.deepEqual(copied.imagePullSecrets, [{ name: 'p' }]);
    const own = { serviceAccountName: 'a', imagePullSecrets: [{ name: 'own' }] };
    assert.deepEqual((await admitted(own, rich)).imagePullSecrets, [{ name: 'own' }]);
  });

  it('refuses an account that does not exist', async () => {
    const { refusal } = await start(account('default'));
    const request = admissionRequest(
      pod('x', { spec: { containers: [], serviceAccountName: 'a' } }),
    );
    assert.equal(
      await refusal(request),
      'pods "x" is forbidden: error looking up service account default/a: ' +
        'serviceaccount "a" not found',
    );
  });

  it('asks for an account that the copy does not show', async () => {
    const { kernel, admit } = await start();
    const release = kernel.holdWatches();
    kernel.add(ServiceAccount, account('a'));
    const request = admissionRequest(
      pod('x', { spec: { containers: [], serviceAccountName: 'a' } }),
    );
    assert.ok(await admit(request));
    release();
  });

  it('waits for the account "default", but not for ever', async () => {
    const { kernel, clock, admit, refusal } = await start();
    const quick = admit<Pod>(admissionRequest(pod('a')));
    await clock.step(100);
    kernel.add(ServiceAccount, account('default'));
    assert.equal((await quick).spec?.serviceAccountName, 'default');
    assert.equal(clock.pending, 0);
    const request = admissionRequest(pod('b', { metadata: { namespace: 'other' } }));
    const late = refusal(request);
    await clock.step(1_500);
    assert.match(await late, /looking up service account other\/default/);
  });

  const mirror = { annotations: { 'kubernetes.io/config.mirror': 'x' } };
  it('leaves a mirror pod as it is', async () => {
    const { admit } = await start();
    const given = pod('m', { metadata: mirror });
    assert.deepEqual(await admit(admissionRequest(structuredClone(given))), given);
  });

  const secretRef = { name: 's' };
  const mirrored: [Partial<PodSpec>, string][] = [
    [{ serviceAccountName: 'a' }, 'a mirror pod may not reference service accounts'],
    [{ serviceAccount: 'a' }, 'a mirror pod may not reference service accounts'],
    [{ imagePullSecrets: [{ name: 's' }] }, 'a mirror pod may not reference secrets'],
    [
      { volumes: [{ name: 'v', secret: { secretName: 's' } }] },
      'a mirror pod may not reference secrets',
    ],
    [
      { volumes: [{ name: 'v', csi: { driver: 'd', nodePublishSecretRef: secretRef } }] },
      'a mirror pod may not reference secrets',
    ],
    [
      { volumes: [{ name: 'v', projected: { sources: [{ secret: secretRef }] } }] },
      'a mirror pod may not reference secrets',
    ],
    [
      { containers: [{ ...MAIN, envFrom: [{ secretRef }] }] },
      'a mirror pod may not reference secrets',
    ],
    [
      {
        containers: [
          {
            ...MAIN,
            env: [{ name: 'E', valueFrom: { secretKeyRef: { ...secretRef, key: 'k' } } }],
          },
        ],
      },
      'a mirror pod may not reference secrets',
    ],
    [
      {
        volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }],
      },
      'a mirror pod may not use ServiceAccountToken volume projections',
    ],
  ];
  for (const [spec, why] of mirrored) {
    it(`refuses a mirror pod with ${JSON.stringify(spec)}`, async () => {
      const { refusal } = await start(account('default'));
      const mirrorPod = pod('m', { metadata: mirror, spec: { containers: [MAIN], ...spec } });
      assert.equal(await refusal(admissionRequest(mirrorPod)), `pods "m" is forbidden: ${why}`);
    });
  }
});

describe('admission.service-account with limited secrets', () => {
  const strict = account('strict', {
    metadata: {
      name: 'strict',
      namespace: 'default',
      annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' },
    },
    secrets: [{ name: 'good' }],
    imagePullSecrets: [{ name: 'pull' }],
  });
  const env = (name: string) => [{ name: 'E', valueFrom: { secretKeyRef: { name, key: 'k' } } }];
  const tail = 'is not allowed because service account strict does not reference that';
  const cases: [string, Partial<PodSpec>, string | undefined][] = [
    ['what it may use', { volumes: [{ name: 'v', secret: { secretName: 'good' } }] }, undefined],
    [
      'a volume',
      { volumes: [{ name: 'v', secret: { secretName: 'bad' } }] },
      `volume with secret.secretName="bad" ${tail} secret`,
    ],
    [
      'a variable',
      { containers: [{ ...MAIN, env: env('bad') }] },
      `container main with envVar E referencing secret.secretName="bad" ${tail} secret`,
    ],
    [
      'a variable of an init container',
      { initContainers: [{ ...MAIN, name: 'i', env: env('bad') }] },
      `init container i with envVar E referencing secret.secretName="bad" ${tail} secret`,
    ],
    [
      'a pull secret',
      { imagePullSecrets: [{ name: 'pull' }, { name: 'bad' }] },
      `imagePullSecrets[1].name="bad" ${tail} imagePullSecret`,
    ],
  ];
  for (const [what, spec, why] of cases) {
    it(`${why ? 'refuses' : 'takes'} ${what}`, async () => {
      const { admit, refusal } = await start(strict);
      const object = pod('x', {
        spec: { serviceAccountName: 'strict', containers: [{ ...MAIN }], ...spec },
      });
      const request = admissionRequest(object);
      if (why === undefined) await admit(request);
      else assert.equal(await refusal(request), `pods "x" is forbidden: ${why}`);
    });
  }

  it('looks at ephemeral containers that an update adds, and at nothing else of it', async () => {
    const { refusal, admit } = await start(strict);
    const base = { serviceAccountName: 'strict', containers: [{ ...MAIN, env: env('bad') }] };
    const oldObject = pod('x', { spec: base });
    const update = { oldObject, subresource: 'ephemeralcontainers' };
    const given = pod('x', {
      spec: { ...base, ephemeralContainers: [{ ...MAIN, name: 'e', env: env('bad') }] },
    });
    assert.equal(
      await refusal(admissionRequest(given, update)),
      'pods "x" is forbidden: ephemeral container e with envVar E referencing ' +
        `secret.secretName="bad" ${tail} secret`,
    );
    const fine = structuredClone(oldObject);
    assert.deepEqual(await admit(admissionRequest(fine, update)), oldObject);
  });
});

describe('admission.service-account up to v1.20', () => {
  const type = 'kubernetes.io/service-account-token';
  function token(name: string, accountName: string, uid: string): Secret {
    const of = 'kubernetes.io/service-account';
    const annotations = { [`${of}.name`]: accountName, [`${of}.uid`]: uid };
    return { metadata: { name, namespace: 'default', annotations }, type };
  }

  async function old(secrets: string[], ...tokens: Secret[]) {
    const kernel = new TestKernel();
    const uid = 'u';
    const references = secrets.map(name => ({ name }));
    kernel.add(
      ServiceAccount,
      account('default', { metadata: { name: 'default', uid }, secrets: references }),
    );
    kernel.add(Secret, ...tokens);
    return runAdmission(plugin, { kernel, config: { release: 20 } });
  }

  it('mounts the first token among what the account refers to', async () => {
    const { admit } = await old(
      ['gone', 'own', 't-1', 't-2'],
      token('own', 'other', 'u'),
      token('t-1', 'default', 'u'),
      token('t-2', 'default', 'u'),
    );
    const { spec } = await admit<Pod>(
      admissionRequest(pod('x', { spec: { containers: [{ ...MAIN }] } })),
    );
    const secret = { secretName: 't-1', defaultMode: 420 };
    assert.deepEqual(spec?.volumes, [{ name: 't-1', secret }]);
    const mount = { name: 't-1', readOnly: true, mountPath: MOUNT_PATH };
    assert.deepEqual(spec?.containers[0]?.volumeMounts, [mount]);
  });

  it('uses a volume of the token that is there, and no name that is taken', async () => {
    const { admit } = await old(['t-1'], token('t-1', 'default', 'u'));
    const mounted = async (volumes: PodSpec['volumes'] & object) => {
      const spec = { containers: [{ ...MAIN }], volumes };
      const result = await admit<Pod>(admissionRequest(pod('x', { spec })));
      return [result.spec?.containers[0]?.volumeMounts?.[0]?.name, result.spec?.volumes?.length];
    };
    const there = { name: 'mine', secret: { secretName: 't-1' } };
    assert.deepEqual(await mounted([there]), ['mine', 1]);
    const [name, count] = await mounted([{ name: 't-1', emptyDir: {} }]);
    assert.match(String(name), /^t-1-[a-z0-9]{5}$/);
    assert.equal(count, 2);
  });

  it('tells the client to come again when the account has no token yet', async () => {
    const { admit } = await old(['t-1'], token('t-1', 'default', 'before'));
    await assert.rejects(
      async () => admit(admissionRequest(pod('x', { spec: { containers: [{ ...MAIN }] } }))),
      { code: 500, message: /^No API token found for service account "default", retry after/ },
    );
    const spec = { containers: [{ ...MAIN }], automountServiceAccountToken: false };
    assert.ok(await admit(admissionRequest(pod('x', { spec }))));
  });
});
