import type { DoorAnswer, EncodedObject } from '../../sdk/door.ts';
import { apiVersionOf, type KubeObject } from '../../sdk/kind.ts';
import type { VirtualKind, VirtualRequest } from '../../sdk/kind-definition.ts';
import { invalid, methodNotAllowed } from '../../sdk/status.ts';
import type { RequestContext } from './context.ts';
import { matcherOf } from './select.ts';

/** What a kind's plugin answers in the store's place. */
export async function answerVirtual(
  context: RequestContext,
  virtual: VirtualKind,
): Promise<DoorAnswer> {
  const { request, user } = context;
  const { namespace = '', options = {} } = request;
  const asked: VirtualRequest = { user, namespace, options };
  switch (request.verb) {
    case 'create':
      return created(context, virtual, asked);
    case 'get':
      if (virtual.get === undefined) throw methodNotAllowed();
      return { ...answer(context, await virtual.get(request.name ?? '', asked)), created: false };
    case 'list':
      return listed(context, virtual, asked);
    default:
      throw methodNotAllowed();
  }
}

async function created(
  context: RequestContext,
  virtual: VirtualKind,
  asked: VirtualRequest,
): Promise<DoorAnswer> {
  if (virtual.create === undefined) throw methodNotAllowed();
  const object = context.decodeObject(context.request.body);
  context.served.version.defaults?.(object);
  const admitted = (await context.mutate('CREATE', object)) ?? object;
  const errors = context.served.kind.strategy.validate?.(admitted) ?? [];
  if (errors.length > 0) throw invalid(context.served.kind, admitted.metadata.name ?? '', errors);
  await context.validateAdmission(admitted);
  return { ...answer(context, await virtual.create(admitted, asked)), created: true };
}

async function listed(
  context: RequestContext,
  virtual: VirtualKind,
  asked: VirtualRequest,
): Promise<DoorAnswer> {
  if (virtual.list === undefined) throw methodNotAllowed();
  const { served } = context;
  const matches = matcherOf(served, asked.options);
  const items = (await virtual.list(asked)).filter(each => matches === undefined || matches(each));
  return {
    type: 'list',
    items: items.map(each => encode(context, each)),
    resourceVersion: '',
    continue: '',
    remainingItemCount: undefined,
    kind: served.kind,
    version: served.version,
  };
}

function answer(context: RequestContext, object: KubeObject) {
  const { warnings } = context;
  return { type: 'object' as const, object: encode(context, object), warnings };
}

function encode({ served }: RequestContext, given: KubeObject): EncodedObject {
  const apiVersion = apiVersionOf({ group: served.kind.group, version: served.version.name });
  const { kind: _, apiVersion: __, ...rest } = given;
  const object = { kind: served.kind.kind, apiVersion, ...rest };
  const head = Buffer.from(`${JSON.stringify({ kind: object.kind, apiVersion }).slice(0, -1)},`);
  return { head, tail: Buffer.from(JSON.stringify(rest).slice(1)), object: () => object };
}
