import type { AdmissionOperation, AdmissionPlugin, AdmissionRequest } from '../../sdk/admission.ts';
import type { AuditAnnotations } from '../../sdk/audit.ts';
import type { FieldManagerContext } from '../../sdk/field-manager.ts';
import type { KubeObject } from '../../sdk/kind.ts';
import type { StrategyContext } from '../../sdk/kind-definition.ts';
import type { ObjectRequest, User } from '../../sdk/request.ts';
import type { Schema } from '../../sdk/schema.ts';
import { badRequest, invalid } from '../../sdk/status.ts';
import type { WriteOutcome, WriteRequest } from '../store/object-store.ts';
import { Conversions } from './conversions.ts';
import { writeFenced } from './fence.ts';
import { checkMetadata } from './metadata.ts';
import type { Served } from './registry.ts';
import { settleApplied } from './settle-applied.ts';
import type { Stages } from './stages.ts';

/** One request on its way through the door. */
export class RequestContext {
  readonly stages: Stages;
  readonly user: User;
  readonly request: ObjectRequest;
  readonly served: Served;
  readonly warnings: string[] = [];
  readonly auditAnnotations: AuditAnnotations;
  /** The name comes of generateName: admission is told none, as upstream's is. */
  drawsName = false;
  /** Reads what an admission plugin made of the object, where that is the body of a subresource. */
  decodesAdmitted: ((given: KubeObject) => KubeObject) | undefined;
  #conversions: Conversions | undefined;
  #admitted: AdmissionRequest | undefined;

  constructor(
    stages: Stages,
    user: User,
    request: ObjectRequest,
    served: Served,
    annotations: AuditAnnotations = {},
  ) {
    this.stages = stages;
    this.user = user;
    this.request = request;
    this.served = served;
    this.auditAnnotations = annotations;
  }

  get dryRun(): boolean {
    return this.request.options?.dryRun ?? false;
  }

  /** Who owns the fields that this request writes: what it says, else who sends it. */
  get manager(): string {
    return this.request.options?.fieldManager || this.user.name.slice(0, MANAGER_LENGTH_MAX);
  }

  get strategy(): StrategyContext {
    const { clock, random } = this.stages;
    return { clock, random, user: this.user, version: this.served.version.name };
  }

  /** The body in the shape that the schema asks for; throws BadRequest. */
  decode(
    body: unknown,
    schema: Schema,
    gvk: { group: string; version: string; kind: string },
  ): KubeObject {
    checkKind(body, gvk);
    const { object, unknown } = this.stages.decoder.decode(body, schema, gvk);
    this.#reportUnknown(unknown, gvk);
    return object;
  }

  decodeObject(body: unknown): KubeObject {
    const { kind, version } = this.served;
    const object = this.decode(body, version.schema, {
      group: kind.group,
      version: version.name,
      kind: kind.kind,
    });
    this.#checkNamespace(object);
    return object;
  }

  /** Runs the mutating admission plugins; returns the object, perhaps another. */
  async mutate(operation: AdmissionOperation, object: KubeObject | undefined, old?: KubeObject) {
    const { kind, version } = this.served;
    const { resource, subresource = '', namespace = '', name = '' } = this.request;
    const admission: Writable<AdmissionRequest> = {
      operation,
      user: this.user,
      group: kind.group,
      version: version.name,
      resource,
      subresource,
      kind: kind.kind,
      namespace,
      name: this.drawsName ? '' : name || (object?.metadata.name ?? ''),
      object,
      oldObject: old,
      dryRun: this.dryRun,
      options: this.request.options ?? {},
      deleteOptions: operation === 'DELETE' ? this.request.body : undefined,
      isReinvocation: false,
      reinvoke: false,
      warnings: this.warnings,
      auditAnnotations: this.auditAnnotations,
    };
    this.#admitted = admission;
    await this.#runMutating(admission);
    if (admission.reinvoke) {
      admission.isReinvocation = true;
      await this.#runMutating(admission);
    }
    return admission.object;
  }

