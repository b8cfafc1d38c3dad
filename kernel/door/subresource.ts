import type { DoorAnswer } from '../../sdk/door.ts';
import { apiVersionOf, type KubeObject } from '../../sdk/kind.ts';
import { methodNotAllowed, notFound } from '../../sdk/status.ts';
import type { SubresourceHandler } from '../../sdk/subresource.ts';
import { cloneJson } from '../clone.ts';
import type { RequestContext } from './context.ts';
import { checkFence } from './fence.ts';

/** A request that a plugin answers, beside an object that exists; upstream's `NamedCreater`. */
export async function handleSubresource(
  context: RequestContext,
  handler: SubresourceHandler,
): Promise<DoorAnswer> {
  const { request, served, stages, warnings } = context;
  const verb = handler.verbs.find(each => each === request.verb);
  if (verb === undefined) throw methodNotAllowed();
  const { name = '', namespace = '' } = request;
  await (request.fence ? checkFence(context) : stages.objects.sync());
  const stored = served.store.get(served.key(namespace, name));
  if (stored === undefined) throw notFound(served.subject, name);
  const object = (await served.show(stored)).object();
  const { value, code } = await handler.handle({
    verb,
    user: context.user,
    namespace,
    name,
    object,
    body: verb === 'get' ? undefined : await admittedBody(context, handler, object),
    dryRun: context.dryRun,
    options: request.options ?? {},
  });
  return { type: 'value', value, code: code ?? (verb === 'create' ? 201 : 200), warnings };
}

async function admittedBody(
  context: RequestContext,
  handler: SubresourceHandler,
  old: KubeObject,
): Promise<KubeObject> {
  const given = cloneJson(context.request.body);
  const form = formOf(handler, given);
  const body = form ? context.decode(given, form.schema, form) : context.decodeObject(given);
  form?.defaults?.(body);
  const creates = context.request.verb === 'create';
  const operation = creates ? 'CREATE' : 'UPDATE';
  // What other threads make of it must be a body again.
  context.decodesAdmitted = given =>
    form ? context.decode(given, form.schema, form) : context.decodeObject(given);
  const admitted = (await context.mutate(operation, body, creates ? undefined : old)) ?? body;
  await context.validateAdmission(admitted);
  return admitted;
}

/** What the body says that it is; the newest of what may travel if it says something else. */
function formOf({ body, olderBodies = [] }: SubresourceHandler, given: unknown) {
  const { apiVersion, kind } = (given ?? {}) as { apiVersion?: unknown; kind?: unknown };
  return olderBodies.find(each => kind === each.kind && apiVersion === apiVersionOf(each)) ?? body;
}
