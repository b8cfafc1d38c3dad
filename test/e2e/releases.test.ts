import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type ClusterOptions, createCluster } from 'kernetes';
import { Http } from './http.ts';

/** When group versions came and went, as upstream's releases had them: first and last release. */
const SERVED: readonly [path: string, resource: string, since: number, until: number][] = [
  ['/apis/apps/v1', 'deployments', 9, 99],
  ['/apis/admissionregistration.k8s.io/v1beta1', 'validatingwebhookconfigurations', 9, 21],
  ['/apis/admissionregistration.k8s.io/v1', 'validatingadmissionpolicies', 30, 99],
  ['/apis/apiextensions.k8s.io/v1beta1', 'customresourcedefinitions', 7, 21],
  ['/apis/authentication.k8s.io/v1', 'selfsubjectreviews', 28, 99],
  ['/apis/authentication.k8s.io/v1alpha1', 'selfsubjectreviews', 99, 99],
  ['/apis/authentication.k8s.io/v1beta1', 'selfsubjectreviews', 99, 99],
  ['/apis/authentication.k8s.io/v1beta1', 'tokenreviews', 6, 21],
  ['/apis/authorization.k8s.io/v1beta1', 'subjectaccessreviews', 6, 21],
  ['/apis/autoscaling/v1', 'horizontalpodautoscalers', 2, 99],
  ['/apis/autoscaling/v2', 'horizontalpodautoscalers', 23, 99],
  ['/apis/autoscaling/v2beta1', 'horizontalpodautoscalers', 8, 24],
  ['/apis/autoscaling/v2beta2', 'horizontalpodautoscalers', 12, 25],
  ['/apis/batch/v1', 'cronjobs', 21, 99],
  ['/apis/batch/v1beta1', 'cronjobs', 8, 24],
  ['/apis/certificates.k8s.io/v1beta1', 'certificatesigningrequests', 4, 21],
  ['/apis/coordination.k8s.io/v1beta1', 'leases', 12, 21],
  ['/apis/discovery.k8s.io/v1', 'endpointslices', 21, 99],
  ['/apis/discovery.k8s.io/v1beta1', 'endpointslices', 17, 24],
  ['/apis/events.k8s.io/v1beta1', 'events', 8, 24],
  ['/apis/extensions/v1beta1', 'ingresses', 1, 21],
  ['/apis/flowcontrol.apiserver.k8s.io/v1', 'flowschemas', 29, 99],
  ['/apis/flowcontrol.apiserver.k8s.io/v1beta1', 'flowschemas', 20, 25],
  ['/apis/flowcontrol.apiserver.k8s.io/v1beta2', 'prioritylevelconfigurations', 23, 28],
  ['/apis/flowcontrol.apiserver.k8s.io/v1beta3', 'prioritylevelconfigurations', 26, 31],
  ['/apis/networking.k8s.io/v1', 'ingresses', 19, 99],
  ['/apis/networking.k8s.io/v1', 'ipaddresses', 33, 99],
  ['/apis/networking.k8s.io/v1', 'servicecidrs', 33, 99],
  ['/apis/networking.k8s.io/v1beta1', 'ingresses', 14, 21],
  ['/apis/networking.k8s.io/v1beta1', 'ingressclasses', 18, 21],
  ['/apis/node.k8s.io/v1', 'runtimeclasses', 20, 99],
  ['/apis/node.k8s.io/v1beta1', 'runtimeclasses', 14, 24],
  ['/apis/policy/v1', 'poddisruptionbudgets', 21, 99],
  ['/apis/policy/v1beta1', 'poddisruptionbudgets', 5, 24],
  ['/apis/policy/v1beta1', 'podsecuritypolicies', 10, 24],
  ['/apis/rbac.authorization.k8s.io/v1beta1', 'roles', 6, 21],
  ['/apis/resource.k8s.io/v1', 'deviceclasses', 34, 99],
  ['/apis/resource.k8s.io/v1', 'resourceclaims', 34, 99],
  ['/apis/resource.k8s.io/v1', 'resourceclaimtemplates', 34, 99],
  ['/apis/resource.k8s.io/v1', 'resourceslices', 34, 99],
  ['/apis/scheduling.k8s.io/v1beta1', 'priorityclasses', 11, 21],
  ['/apis/storage.k8s.io/v1', 'csistoragecapacities', 24, 99],
  ['/apis/storage.k8s.io/v1', 'volumeattributesclasses', 34, 99],
  ['/apis/storage.k8s.io/v1beta1', 'csistoragecapacities', 21, 26],
  ['/apis/storage.k8s.io/v1beta1', 'storageclasses', 6, 21],
];

