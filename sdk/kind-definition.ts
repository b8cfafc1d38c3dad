import type { Clock } from './clock.ts';
import { definePoint } from './extension.ts';
import type { KubeObject } from './kind.ts';
import type { Random } from './random.ts';
import type { RequestOptions, User, Verb } from './request.ts';
import type { Schema } from './schema.ts';
import type { FieldError } from './status.ts';

/**
 * Everything the door must know to serve a kind. Contributed by `kind` plugins, used in the kernel
 * thread. All functions are synchronous and pure but for what they say they change.
 *
 * The door works on objects of the *request's* version up to validation, then on the storage
 * version; a kind with one version needs no conversion.
 */
export interface KindDefinition<T extends KubeObject = KubeObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly kind: string;
  /** The plural. */
  readonly resource: string;
  readonly singular: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly namespaced: boolean;
  /** Its objects are the namespaces: a right to them in a namespace is one to that namespace. */
  readonly isNamespace?: boolean;
  /**
   * Prefix of the keys without slashes at the ends (`registry/pods`), and the version kept.
   * `group` is for a kind that is kept as another group's (extensions Ingress): both definitions
   * name the same prefix, group and version.
   */
  readonly storage: KindStorage;
  /** Best first: the order of discovery. */
  readonly versions: readonly KindVersion<T>[];
  /** Absent: all. */
  readonly verbs?: readonly Verb[];
  /**
   * For a kind of `create` alone that keeps nothing: creating one is a POST to this subresource of
   * the object that bears its name. Who creates it needs the right to that too.
   */
  readonly standsFor?: { readonly resource: string; readonly subresource: string };
  /** Nothing of the kind is stored: these answer. `storage` then only names it. */
  readonly virtual?: VirtualKind<T>;
  /**
   * Versions cannot be made of one another here: somebody else is asked, and `toStorage` and
   * `fromStorage` count for nothing. Gives the objects, which may be of any version and are not to be
   * changed, in the version named, in the same order. Rejects with `ApiError`.
   */
  readonly convert?: (objects: readonly KubeObject[], apiVersion: string) => Promise<KubeObject[]>;
  /**
   * It stands in for another server's: an APIService that names a Service for the group version
   * puts that server in its place, and without one there is no APIService.
   */
  readonly isStandIn?: boolean;
  readonly strategy: KindStrategy<T>;
  /** Without `status`, which every kind with `strategy.status` has. */
  readonly subresources?: readonly Subresource<T>[];
  /** How it was in releases of Kubernetes before the newest: each tells one thing that changed. */
  readonly earlier?: readonly EarlierKind<T>[];
  /** Field selectors beside metadata.name and metadata.namespace: path -> value. */
  readonly selectableFields?: Readonly<Record<string, (object: T) => string>>;
}

export interface KindStorage {
  readonly prefix: string;
  readonly version: string;
  readonly group?: string;
  /** Versions that objects may be kept in beside `version`, from before it was the one. */
  readonly earlier?: readonly string[];
  /**
   * Brings what was kept under an earlier schema up to date: returns its argument, not changed,
   * when nothing is to do, else another object. Absent: nothing ever is.
   */
  readonly refresh?: (object: KubeObject) => KubeObject;
}

export interface KindVersion<T extends KubeObject = KubeObject> {
  /** `v1` */
  readonly name: string;
  readonly schema: Schema;
  /** Fills in defaults, in place. */
  readonly defaults?: (object: T) => void;
  /** May change and return its argument. Absent: only apiVersion differs. */
  readonly toStorage?: (object: T) => KubeObject;
  readonly fromStorage?: (object: T) => KubeObject;
  /** Table columns and cells; the first is the name. Absent: Name and Age. */
  readonly columns?: readonly TableColumn[];
  /** One cell a column. */
  readonly row?: (object: T, now: number) => readonly TableCell[];
  /** The answer has a `Warning` header with it. */
  readonly deprecation?: string;
  /** The releases of Kubernetes that serve it, for `--emulate`; absent: all that we know. */
  readonly releases?: Releases;
  /** What differs from the kind in this version. */
  readonly own?: Pick<KindDefinition<T>, 'strategy' | 'subresources' | 'selectableFields'>;
}

/** Minor releases: `{ since: 16, until: 21 }` is 1.16 to 1.21, both included. */
export interface Releases {
  readonly since?: number;
  readonly until?: number;
}

/** A kind's form up to a minor release, for `--emulate`. */
export interface EarlierKind<T extends KubeObject = KubeObject> {
  /** The last release that it was so in. */
  readonly until: number;
  /** Made of the form after it; pure. */
  as(kind: KindDefinition<T>): KindDefinition<T>;
}

export interface TableColumn {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  /** 0: always shown, 1: with `-o wide`. */
  readonly priority: number;
  readonly description?: string;
}

export type TableCell = string | number | boolean | null;

