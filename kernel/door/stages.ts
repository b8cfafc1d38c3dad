import type { AdmissionOperation, AdmissionPlugin, AdmissionRule } from '../../sdk/admission.ts';
import { admissionPoint } from '../../sdk/admission.ts';
import type { AuditAnnotations } from '../../sdk/audit.ts';
import {
  type Attributes,
  type Authenticated,
  type AuthorizerVerdict,
  authenticatorPoint,
  authorizerPoint,
  type Credentials,
  type Decision,
  type ResolvedRules,
  type Review,
} from '../../sdk/auth.ts';
import type { Clock } from '../../sdk/clock.ts';
import { type RemoteVersion, remoteVersionPoint } from '../../sdk/connect.ts';
import {
  type Decoder,
  decoderPoint,
  type Patcher,
  patcherPoint,
  type ShapeTransform,
  shapePoint,
} from '../../sdk/door.ts';
import type { ExtensionPoint } from '../../sdk/extension.ts';
import { type FieldManager, fieldManagerPoint } from '../../sdk/field-manager.ts';
import type { Random } from '../../sdk/random.ts';
import type { PatchType, User } from '../../sdk/request.ts';
import {
  ApiError,
  forbidden,
  serviceUnavailable,
  unauthorized,
  unsupportedMediaType,
} from '../../sdk/status.ts';
import { type SubresourceHandler, subresourcePoint } from '../../sdk/subresource.ts';
import type { Extensions } from '../extensions.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { WatchBus } from '../watch/bus.ts';
import type { KindRegistry } from './registry.ts';

/** The door's stages as the plugins filled them, and what it works on. */
export class Stages {
  readonly objects: ObjectStore;
  readonly bus: WatchBus;
  readonly kinds: KindRegistry;
  readonly clock: Clock;
  readonly random: Random;
  readonly #extensions: Extensions;
  readonly #admission = new Map<string, readonly AdmissionPlugin[]>();

  constructor(options: StagesOptions) {
    this.objects = options.objects;
    this.bus = options.bus;
    this.kinds = options.kinds;
    this.clock = options.clock;
    this.random = options.random;
    this.#extensions = options.extensions;
    this.#extensions.onChange(admissionPoint, () => this.#admission.clear());
  }

  get decoder(): Decoder {
    return this.#one(decoderPoint);
  }

  get fieldManager(): FieldManager | undefined {
    return this.#extensions.list(fieldManagerPoint)[0]?.value;
  }

  /** Throws UnsupportedMediaType. */
  patcher(type: PatchType): Patcher {
    const patchers = this.#extensions.list(patcherPoint);
    const found = patchers.find(({ value }) => value.types.includes(type));
    if (found === undefined)
      throw unsupportedMediaType(patchers.flatMap(({ value }) => value.types));
    return found.value;
  }

  shape(name: ShapeTransform['name']): ShapeTransform {
    const found = this.#extensions.list(shapePoint).find(({ value }) => value.name === name);
    if (found === undefined) throw serviceUnavailable(`No plugin gives the shape ${name}`);
    return found.value;
  }

  async authenticate(credentials: Credentials): Promise<Authenticated> {
    for (const { value } of this.#extensions.list(authenticatorPoint)) {
      const user = await value.authenticate(credentials);
      if (user !== undefined) return user;
    }
    throw unauthorized();
  }

  /** Throws Forbidden unless allowed. Synchronous where the authorizers are. */
  authorize(attributes: Attributes, annotations?: AuditAnnotations): void | Promise<void> {
    return this.#authorizeFrom(attributes, { first: 0, reasons: [], annotations });
  }