const REFERENCE = join(import.meta.dirname, '../testdata/reference/v1.36/resources.json');
const STABLE_OF_36 = JSON.parse(readFileSync(REFERENCE, 'utf8')) as Record<string, string[]>;

/** By upstream's own tables, of the release that had a version last. */
const DEPRECATIONS = readFileSync(join(import.meta.dirname, 'testdata/deprecations.txt'), 'utf8')
  .trim()
  .split('\n');

interface Group {
  readonly versions: readonly { readonly groupVersion: string }[];
}

const NODE = 'no node answers it yet';
const MUTATING = 'stable since 1.36; applying what CEL makes is not there yet';
/** Stable in 1.36, and not served, with the reason. Betas are off there unless asked for. */
const NOT_SERVED: Readonly<Record<string, string>> = {
  '/api/v1 pods/attach': NODE,
  '/api/v1 pods/exec': NODE,
  '/api/v1 pods/log': NODE,
  '/api/v1 pods/portforward': NODE,
  '/api/v1 pods/resize': 'pods cannot be resized yet',
  '/apis/admissionregistration.k8s.io/v1 mutatingadmissionpolicies': MUTATING,
  '/apis/admissionregistration.k8s.io/v1 mutatingadmissionpolicybindings': MUTATING,
};

describe('--emulate', { timeout: 120_000 }, () => {
  for (const release of [20, 21, 22, 23, 25, 26, 28, 29, 31, 32, 33, 34, 36]) {
    it(`1.${release} serves the versions of that release`, async () => {
      await using cluster = await createCluster({ nodes: 0, emulate: `1.${release}` });
      const http = Http.of(await cluster.kubeconfig());
      const { minor } = await http.json<{ minor: string }>('GET', '/version');
      assert.equal(minor, String(release));
      const lists = new Map<string, readonly string[]>();
      for (const [path, resource, since, until] of SERVED) {
        const names = lists.get(path) ?? (await resourcesOf(http, path));
        lists.set(path, names);
        const wanted = since <= release && release <= until;
        assert.equal(names.includes(resource), wanted, `${path} ${resource}`);
      }
    });
  }

  it('1.36 serves every stable resource that it should, but for those listed', async () => {
    await using cluster = await createCluster({ nodes: 0, emulate: '1.36' });
    const http = Http.of(await cluster.kubeconfig());
    const missing: string[] = [];
    for (const [path, names] of Object.entries(STABLE_OF_36)) {
      const found = await resourcesOf(http, path);
      missing.push(...names.filter(name => !found.includes(name)).map(name => `${path} ${name}`));
    }
    assert.deepEqual(missing.sort(), Object.keys(NOT_SERVED).sort());
  });

  it('every version that went, or will go, says so in upstream’s words', async () => {
    await using cluster = await createCluster({ nodes: 0 });
    const http = Http.of(await cluster.kubeconfig());
    const { groups } = await http.json<{ groups: Group[] }>('GET', '/apis');
    const found: string[] = [];
    for (const { groupVersion } of groups.flatMap(({ versions }) => versions)) {
      const path = `/apis/${groupVersion}`;
      for (const name of (await resourcesOf(http, path)).filter(each => !each.includes('/'))) {
        // Kinds that are only created answer 405 to this; what is said beside is the same.
        const { warning } = (await http.call('GET', `${path}/${name}`)).headers;
        if (typeof warning === 'string') found.push(warning.slice('299 - "'.length, -1));
      }
    }
    assert.deepEqual(found.sort(), DEPRECATIONS);
  });

  const ENDPOINTS = 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice';
  const warnings: [ClusterOptions, string, string | undefined][] = [
    [{}, '/api/v1/endpoints', undefined],
    [{ emulate: '1.33' }, '/api/v1/endpoints', `299 - "${ENDPOINTS}"`],
    [{}, '/api/v1/componentstatuses', '299 - "v1 ComponentStatus is deprecated in v1.19+"'],
    [{ emulate: '1.20' }, '/apis/policy/v1beta1/poddisruptionbudgets', undefined],
  ];
  for (const [options, path, wanted] of warnings) {
    const which = options.emulate ?? 'the plain server';
    it(`${which} ${wanted ? 'warns' : 'does not warn'} of ${path}`, async () => {
      await using cluster = await createCluster({ nodes: 0, ...options });
      const reply = await Http.of(await cluster.kubeconfig()).call('GET', path);
      assert.equal(reply.headers.warning, wanted);
    });
  }
});

/** None where the version is not served. */
async function resourcesOf(http: Http, path: string): Promise<readonly string[]> {
  const reply = await http.call('GET', path);
  if (reply.code === 404) return [];
  const { resources } = JSON.parse(String(reply.body)) as { resources: { name: string }[] };
  return resources.map(({ name }) => name);
}
