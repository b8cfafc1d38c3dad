import type { AuditAnnotations } from '../../sdk/audit.ts';
import type {
  Attributes,
  Authenticated,
  Credentials,
  ResolvedRules,
  ResourceAttributes,
  Review,
} from '../../sdk/auth.ts';
import type {
  ConnectTarget,
  Door,
  DoorAnswer,
  DoorWatch,
  DoorWatchRequest,
  DoorWatchSink,
  ServedResource,
} from '../../sdk/door.ts';
import type { KubeObject } from '../../sdk/kind.ts';
import type { Logger } from '../../sdk/logger.ts';
import type { Fence, ObjectRequest, User, Verb, WatchRequest } from '../../sdk/request.ts';
import { ApiError, badRequest, internalError, methodNotAllowed } from '../../sdk/status.ts';
import { patchOrApply } from './apply.ts';
import { RequestContext } from './context.ts';
import { create } from './create.ts';
import { remove, removeCollection } from './delete.ts';
import { checkPlace, checkSubresource, type Target } from './place.ts';
import { freshEnough, get, list } from './read.ts';
import type { Served } from './registry.ts';
import { exactName } from './select.ts';
import type { Stages } from './stages.ts';
import { handleSubresource } from './subresource.ts';
import { createSubresource, update } from './update.ts';
import { answerVirtual } from './virtual.ts';
import { byteSink, type EventSink, openWatch, prepareWatch, watchNeeds } from './watch.ts';

/**
 * The one way in: HTTP requests, plugins' writes and batches all become an `ObjectRequest` and go
 * through the same stages. Rejects with `ApiError` only; anything else that goes wrong is logged
 * and told as InternalError.
 */
export class KernelDoor implements Door {
  readonly #stages: Stages;
  readonly #log: Logger;

  constructor(stages: Stages, log: Logger) {
    this.#stages = stages;
    this.#log = log;
  }

  authenticate(credentials: Credentials): Promise<Authenticated> {
    return this.#stages.authenticate(credentials);
  }

  authorize(attributes: Attributes, annotations?: AuditAnnotations): void | Promise<void> {
    const asked = 'resource' in attributes ? this.#scoped(attributes) : attributes;
    return this.#stages.authorize(asked, annotations);
  }

  review(attributes: Attributes): Promise<Review> {
    return this.#stages.review(attributes);
  }

  rules(user: User, namespace: string): ResolvedRules {
    return this.#stages.rules(user, namespace);
  }

  resolve(group: string, version: string, resource: string): Served {
    return this.#stages.kinds.get(group, version, resource);
  }

  equivalents(group: string, version: string, resource: string): readonly Served[] {
    return this.#stages.kinds.equivalents(this.resolve(group, version, resource));
  }

  convert(
    from: ServedResource,
    object: KubeObject,
    to: ServedResource,
  ): KubeObject | Promise<KubeObject> {
    const own = ({ kind, version }: ServedResource) =>
      this.resolve(kind.group, version.name, kind.resource);
    const source = own(from);
    const target = own(to);
    if (source.kind.convert) return source.convertTo(object, target.apiVersion);
    return target.convertFrom(source, object);
  }

  revision(): number {
    return this.#stages.objects.revision;
  }