  #authorizeFrom(
    attributes: Attributes,
    { first, reasons, annotations }: Asking,
  ): void | Promise<void> {
    const authorizers = this.#extensions.list(authorizerPoint);
    let given = reasons;
    for (let i = first; i < authorizers.length; i++) {
      const decision = authorizers[i]?.value.authorize(attributes);
      if (decision instanceof Promise) {
        return decision.then(value => {
          const verdict = verdictOf(value);
          const all = withReason(given, value);
          if (verdict === 'no-opinion') {
            return this.#authorizeFrom(attributes, { first: i + 1, reasons: all, annotations });
          }
          note(annotations, verdict, verdict === 'allow' ? reasonOf(value) : all.join('\n'));
          if (verdict !== 'allow') throw denied(attributes, all);
        });
      }
      const verdict = verdictOf(decision);
      if (verdict === 'allow') return note(annotations, verdict, reasonOf(decision));
      given = withReason(given, decision);
      if (verdict !== 'no-opinion') break;
    }
    note(annotations, 'deny', given.join('\n'));
    throw denied(attributes, given);
  }

  /** The same, told instead of thrown. */
  async review(attributes: Attributes): Promise<Review> {
    const reasons: string[] = [];
    for (const { value } of this.#extensions.list(authorizerPoint)) {
      const decision = await value.authorize(attributes);
      const verdict = verdictOf(decision);
      const reason = typeof decision === 'object' ? decision.reason : '';
      if (verdict === 'allow') return { allowed: true, denied: false, reason };
      if (verdict !== 'no-opinion') return { allowed: false, denied: true, reason };
      if (reason) reasons.push(reason);
    }
    return { allowed: false, denied: false, reason: reasons.join('\n') };
  }

  rules(user: User, namespace: string): ResolvedRules {
    const all = this.#extensions
      .list(authorizerPoint)
      .map(({ value }) => value.rules?.(user, namespace) ?? UNKNOWN_RULES);
    return {
      resources: all.flatMap(({ resources }) => resources),
      paths: all.flatMap(({ paths }) => paths),
      incomplete: all.some(({ incomplete }) => incomplete),
    };
  }

  /** Another server's, which goes before kinds of the same group version. */
  remoteVersion(group: string, version: string): RemoteVersion | undefined {
    const all = this.#extensions.list(remoteVersionPoint);
    return all.find(({ value }) => value.group === group && value.version === version)?.value;
  }

  /** Who serves a subresource that its kind does not. */
  subresource(group: string, resource: string, name: string): SubresourceHandler | undefined {
    return this.#extensions
      .list(subresourcePoint)
      .find(
        ({ value }) =>
          value.subresource === name && value.resource === resource && value.group === group,
      )?.value;
  }

  /** The admission plugins that look at such a request, in profile order. */
  admission(
    operation: AdmissionOperation,
    group: string,
    resource: string,
  ): readonly AdmissionPlugin[] {
    const id = `${operation} ${group}/${resource}`;
    let plugins = this.#admission.get(id);
    if (plugins === undefined) {
      plugins = this.#extensions
        .list(admissionPoint)
        .map(({ value }) => value)
        .filter(({ rules }) => rules.some(rule => applies(rule, operation, group, resource)));
      this.#admission.set(id, plugins);
    }
    return plugins;
  }

  #one<T>(point: ExtensionPoint<T>): T {
    const [first] = this.#extensions.list(point);
    if (first === undefined) throw serviceUnavailable(`No plugin gives the "${point.name}"`);
    return first.value;
  }
}

export interface StagesOptions {
  readonly objects: ObjectStore;
  readonly bus: WatchBus;
  readonly kinds: KindRegistry;
  readonly extensions: Extensions;
  readonly clock: Clock;
  readonly random: Random;
}

/** How far the question went. */
interface Asking {
  /** The authorizer that is asked next. */
  readonly first: number;
  readonly reasons: readonly string[];
  readonly annotations: AuditAnnotations | undefined;
}

function applies(
  rule: AdmissionRule,
  operation: AdmissionOperation,
  group: string,
  resource: string,
): boolean {
  if (!rule.operations.includes(operation)) return false;
  if (!rule.groups.includes('*') && !rule.groups.includes(group)) return false;
  return rule.resources.some(
    each => each === resource || each === '*/*' || (each === '*' && !resource.includes('/')),
  );
}

/** What no authorizer should say is no. */
function verdictOf(decision: Decision | undefined): AuthorizerVerdict {
  return (typeof decision === 'object' ? decision.verdict : decision) ?? 'deny';
}

const UNKNOWN_RULES: ResolvedRules = { resources: [], paths: [], incomplete: true };

function reasonOf(decision: Decision | undefined): string {
  return typeof decision === 'object' ? decision.reason : '';
}

/** As upstream's audit log has it. */
function note(
  annotations: AuditAnnotations | undefined,
  verdict: AuthorizerVerdict,
  reason: string,
): void {
  if (annotations === undefined) return;
  annotations['authorization.k8s.io/decision'] = verdict === 'allow' ? 'allow' : 'forbid';
  annotations['authorization.k8s.io/reason'] = reason;
}

function withReason(reasons: readonly string[], decision: Decision | undefined): readonly string[] {
  const reason = reasonOf(decision);
  return reason ? [...reasons, reason] : reasons;
}

function denied(attributes: Attributes, reasons: readonly string[]): ApiError {
  const { user, verb } = attributes;
  const because = reasons.length > 0 ? `: ${reasons.join('\n')}` : '';
  if ('path' in attributes) {
    return new ApiError({
      message: `forbidden: User "${user.name}" cannot ${verb} path "${attributes.path}"${because}`,
      reason: 'Forbidden',
      details: {},
      code: 403,
    });
  }
  const { group, resource, subresource, namespace, name } = attributes;
  const full = subresource ? `${resource}/${subresource}` : resource;
  const where = namespace ? ` in the namespace "${namespace}"` : ' at the cluster scope';
  const why = `User "${user.name}" cannot ${verb} resource "${full}" in API group "${group}"${where}`;
  return forbidden({ group, resource }, name, `${why}${because}`);
}
