import type { DoorAnswer } from '../../sdk/door.ts';
import type { KubeObject } from '../../sdk/kind.ts';
import type { VirtualKind, VirtualRequest } from '../../sdk/kind-definition.ts';
import { invalid, methodNotAllowed } from '../../sdk/status.ts';
import type { RequestContext } from './context.ts';
import { checkFence } from './fence.ts';
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
      await checkFence(context);
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
    items: items.map(each => served.encodeMade(each)),
    resourceVersion: '',
    continue: '',
    remainingItemCount: undefined,
    kind: served.kind,
    version: served.version,
  };
}

function answer({ served, warnings }: RequestContext, object: KubeObject) {
  return { type: 'object' as const, object: served.encodeMade(object), warnings };
}
