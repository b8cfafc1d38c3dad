import { isDeepStrictEqual } from 'node:util';
import {
  type AdmissionRequest,
  type Decoder,
  type Hook,
  type HookCaller,
  type Invocation,
  internalError,
  isExempt,
  type KubeObject,
  type Matching,
  type Patcher,
} from 'kernetes/sdk';

export interface MutatingOptions {
  readonly matching: Matching;
  readonly patcher: () => Patcher;
  readonly decoder: () => Decoder;
}

/** What was done with a request so far; upstream's reinvocation context. */
interface Progress {
  /** May be called again, as soon as somebody changes the object after them. */
  readonly called: Set<Hook>;
  readonly due: Set<Hook>;
  /** As the webhooks left it. */
  last: KubeObject | undefined;
}

/**
 * Webhooks are asked one after the other, each about what the one before left. When one changes the
 * object, all mutating plugins run once more; of the webhooks then only those that want it, and only
 * where something was changed since they were asked.
 */
export class MutatingWebhooks {
  readonly #hooks: readonly Hook[];
  readonly #caller: HookCaller;
  readonly #options: MutatingOptions;
  readonly #progress = new WeakMap<AdmissionRequest, Progress>();

  constructor(hooks: readonly Hook[], caller: HookCaller, options: MutatingOptions) {
    this.#hooks = hooks;
    this.#caller = caller;
    this.#options = options;
  }

  async mutate(request: AdmissionRequest): Promise<void> {
    if (isExempt(request)) return;
    const progress = this.#progressOf(request);
    for (const hook of this.#hooks) {
      if (request.isReinvocation && !progress.due.has(hook)) continue;
      const invocation = await this.#caller.invocation(hook, request);
      if (invocation === undefined) continue;
      const isChanged = await this.#call(invocation, request);
      if (isChanged) {
        for (const each of progress.called) progress.due.add(each);
        request.reinvoke = true;
      }
      progress.due.delete(hook);
      if (hook.webhook.reinvocationPolicy === 'IfNeeded') progress.called.add(hook);
    }
    progress.last = structuredClone(request.object);
  }

  #progressOf(request: AdmissionRequest): Progress {
    const known = this.#progress.get(request);
    if (known === undefined || !request.isReinvocation) {
      const fresh: Progress = { called: new Set(), due: new Set(), last: undefined };
      this.#progress.set(request, fresh);
      return fresh;
    }
    // A plugin before this one made something else of it, the second time.
    if (!isDeepStrictEqual(known.last, request.object)) {
      for (const each of known.called) known.due.add(each);
    }
    return known;
  }

  async #call(invocation: Invocation, request: AdmissionRequest): Promise<boolean> {
    const { hook, object } = invocation;
    const response = await this.#caller.call(invocation, request);
    if (response === undefined) return false;
    const { patch = [] } = response;
    const patched = patch.length === 0 ? object : this.#patch(invocation, request, patch);
    const mutated = patched !== object && !isDeepStrictEqual(patched, object);
    const round = request.isReinvocation ? 1 : 0;
    const key = `mutation.webhook.admission.k8s.io/round_${round}_index_${hook.index}`;
    const { configuration, name: webhook } = hook;
    request.auditAnnotations[key] = JSON.stringify({ configuration, webhook, mutated });
    if (!mutated || patched === undefined) return false;
    const { matching } = this.#options;
    request.object = await matching.convertBack(request, patched, invocation.as);
    return true;
  }

  /** The object as the webhook wants it, in the version that it saw. */
  #patch(
    { hook, as, data, object }: Invocation,
    { operation }: AdmissionRequest,
    patch: readonly unknown[],
  ): KubeObject {
    const { matching, patcher, decoder } = this.#options;
    const { kind, version } = matching.resolve(as);
    if (object === undefined || operation === 'CONNECT' || data.kind.kind !== kind.kind) {
      const name = JSON.stringify(hook.name);
      throw internalError(
        `admission webhook ${name} attempted to modify the object, which is not supported for this operation`,
      );
    }
    const { schema } = version;
    try {
      const type = 'application/json-patch+json';
      const patched = patcher().patch(object, patch, { type, schema });
      const gvk = { group: kind.group, version: version.name, kind: kind.kind };
      const decoded = decoder().decode(patched, schema, gvk).object;
      version.defaults?.(decoded);
      return decoded;
    } catch (error) {
      throw internalError(error);
    }
  }
}
