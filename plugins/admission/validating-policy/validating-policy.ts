import {
  type AdmissionRequest,
  ApiError,
  addWarnings,
  celAuthorizer,
  type Door,
  forbidden,
  isExempt,
  type KubeObject,
  type Matching,
  type ResourceVersion,
  requestData,
  requestResource,
} from 'kernetes/sdk';
import type { CompiledBinding, CompiledPolicy } from './compiled-policy.ts';
import { evaluatePolicy, type Finding, type Outcome, type Subject } from './evaluation.ts';
import type { Params } from './params.ts';

export interface ValidatingPoliciesOptions {
  readonly matching: Matching;
  readonly params: Params;
  readonly door: () => Door;
}

interface Denial extends Finding {
  readonly policy: string;
  readonly binding: string | undefined;
}

/** Holds requests against policies. */
export class ValidatingPolicies {
  readonly #policies: readonly CompiledPolicy[];
  readonly #options: ValidatingPoliciesOptions;

  constructor(policies: readonly CompiledPolicy[], options: ValidatingPoliciesOptions) {
    this.#policies = policies;
    this.#options = options;
  }

  /** Throws the first refusal, when all policies have been asked. */
  async validate(request: AdmissionRequest): Promise<void> {
    if (isExempt(request) || isReview(request)) return;
    const denials: Denial[] = [];
    for (const policy of this.#policies) {
      const as = await configured(policy, undefined, denials, () =>
        this.#options.matching.find(policy.criteria, request),
      );
      if (as === undefined) continue;
      const notes = new Map<string, Set<string>>();
      for (const binding of policy.bindings) {
        const outcomes = await configured(policy, binding, denials, () =>
          this.#evaluate(policy, binding, request, as),
        );
        for (const outcome of outcomes ?? []) {
          collect(notes, outcome);
          denials.push(...act(policy, binding, request, outcome));
        }
      }
      for (const [key, values] of notes) {
        request.auditAnnotations[`${policy.name}/${key}`] = [...values].join(', ');
      }
    }
    const [first] = denials;
    if (first) throw denied(request, first);
  }

  /** One outcome for each parameter; none: the binding is not about the request. */
  async #evaluate(
    policy: CompiledPolicy,
    binding: CompiledBinding,
    request: AdmissionRequest,
    as: ResourceVersion,
  ): Promise<Outcome[]> {
    const { matching, door } = this.#options;
    if (binding.criteria && !(await matching.find(binding.criteria, request))) return [];
    const params = await this.#paramsFor(policy, binding, request);
    if (params.length === 0) return [];
    const { kind } = matching.resolve(as);
    const shared = {
      object: (await matching.convert(request, request.object, as)) ?? null,
      oldObject: (await matching.convert(request, request.oldObject, as)) ?? null,
      request: requestData(request, as, kind.kind),
      namespaceObject: (await matching.namespaceOf(request)) ?? null,
    };
    const options = {
      authorizer: celAuthorizer(door(), request.user),
      requestResource: requestResource(request),
    };
    return params.map(each => {
      const subject: Subject = { ...shared, params: each };
      return evaluatePolicy(policy, subject, options);
    });
  }

  async #paramsFor(
    { policy }: CompiledPolicy,
    { binding }: CompiledBinding,
    { namespace }: AdmissionRequest,
  ): Promise<(KubeObject | null)[]> {
    const { paramKind } = policy.spec ?? {};
    const { paramRef } = binding.spec;
    if (paramKind === undefined || paramRef === undefined) return [null];
    return this.#options.params.find(paramKind, paramRef, namespace);
  }
}

/** Runs what needs policy and binding to be right; what is wrong with them counts as a failure. */
async function configured<T>(
  policy: CompiledPolicy,
  binding: CompiledBinding | undefined,
  denials: Denial[],
  run: () => T | Promise<T>,
): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    if (policy.ignoresFailure) return undefined;
    const why = error instanceof Error ? error.message : String(error);
    const message = `failed to configure ${binding ? 'binding' : 'policy'}: ${why}`;
    const where = { policy: policy.name, binding: binding?.name };
    denials.push({ message, reason: undefined, index: 0, ...where });
    return undefined;
  }
}

/** Does what the binding asks for; returns what refuses the request. */
function act(
  policy: CompiledPolicy,
  { name, binding }: CompiledBinding,
  request: AdmissionRequest,
  { findings }: Outcome,
): Denial[] {
  const actions = binding.spec.validationActions;
  const where = { policy: policy.name, binding: name };
  if (actions.includes('Warn')) {
    const begin = `Validation failed for ValidatingAdmissionPolicy '${policy.name}' with binding '${name}'`;
    addWarnings(
      request.warnings,
      findings.map(({ message }) => `${begin}: ${message}`),
    );
  }
  if (actions.includes('Audit') && findings.length > 0) {
    const before = JSON.parse(request.auditAnnotations[FAILURE_KEY] ?? '[]') as unknown[];
    const added = findings.map(({ message, index }) => ({
      message,
      ...where,
      expressionIndex: index,
      validationActions: actions,
    }));
    request.auditAnnotations[FAILURE_KEY] = JSON.stringify([...before, ...added]);
  }
  return actions.includes('Deny') ? findings.map(each => ({ ...each, ...where })) : [];
}

function collect(notes: Map<string, Set<string>>, { annotations }: Outcome): void {
  for (const [key, value] of Object.entries(annotations)) {
    const values = notes.get(key) ?? new Set();
    notes.set(key, values.add(value));
  }
}

function denied(request: AdmissionRequest, denial: Denial): ApiError {
  const { policy, binding, message, reason = 'Invalid' } = denial;
  const bound = binding === undefined ? '' : ` with binding '${binding}'`;
  const text = `ValidatingAdmissionPolicy '${policy}'${bound} denied request: ${message}`;
  const { status } = forbidden(request, request.name, text);
  const details = { ...status.details, causes: [{ message: text }] };
  return new ApiError({ ...status, details, reason, code: CODES[reason] ?? 422 });
}

/** Questions about rights must be answered whatever the policies. */
function isReview({ group }: AdmissionRequest): boolean {
  return group === 'authentication.k8s.io' || group === 'authorization.k8s.io';
}

const CODES: Readonly<Record<string, number>> = {
  Forbidden: 403,
  Unauthorized: 401,
  RequestEntityTooLarge: 413,
  Invalid: 422,
};

const FAILURE_KEY = 'validation.policy.admission.k8s.io/validation_failure';
