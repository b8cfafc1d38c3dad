import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Cluster, createCluster } from 'kernetes';
import { Http, jsonOf } from './http.ts';

/** What v1.20.2 said that it served, and under which columns, asked of a server that emulates it. */
const REFERENCE = join(import.meta.dirname, '../testdata/reference/v1.20');

interface ResourceList {
  readonly resources?: readonly ({ readonly name: string } & Readonly<Record<string, unknown>>)[];
}
interface GroupList {
  readonly groups: readonly {
    readonly name: string;
    readonly versions: readonly { readonly version: string }[];
    readonly preferredVersion: { readonly version: string };
  }[];
}
interface Column {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly priority: number;
}

/** What is not served, by path and name, with the reason. */
const NOT_SERVED: Readonly<Record<string, string>> = {
  '/api/v1 pods/attach': 'no node answers it yet',
  '/api/v1 pods/exec': 'no node answers it yet',
  '/api/v1 pods/log': 'no node answers it yet',
  '/api/v1 pods/portforward': 'no node answers it yet',
};

/** Fields of resources, with the reason. */
const OTHER_FIELDS: Readonly<Record<string, string>> = {
  storageVersionHash: 'objects are kept in the newest version, whatever is emulated',
};

/** What is served beyond it, with the reason. */
const OTHER_GROUPS: Readonly<Record<string, string>> = {
  'metrics.k8s.io': 'there it takes an add-on, metrics-server',
  'scheduling.kernetes.dev': 'our own: why pods are where they are',
};

function read<T>(name: string): T {
  return JSON.parse(readFileSync(join(REFERENCE, `${name}.json`), 'utf8')) as T;
}

describe('a server that emulates 1.20', { timeout: 120_000 }, () => {
  let cluster: Cluster;
  let http: Http;
  before(async () => {
    cluster = await createCluster({ nodes: 0, emulate: '1.20' });
    http = Http.of(await cluster.kubeconfig());
  });
  after(() => cluster?.close());

  const documents = read<Record<string, ResourceList>>('discovery');

  it('has the groups of 1.20 in their order', async () => {
    const wanted = toGroups(documents['/apis'] as unknown as GroupList);
    const found = toGroups(await http.json<GroupList>('GET', '/apis'));
    assert.deepEqual(
      found.filter(({ name }) => !(name in OTHER_GROUPS)),
      wanted,
    );
    assert.equal(found.length, wanted.length + Object.keys(OTHER_GROUPS).length);
  });

  for (const [path, document] of Object.entries(documents)) {
    if (document.resources === undefined) continue;
    it(`serves what is below ${path}`, async () => {
      const found = toResources(await http.json<ResourceList>('GET', path));
      const wanted = toResources(document);
      for (const name of Object.keys(wanted)) {
        if (!(`${path} ${name}` in NOT_SERVED)) continue;
        assert.ok(!(name in found), `${name} is served by now`);
        delete wanted[name];
      }
      assert.deepEqual(found, wanted);
    });
  }

  for (const [path, wanted] of Object.entries(read<Record<string, Column[]>>('table-columns'))) {
    it(`has the columns of ${path}`, async () => {
      const headers = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
      const reply = await http.call('GET', path, { headers });
      const { columnDefinitions } = jsonOf<{ columnDefinitions: Column[] }>(reply);
      assert.deepEqual(columnDefinitions.map(toColumn), wanted.map(toColumn));
    });
  }
});

/** Two beta versions of autoscaling are the other way round, so the order of versions is let be. */
function toGroups({ groups }: GroupList) {
  return groups.map(({ name, versions, preferredVersion }) => {
    const names = versions.map(({ version }) => version).sort();
    return { name, names, preferred: preferredVersion.version };
  });
}

function toResources({ resources = [] }: ResourceList): Record<string, unknown> {
  return Object.fromEntries(
    resources.map(({ name, ...facts }) => {
      const kept = Object.entries(facts).filter(([field]) => !(field in OTHER_FIELDS));
      return [name, Object.fromEntries(kept)];
    }),
  );
}

/** Texts are our own. */
function toColumn({ name, type, format, priority }: Column): Column {
  return { name, type, format, priority };
}