  async #runMutating(admission: AdmissionRequest): Promise<void> {
    for (const plugin of this.#admissionPlugins(admission.operation)) {
      const mutated = await plugin.mutate?.(admission);
      // It may come from another thread, whose plugin can send anything.
      if (mutated) {
        admission.object = this.decodesAdmitted?.(mutated) ?? this.decodeObject(mutated);
      }
    }
  }

  /** Runs the validating admission plugins on what `mutate` was called for. */
  async validateAdmission(object: KubeObject | undefined): Promise<void> {
    const admission = this.#admitted;
    if (admission === undefined) return;
    admission.object = object;
    for (const plugin of this.#admissionPlugins(admission.operation)) {
      const warnings = await plugin.validate?.(admission);
      // It may come from another thread, whose plugin can send anything.
      if (Array.isArray(warnings)) this.warnings.push(...warnings.map(String));
    }
  }

  /** Writes to the store what was admitted. */
  async commit(write: WriteRequest): Promise<WriteOutcome> {
    const { fence } = this.request;
    const outcome = fence
      ? await writeFenced(this, fence, write)
      : await this.stages.objects.write(this.served.store, write);
    if (outcome.ok) this.#admitted = undefined;
    return outcome;
  }

  /** Unless it was committed nothing came of it: plugins that reserved something let it go. */
  abandon(): void {
    const admission = this.#admitted;
    if (admission === undefined) return;
    this.#admitted = undefined;
    for (const plugin of this.#admissionPlugins(admission.operation)) {
      void letGo(plugin, admission);
    }
  }

  /** Throws Invalid with everything that is wrong with an object in the request's version. */
  validate(object: KubeObject, old: KubeObject | undefined): void {
    const { kind } = this.served;
    const { strategy } = kind;
    const isStatus = this.request.subresource === 'status';
    const errors = checkMetadata(object, kind, old);
    if (isStatus && old) {
      errors.push(...(strategy.validateStatusUpdate?.(object, old) ?? []));
    } else {
      errors.push(...(strategy.validate?.(object) ?? []));
      if (old) errors.push(...(strategy.validateUpdate?.(object, old) ?? []));
      else errors.push(...(strategy.validateCreate?.(object) ?? []));
    }
    if (errors.length > 0) throw invalid(kind, object.metadata.name ?? '', errors);
  }

  /** Synchronous where versions are made of one another at once. */
  trackFields(object: KubeObject, old: KubeObject | undefined): void | Promise<void> {
    const { fieldManager } = this.stages;
    if (this.isApply) settleApplied(object, old);
    else return this.converting(() => fieldManager?.update(object, old, this.fieldContext));
  }

  /** Runs what may use `fieldContext.convert`; again, when it had to wait for a conversion. */
  converting<T>(compute: () => T): T | Promise<T> {
    const { served, stages } = this;
    if (served.kind.convert === undefined) return compute();
    this.#conversions ??= new Conversions(served, stages.kinds.equivalents(served));
    return this.#conversions.run(compute);
  }

  /** A server-side apply: it has tracked its fields when it was merged. */
  get isApply(): boolean {
    return this.request.patchType === 'application/apply-patch+yaml';
  }

  get fieldContext(): FieldManagerContext {
    const { served, stages } = this;
    const later = this.#conversions;
    return {
      manager: this.manager,
      schema: served.version.schema,
      apiVersion: served.apiVersion,
      subresource: this.request.subresource ?? '',
      statusApart: served.kind.strategy.status ?? false,
      clock: stages.clock,
      convert: (object, apiVersion) =>
        later
          ? later.convert(object, apiVersion)
          : stages.kinds.convert(served, object, apiVersion),
    };
  }

  #admissionPlugins(operation: AdmissionOperation) {
    const { subresource, resource } = this.request;
    const path = subresource ? `${resource}/${subresource}` : resource;
    return this.stages.admission(operation, this.served.kind.group, path);
  }

  #checkNamespace(object: KubeObject): void {
    const { namespace } = this.request;
    const given = object.metadata.namespace;
    if (!this.served.kind.namespaced) {
      if (given) delete object.metadata.namespace;
      return;
    }
    if (given && namespace && given !== namespace) {
      throw badRequest(
        'the namespace of the provided object does not match the namespace sent on the request',
      );
    }
    if (namespace) object.metadata.namespace = namespace;
  }

  #reportUnknown(unknown: readonly string[], gvk: { version: string; kind: string }): void {
    const mode = this.request.options?.fieldValidation ?? 'Warn';
    const { duplicates = [] } = this.request;
    if (unknown.length + duplicates.length === 0 || mode === 'Ignore') return;
    const texts = [...duplicates, ...unknown.map(path => `unknown field "${path}"`)];
    if (mode === 'Warn') {
      // A second attempt finds the same once more.
      this.warnings.push(...texts.filter(text => !this.warnings.includes(text)));
      return;
    }
    throw badRequest(
      `${gvk.kind} in version "${gvk.version}" cannot be handled as a ${gvk.kind}: ` +
        `strict decoding error: ${texts.join(', ')}`,
    );
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** The request was answered: a plugin that fails here, or is gone, has nobody to tell. */
async function letGo(plugin: AdmissionPlugin, admission: AdmissionRequest): Promise<void> {
  try {
    await plugin.abandon?.(admission);
  } catch {}
}

/** A body may leave its kind out, but not say another. */
function checkKind(body: unknown, gvk: { group: string; version: string; kind: string }): void {
  const { apiVersion, kind } = (body ?? {}) as { apiVersion?: unknown; kind?: unknown };
  const wanted = gvk.group ? `${gvk.group}/${gvk.version}` : gvk.version;
  if (kind !== undefined && kind !== '' && kind !== gvk.kind) {
    throw badRequest(
      `${String(kind)} in version "${String(apiVersion ?? '')}" cannot be handled as a ${gvk.kind}: ` +
        `no kind "${String(kind)}" is registered for version "${wanted}" where "${gvk.kind}" is wanted`,
    );
  }
  if (apiVersion !== undefined && apiVersion !== '' && apiVersion !== wanted) {
    throw badRequest(
      `the API version in the data (${String(apiVersion)}) does not match the expected API version (${wanted})`,
    );
  }
}

/** Upstream's bound on a field manager's name. */
export const MANAGER_LENGTH_MAX = 128;