  async request(
    user: User,
    request: ObjectRequest,
    annotations?: AuditAnnotations,
  ): Promise<DoorAnswer> {
    try {
      const remote = this.#stages.remoteVersion(request.group, request.version);
      if (remote?.request) {
        await this.#allow(user, request.verb, request, annotations);
        const value = await remote.request(user, request);
        return { type: 'value', value, code: 200, warnings: [] };
      }
      const served = await this.#admit(user, request.verb, request, annotations);
      checkSubresource(request.verb, request);
      const fenced = request.fence && this.#authorizeFence(user, request.fence);
      if (fenced) await fenced;
      const context = new RequestContext(this.#stages, user, request, served, annotations);
      const { standsFor } = served.kind;
      if (served.kind.virtual && !request.subresource)
        return await answerVirtual(context, served.kind.virtual);
      if (request.subresource) {
        const { group, resource, subresource } = request;
        const handler = this.#stages.subresource(group, resource, subresource);
        if (handler) return await handleSubresource(context, handler);
      }
      if (standsFor) {
        return await this.request(user, redirect(context, standsFor), annotations);
      }
      return await dispatch(context);
    } catch (error) {
      throw this.#toApiError(error, request);
    }
  }

  async connect(
    user: User,
    target: ConnectTarget,
    object: KubeObject,
    annotations?: AuditAnnotations,
  ): Promise<void> {
    const { verb, ...place } = target;
    try {
      const served = await this.#admit(user, verb, target, annotations);
      const request = { ...place, verb: 'get' as const };
      const context = new RequestContext(this.#stages, user, request, served, annotations);
      await context.mutate('CONNECT', object);
      await context.validateAdmission(object);
    } catch (error) {
      throw this.#toApiError(error, target);
    }
  }

  async watch(
    user: User,
    request: DoorWatchRequest,
    sink: DoorWatchSink,
    annotations?: AuditAnnotations,
  ): Promise<DoorWatch> {
    let watch: DoorWatch | undefined;
    const close = () => watch?.close();
    watch = await this.watchEvents(user, request, byteSink(sink, close), annotations);
    return watch;
  }

  /** A watch whose receiver is in this process and may want the objects themselves. */
  async watchEvents(
    user: User,
    request: DoorWatchRequest,
    sink: EventSink,
    annotations?: AuditAnnotations,
  ): Promise<DoorWatch> {
    try {
      const served = await this.#admit(user, 'watch', request, annotations);
      const context = new RequestContext(this.#stages, user, { ...request, verb: 'list' }, served);
      await freshEnough(context, watchNeeds(request));
      if (served.kind.convert) await prepareWatch(this.#stages, served, request);
      return openWatch(this.#stages, served, request, sink);
    } catch (error) {
      throw this.#toApiError(error, request);
    }
  }

  /** Finds the kind and asks whether the user may; throws NotFound, MethodNotAllowed, Forbidden. */
  async #admit(
    user: User,
    verb: Verb,
    request: Target,
    annotations?: AuditAnnotations,
  ): Promise<Served> {
    const { group, version, resource } = request;
    const authorization = this.#allow(user, verb, request, annotations);
    if (authorization instanceof Promise) await authorization;
    // Only who may use a kind hears whether there is one.
    const served = this.#stages.kinds.get(group, version, resource);
    checkPlace(served, verb, request);
    const { verbs } = served.kind;
    const isWhole = !('subresource' in request && request.subresource);
    if (verbs && isWhole && !verbs.includes(verb)) throw methodNotAllowed();
    return served;
  }

  /** Throws Forbidden unless the user may. */
  #allow(
    user: User,
    verb: Verb,
    request: Target,
    annotations?: AuditAnnotations,
  ): void | Promise<void> {
    const { group, version, resource, namespace = '' } = request;
    const name = request.name ?? nameSelected(verb, request);
    const subresource = 'subresource' in request ? (request.subresource ?? '') : '';
    const asked = { user, verb, group, version, resource, subresource, namespace, name };
    const target = request.name ? this.#scoped(asked) : asked;
    return this.#stages.authorize(withSelectors(target, request), annotations);
  }

  /** Whether a write succeeds tells what is in the object that it is fenced by. */
  #authorizeFence(user: User, fence: Fence): void | Promise<void> {
    const { group, version, resource, namespace = '', name } = fence;
    const target = { group, version, resource, subresource: '', namespace, name };
    return this.#stages.authorize({ user, verb: 'get', ...target });
  }

  /** A namespace is in itself, as upstream: who has rights in it has them to it, too. */
  #scoped(target: ResourceAttributes): ResourceAttributes {
    const { group, version, resource, namespace, name } = target;
    if (namespace || !name) return target;
    const kind = this.#stages.kinds.find(group, version, resource)?.kind;
    return kind?.isNamespace ? { ...target, namespace: name } : target;
  }

  #toApiError(error: unknown, { group, resource }: { group: string; resource: string }): ApiError {
    if (error instanceof ApiError) return error;
    this.#log.error('A request failed on our side', { error, group, resource });
    return internalError(error);
  }
}

/** Who may list or watch one object only must select it by its name. */
function nameSelected(verb: Verb, request: Target): string {
  if (verb === 'watch') return exactName((request as WatchRequest).fieldSelector);
  return verb === 'list' ? exactName((request as ObjectRequest).options?.fieldSelector) : '';
}

/** Some may list and watch only what they select. */
function withSelectors(target: ResourceAttributes, request: Target): ResourceAttributes {
  const { verb } = target;
  if (verb !== 'list' && verb !== 'watch' && verb !== 'deletecollection') return target;
  const isWatch = verb === 'watch';
  const selectors = isWatch ? (request as WatchRequest) : (request as ObjectRequest).options;
  const { fieldSelector, labelSelector } = selectors ?? {};
  if (!fieldSelector && !labelSelector) return target;
  return {
    ...target,
    ...(fieldSelector && { fieldSelector }),
    ...(labelSelector && { labelSelector }),
  };
}

/** A POST of an object that stands for a subresource becomes one to that. */
function redirect(
  context: RequestContext,
  { resource, subresource }: { readonly resource: string; readonly subresource: string },
): ObjectRequest {
  const { name } = context.decodeObject(context.request.body).metadata;
  if (!name) throw badRequest('name must be provided');
  return { ...context.request, resource, subresource, name };
}

function dispatch(context: RequestContext): Promise<DoorAnswer> {
  const { verb, name, subresource } = context.request;
  switch (verb) {
    case 'get':
      return get(context);
    case 'list':
      return list(context);
    case 'create':
      return subresource ? createSubresource(context) : create(context);
    case 'update':
      return named(context, update);
    case 'patch':
      return named(context, patchOrApply);
    case 'delete':
      return name ? remove(context) : Promise.reject(methodNotAllowed());
    case 'deletecollection':
      return removeCollection(context);
  }
}

function named(
  context: RequestContext,
  action: (context: RequestContext) => Promise<DoorAnswer>,
): Promise<DoorAnswer> {
  return context.request.name ? action(context) : Promise.reject(methodNotAllowed());
}
