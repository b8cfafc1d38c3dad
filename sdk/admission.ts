import { definePoint } from './extension.ts';
import type { KubeObject } from './kind.ts';
import type { RequestOptions, User } from './request.ts';

/**
 * Looks at writes between decoding and validation. Mutating handlers run first, one after the
 * other in profile order; validating ones see the final object, and each may refuse. A refusal is
 * a thrown `ApiError`; any other throw refuses with InternalError. Runs in the kernel thread unless
 * remote; then `object` is a copy and mutations are returned.
 */
export interface AdmissionPlugin {
  readonly rules: readonly AdmissionRule[];
  /**
   * Changes `request.object` in place, or (the only way for a remote one) returns the new object.
   * Must be repeatable: an update that lost a race is admitted again.
   */
  mutate?(request: AdmissionRequest): AdmissionOutcome | Promise<AdmissionOutcome>;
  /** May return warnings for the client. */
  validate?(request: AdmissionRequest): Warnings | Promise<Warnings>;
  /** The request that was admitted came to nothing (refused later, dry run, lost a race). */
  abandon?(request: AdmissionRequest): void;
}

export type AdmissionOutcome = KubeObject | undefined | void;

/** What the client is told in `Warning` headers. */
export type Warnings = readonly string[] | undefined | void;

/** `*` stands for all. */
export interface AdmissionRule {
  readonly operations: readonly AdmissionOperation[];
  readonly groups: readonly string[];
  /** `pods`, `pods/status`, `*` (no subresources), `*\/*`. */
  readonly resources: readonly string[];
}

export type AdmissionOperation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

export interface AdmissionRequest {
  readonly operation: AdmissionOperation;
  readonly user: User;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly kind: string;
  readonly namespace: string;
  /** Empty on a create with generateName. */
  readonly name: string;
  /** In the request's version. Absent on DELETE. */
  object: KubeObject | undefined;
  /** In the request's version; frozen. Absent on CREATE. */
  readonly oldObject: KubeObject | undefined;
  readonly dryRun: boolean;
  readonly options: RequestOptions;
  /** A DELETE's options, as they came in. */
  readonly deleteOptions: unknown;
  /** All mutating plugins run a second time, since one of them asked for it. */
  readonly isReinvocation: boolean;
  /**
   * Set by a mutating plugin in the kernel's thread that changed what others before it looked at:
   * all of them run once more, but never a third time.
   */
  reinvoke: boolean;
  /** For the client; a plugin in the kernel's thread may add some. */
  readonly warnings: string[];
  /** For the audit log, by `<plugin's domain>/<key>`; likewise. */
  readonly auditAnnotations: Record<string, string>;
}

export const admissionPoint = definePoint<AdmissionPlugin>({
  name: 'admission',
  combine: 'pipeline',
  methods: ['mutate', 'validate', 'abandon'],
});