/** How objects of the kind are made, changed and checked: upstream's `rest.*Strategy`. */
export interface KindStrategy<T extends KubeObject = KubeObject> {
  /** The object has a status that only its `status` subresource changes. */
  readonly status?: boolean;
  /** Keep the status that a create brings (Node does). Default: it is dropped. */
  readonly keepStatusOnCreate?: boolean;
  /** `metadata.generation` starts at 1 and grows when `spec` changes. */
  readonly generation?: boolean;
  /** Whether a change makes it grow. Default: `spec` differs. */
  readonly raisesGeneration?: (object: T, old: T) => boolean;
  /** Default: lower-case RFC 1123 subdomain. */
  readonly validateName?: (name: string, prefix: boolean) => string | undefined;
  /** Changes the object in place before defaults' validation: initial status and the like. */
  readonly prepareCreate?: (object: T, context: StrategyContext) => void;
  readonly prepareUpdate?: (object: T, old: T, context: StrategyContext) => void;
  readonly prepareStatusUpdate?: (object: T, old: T, context: StrategyContext) => void;
  /** Findings in the order that upstream reports them. Metadata is checked by the door. */
  readonly validate?: (object: T) => FieldError[];
  /** Beside `validate`, which runs too; for what old objects may have and new ones may not. */
  readonly validateCreate?: (object: T) => FieldError[];
  /** Beside `validate`, which runs too. */
  readonly validateUpdate?: (object: T, old: T) => FieldError[];
  readonly validateStatusUpdate?: (object: T, old: T) => FieldError[];
  /** PUT creates what does not exist (Lease, Event, Endpoints …). */
  readonly createOnUpdate?: boolean;
  /** An update without resourceVersion overwrites. Default true. */
  readonly unconditionalUpdate?: boolean;
  /**
   * Graceful deletion: the seconds until the object may go, given what the client asked for;
   * `undefined` or 0: at once. Pods use it.
   */
  readonly gracePeriodSeconds?: (object: T, asked: number | undefined) => number;
  /**
   * Called on a delete after deletionTimestamp is set and while something (finalizers, grace)
   * keeps the object: Namespace sets its phase.
   */
  readonly prepareDelete?: (object: T, context: StrategyContext) => void;
  /** Beside metadata.finalizers: something else keeps a deleted object (spec.finalizers). */
  readonly heldBy?: (object: T) => boolean;
  /** Default propagation when neither the client nor a finalizer says; default `background`. */
  readonly defaultOrphan?: boolean;
  /** A delete that ends the object answers with its last state, not with a Status. */
  readonly returnsDeleted?: boolean;
  /** Gone after this many seconds (Event). */
  readonly ttlSeconds?: number;
}

export interface StrategyContext {
  readonly clock: Clock;
  readonly random: Random;
  /** Who asks: for kinds that keep it (CertificateSigningRequest). */
  readonly user: User;
  /** The API version of the request: some defaults differ. */
  readonly version: string;
}

/**
 * `status`, `scale`, `binding`, `finalize` …: a view of an object, or a change to it. Pure; the
 * door authorizes, admits, validates and commits around it.
 */
export interface Subresource<T extends KubeObject = KubeObject> {
  readonly name: string;
  /** What travels; absent: the object itself. */
  readonly body?: {
    readonly group: string;
    readonly version: string;
    readonly kind: string;
    readonly schema: Schema;
    /** As a kind's version has them. Absent: it is sent as it is to who asks for a Table. */
    readonly columns?: readonly TableColumn[];
    readonly row?: (body: KubeObject, now: number) => readonly TableCell[];
  };
  readonly verbs: readonly ('get' | 'create' | 'update' | 'patch')[];
  /** The view that a GET answers and that patches apply to. Absent: the object. */
  readonly get?: (object: T) => KubeObject;
  /**
   * For create, update and patch: `object` is a clone of the stored one in the storage version,
   * to be changed in place (or thrown an ApiError over). Returns the answer's body, or nothing:
   * then the answer is `get`'s view (update, patch) or a `Success` Status (create).
   */
  readonly apply?: (
    object: T,
    body: KubeObject,
    context: StrategyContext,
  ) => KubeObject | undefined;
  /**
   * The part of the object itself that a server-side apply of `body` applies: `{ spec: { replicas:
   * 2 } }`. It is merged and owned there; without a `body` of the subresource's own, `apply` is then
   * called with the merged object. Absent: a subresource with `apply` cannot be applied.
   */
  readonly appliedAs?: (body: KubeObject) => object;
  /** Whether `apply`'s outcome runs through the strategy's update path. Default true. */
  readonly validates?: boolean;
}

/**
 * Answers for a kind that the store knows nothing of: reviews, metrics, component statuses. The
 * request is authorized, its body decoded and defaulted. Rejects with `ApiError`. In the kernel's
 * thread. What is absent is MethodNotAllowed.
 */
export interface VirtualKind<T extends KubeObject = KubeObject> {
  /** The answer, `object` itself perhaps: it is the callee's. */
  create?(object: T, request: VirtualRequest): T | Promise<T>;
  /** Throws NotFound. */
  get?(name: string, request: VirtualRequest): T | Promise<T>;
  /** All of the namespace, or of the cluster where it is empty; selectors are applied to it. */
  list?(request: VirtualRequest): readonly T[] | Promise<readonly T[]>;
}

/** Who asks what. */
export interface VirtualRequest {
  readonly user: User;
  /** Empty: all, or none. */
  readonly namespace: string;
  readonly options: RequestOptions;
}

export const kindPoint = definePoint<KindDefinition>({
  name: 'kind',
  combine: 'unique',
  methods: [],
});

/** A kind as one of its versions has it. */
export function inVersion(kind: KindDefinition, { own }: KindVersion): KindDefinition {
  return own === undefined ? kind : { ...kind, ...own };
}

/** Only gives its argument back, as the point takes it: lets a kind's functions say its type. */
export function defineKind<T extends KubeObject>(definition: KindDefinition<T>): KindDefinition {
  return definition as unknown as KindDefinition;
}

/** The same for one version whose type is not that of the others. */
export function defineVersion<T extends KubeObject>(version: KindVersion<T>): KindVersion {
  return version as unknown as KindVersion;
}

/** The same for a subresource that several kinds have. */
export function defineSubresource<T extends KubeObject>(subresource: Subresource<T>): Subresource {
  return subresource as unknown as Subresource;
}
