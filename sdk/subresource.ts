import { definePoint } from './extension.ts';
import type { KubeObject } from './kind.ts';
import type { RequestOptions, User } from './request.ts';
import type { Schema } from './schema.ts';

/**
 * A subresource that somebody else than its kind's plugin serves, or that takes time: a token, an
 * eviction. The door authorizes the request, decodes the body and runs admission on it; the rest,
 * storing included, is the handler's (by the `door`, or its own `ctx.objects`). In the kernel's
 * thread. What changes its object and needs nobody else is a `Subresource` of the kind.
 */
export interface SubresourceHandler<B extends KubeObject = KubeObject> {
  /** Of the object that it belongs to. */
  readonly group: string;
  readonly resource: string;
  /** `token` */
  readonly subresource: string;
  readonly verbs: readonly ('get' | 'create' | 'update')[];
  /** What travels. Absent: the object itself. */
  readonly body?: SubresourceBody<B>;
  /** What may travel in its place: older versions. */
  readonly olderBodies?: readonly SubresourceBody<B>[];
  /** Resolves with the answer's body; rejects with `ApiError`. `code` defaults to 200, 201 for create. */
  handle(
    request: SubresourceRequest<B>,
  ): Promise<{ readonly value: object; readonly code?: number }>;
}

export interface SubresourceBody<B extends KubeObject = KubeObject> {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly schema: Schema;
  /** Fills in defaults, in place. */
  readonly defaults?: (body: B) => void;
}

export interface SubresourceRequest<B extends KubeObject = KubeObject> {
  readonly verb: 'get' | 'create' | 'update';
  readonly user: User;
  readonly namespace: string;
  readonly name: string;
  /** As it is stored, in the request's version; frozen. It exists. */
  readonly object: KubeObject;
  /** Absent for get. The callee's. */
  readonly body: B | undefined;
  readonly dryRun: boolean;
  readonly options: RequestOptions;
}

export const subresourcePoint = definePoint<SubresourceHandler>({
  name: 'subresource',
  combine: 'unique',
  methods: [],
});

/** Only gives its argument back, as the point takes it. */
export function defineSubresourceHandler<B extends KubeObject>(
  handler: SubresourceHandler<B>,
): SubresourceHandler {
  return handler as unknown as SubresourceHandler;
}
