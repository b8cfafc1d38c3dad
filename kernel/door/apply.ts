import type { DoorAnswer } from '../../sdk/door.ts';
import type { FieldManager } from '../../sdk/field-manager.ts';
import { forbiddenValue, required, tooLong } from '../../sdk/field-path.ts';
import type { KubeObject } from '../../sdk/kind.ts';
import type { Subresource } from '../../sdk/kind-definition.ts';
import type { PatchType } from '../../sdk/request.ts';
import {
  badRequest,
  conflict,
  type FieldError,
  invalid,
  unsupportedMediaType,
} from '../../sdk/status.ts';
import { Limits } from '../limits.ts';
import { MANAGER_LENGTH_MAX, type RequestContext } from './context.ts';
import { createObject } from './create.ts';
import { existsNow } from './newest.ts';
import { authorizeCreate, checkName, patch, subresourceOf } from './update.ts';
import { write } from './write.ts';

/** PATCH, of which server-side apply is the kind that also makes objects. */
export async function patchOrApply(context: RequestContext): Promise<DoorAnswer> {
  checkOptions(context);
  return context.isApply ? apply(context) : patch(context);
}

async function apply(context: RequestContext): Promise<DoorAnswer> {
  const sub = subresourceOf(context, 'patch');
  const manager = context.stages.fieldManager;
  if (manager === undefined || (sub?.apply && !sub.appliedAs)) throw unsupportedMediaType(OTHERS);
  const config = configOf(context, sub);
  for (let attempts = 1; ; attempts++) {
    const exists = context.request.subresource !== undefined || (await existsNow(context));
    try {
      if (!exists) return await createApplied(context, manager, config);
      return await writeApplied(context, manager, { config, sub });
    } catch (error) {
      // Somebody may just have made it, or deleted it: then what was tried is not what is asked.
      if (context.request.subresource || attempts === Limits.writeAttemptsMax) throw error;
      if ((await existsNow(context)) === exists) throw error;
    }
  }
}

interface Applied {
  readonly config: KubeObject;
  readonly sub: Subresource | undefined;
}

function writeApplied(
  context: RequestContext,
  manager: FieldManager,
  { config, sub }: Applied,
): Promise<DoorAnswer> {
  return write(context, copy => {
    const merged = manager.apply(copy(), config, applyContext(context));
    const object = context.decodeObject(merged);
    const revision = config.metadata.resourceVersion;
    checkName(context, object);
    context.served.version.defaults?.(object);
    if (sub?.body || !sub?.apply) return { object, revision };
    // Only it knows what of the object may be changed that way.
    const changed = copy();
    sub.apply(changed, object, context.strategy);
    const { managedFields = [] } = object.metadata;
    return { object: { ...changed, metadata: { ...changed.metadata, managedFields } }, revision };
  });
}

async function createApplied(
  context: RequestContext,
  manager: FieldManager,
  config: KubeObject,
): Promise<DoorAnswer> {
  const { request, served } = context;
  const { name = '' } = request;
  const { uid, generateName } = config.metadata;
  await authorizeCreate(context);
  if (uid) {
    const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
    throw conflict(served.subject, name, why);
  }
  if (!config.metadata.name && generateName) {
    throw badRequest(
      `the name of the object (${name} based on URL) was undeterminable: name must be provided`,
    );
  }
  const applied = await context.converting(() =>
    manager.apply(undefined, config, applyContext(context)),
  );
  const object = context.decodeObject(applied);
  checkName(context, object);
  return createObject(context, object);
}

function applyContext(context: RequestContext) {
  const { request, served } = context;
  const force = request.options?.force ?? false;
  return { ...context.fieldContext, kind: served.kind.kind, force };
}

/** What is applied, in the form of the object itself. Throws BadRequest. */
function configOf(context: RequestContext, sub: Subresource | undefined): KubeObject {
  const { body } = context.request;
  if (!isMap(body)) throw badRequest('error decoding YAML: the applied configuration is no object');
  const { metadata = {} } = body as Partial<KubeObject>;
  if (!isMap(metadata)) throw badRequest('error decoding YAML: metadata is no object');
  const whole = { ...body, metadata } as KubeObject;
  return sub?.appliedAs ? partOf(context, whole, sub) : whole;
}

/** What a body that is applied to a subresource says of the object itself. */
function partOf(context: RequestContext, body: KubeObject, sub: Subresource): KubeObject {
  const { name, uid, resourceVersion, managedFields } = body.metadata;
  if (managedFields) throw badRequest('metadata.managedFields must be nil');
  const { kind, apiVersion } = context.served;
  const view = sub.body
    ? context.decode(body, sub.body.schema, sub.body)
    : context.decodeObject(body);
  return {
    ...sub.appliedAs?.(view),
    apiVersion,
    kind: kind.kind,
    metadata: {
      ...(name && { name }),
      ...(uid && { uid }),
      ...(resourceVersion && { resourceVersion }),
    },
  };
}

/** Upstream's ValidatePatchOptions. */
function checkOptions({ request, isApply }: RequestContext): void {
  const { fieldManager, force } = request.options ?? {};
  const errors: FieldError[] = [];
  if (isApply && !fieldManager) {
    errors.push(required('fieldManager', 'is required for apply patch'));
  }
  if (!isApply && force !== undefined) {
    errors.push(forbiddenValue('force', 'may not be specified for non-apply patch'));
  }
  if (isApply && fieldManager && fieldManager.length > MANAGER_LENGTH_MAX) {
    errors.push(tooLong('fieldManager', MANAGER_LENGTH_MAX));
  }
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', errors);
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What else a resource that cannot be applied can be patched with. */
const OTHERS: readonly PatchType[] = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
];
