import {
  ApiError,
  createRequest,
  definePlugin,
  type Kind,
  type KubeObject,
  keyOf,
  Namespace,
  type ObjectRequest,
  type PluginContext,
} from 'kernetes/sdk';
import { correct, type Policy } from './reconcile.ts';
import { type WantedKind, wantedObjects } from './wanted.ts';

export default definePlugin({
  name: 'controller.rbac-bootstrap',
  async activate(ctx) {
    // Whoever is let in by these roles may ask as soon as the cluster is ready.
    const wanted = wantedObjects();
    const lists = await Promise.all(wanted.map(({ kind }) => ctx.objects.list(kind)));
    const requests = wanted.flatMap((each, i) => {
      return requestsFor(each, (lists[i]?.items ?? []) as readonly Policy[]);
    });
    await send(ctx, [...namespacesFor(requests), ...requests]);
  },
});

function requestsFor({ kind, objects }: WantedKind, there: readonly Policy[]): ObjectRequest[] {
  const found = new Map(there.map(object => [keyOf(object), object]));
  return objects.flatMap(wanted => {
    const has = found.get(keyOf(wanted));
    if (has === undefined) return [write('create', kind, wanted)];
    const correction = correct(has, wanted);
    if (correction.type === 'none') return [];
    if (correction.type === 'update') return [write('update', kind, correction.object)];
    return [write('delete', kind, has), write('create', kind, correction.object)];
  });
}

/** What is made in a namespace needs it; who makes these namespaces may come later, or never. */
function namespacesFor(requests: readonly ObjectRequest[]): ObjectRequest[] {
  const made = requests.filter(({ verb }) => verb === 'create');
  const names = new Set(made.flatMap(({ namespace }) => namespace ?? []));
  return [...names].map(name => createRequest(Namespace, { metadata: { name } }));
}

function write(verb: 'create' | 'update' | 'delete', kind: Kind, object: Policy): ObjectRequest {
  const { group, version, resource } = kind;
  const { name = '', namespace } = object.metadata;
  const at = { group, version, resource, ...(namespace && { namespace }) };
  if (verb === 'delete') return { verb, ...at, name };
  return { verb, ...at, ...(verb === 'update' && { name }), body: typed(kind, object) };
}

function typed({ group, version, kind }: Kind, object: KubeObject): KubeObject {
  return { ...object, apiVersion: `${group}/${version}`, kind };
}

/** Another server on the same database may do the same at the same time. */
async function send({ objects, log }: PluginContext, requests: ObjectRequest[]): Promise<void> {
  if (requests.length === 0) return;
  const results = await objects.batch(requests);
  for (const [i, result] of results.entries()) {
    if (result.ok || RACES.some(reason => ApiError.is(result.error, reason))) continue;
    const { verb = '', resource = '', body } = requests[i] ?? {};
    const name = (body as KubeObject | undefined)?.metadata.name ?? '';
    log.error('Default policy is not written', { verb, resource, name, error: result.error });
  }
}

const RACES = ['AlreadyExists', 'Conflict', 'NotFound'] as const;
