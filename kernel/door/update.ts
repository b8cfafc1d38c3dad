import type { DoorAnswer } from '../../sdk/door.ts';
import type { KubeObject } from '../../sdk/kind.ts';
import type { Subresource } from '../../sdk/kind-definition.ts';
import { badRequest, invalid, methodNotAllowed, unknownResource } from '../../sdk/status.ts';
import { cloneJson } from '../clone.ts';
import type { RequestContext } from './context.ts';
import { createObject } from './create.ts';
import { existsNow } from './newest.ts';
import { type Changed, write } from './write.ts';

export async function update(context: RequestContext): Promise<DoorAnswer> {
  const { request, served } = context;
  const sub = subresourceOf(context, 'update');
  if (sub?.apply) return applySubresource(context, sub);
  const body = context.decodeObject(request.body);
  checkName(context, body);
  if (served.kind.strategy.createOnUpdate && !request.subresource) {
    const exists = await existsNow(context);
    // Who names a revision means an object that was there: it is gone.
    if (!exists && !body.metadata.resourceVersion) {
      await authorizeCreate(context);
      return createObject(context, body);
    }
  }
  checkRevisionGiven(context, body);
  let spare: KubeObject | undefined = body;
  return write(context, () => {
    // Only a second attempt needs the body decoded again: the first takes it over.
    const object = spare ?? context.decodeObject(request.body);
    spare = undefined;
    served.version.defaults?.(object);
    return { object, revision: object.metadata.resourceVersion };
  });
}

/** The right to update or to patch is none to create. */
export async function authorizeCreate({ stages, user, request }: RequestContext): Promise<void> {
  const { group, version, resource, namespace = '', name = '' } = request;
  const target = { group, version, resource, subresource: '', namespace, name };
  await stages.authorize({ user, verb: 'create', ...target });
}

export async function patch(context: RequestContext): Promise<DoorAnswer> {
  const { request, served, stages } = context;
  const type = request.patchType ?? 'application/merge-patch+json';
  const patcher = stages.patcher(type);
  const sub = subresourceOf(context, 'patch');
  return write(context, copy => {
    const current = copy();
    const schema = sub?.body?.schema ?? served.version.schema;
    const view = sub?.get ? sub.get(current) : current;
    const patched = patcher.patch(view, request.body, { type, schema });
    const asked = patched.metadata?.resourceVersion;
    const revision = asked !== current.metadata.resourceVersion ? asked : undefined;
    if (sub?.apply) return { ...applied(context, sub, current, patched), revision };
    const object = context.decodeObject(patched);
    checkName(context, object);
    served.version.defaults?.(object);
    return { object, revision };
  });
}

/** POST to a subresource that changes its object: a binding. */
export async function createSubresource(context: RequestContext): Promise<DoorAnswer> {
  const sub = subresourceOf(context, 'create');
  if (sub?.apply === undefined) throw methodNotAllowed();
  return applySubresource(context, sub);
}

function applySubresource(context: RequestContext, sub: Subresource): Promise<DoorAnswer> {
  return write(context, current => {
    const body = cloneJson(context.request.body) as KubeObject;
    return applied(context, sub, current(), body);
  });
}

function applied(
  context: RequestContext,
  sub: Subresource,
  current: KubeObject,
  body: unknown,
): Changed {
  const object = sub.body
    ? context.decode(body, sub.body.schema, sub.body)
    : context.decodeObject(body);
  const revision = object.metadata?.resourceVersion;
  const answer = sub.apply?.(current, object, context.strategy);
  if (answer) return { object: current, revision, answer };
  if (context.request.verb === 'create') return { object: current, revision, answer: SUCCESS };
  return { object: current, revision };
}

export function checkName({ request }: RequestContext, { metadata }: KubeObject): void {
  if (!metadata.name) metadata.name = request.name ?? '';
  if (metadata.name !== request.name) {
    throw badRequest(
      `the name of the object (${metadata.name}) does not match the name on the URL (${request.name})`,
    );
  }
}

function checkRevisionGiven({ served }: RequestContext, object: KubeObject): void {
  if (served.kind.strategy.unconditionalUpdate !== false || object.metadata.resourceVersion) return;
  throw invalid(served.kind, object.metadata.name ?? '', [
    {
      reason: 'FieldValueInvalid',
      field: 'metadata.resourceVersion',
      message: 'Invalid value: 0x0: must be specified for an update',
    },
  ]);
}

/** The subresource asked for; `status` needs no entry. Throws NotFound or MethodNotAllowed. */
export function subresourceOf(
  { request, served }: RequestContext,
  verb: 'create' | 'update' | 'patch',
): Subresource | undefined {
  const name = request.subresource;
  if (!name) return undefined;
  const sub = served.subresources.get(name);
  if (sub === undefined) {
    if (name === 'status' && served.kind.strategy.status && verb !== 'create') return undefined;
    throw unknownResource();
  }
  if (!sub.verbs.includes(verb)) throw methodNotAllowed();
  return sub;
}

const SUCCESS = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
