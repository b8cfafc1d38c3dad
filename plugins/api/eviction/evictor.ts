import {
  ApiError,
  badRequest,
  type Clock,
  type Condition,
  DISRUPTION_TARGET,
  disruptionTarget,
  type Eviction,
  forbidden,
  isPodFinished,
  isPodReady,
  type ObjectClient,
  Pod,
  PodDisruptionBudget,
  podCondition,
  type SubresourceRequest,
  selectorFrom,
  tooManyRequests,
  toTime,
} from 'kernetes/sdk';

export interface EvictorOptions {
  readonly objects: ObjectClient;
  readonly clock: Clock;
  /** Whether a pod is told of its eviction by a condition, for those who ask why it ended. */
  readonly announces: boolean;
}

type Request = SubresourceRequest<Eviction>;
type Status = PodDisruptionBudget['status'];
type Budgeted = NonNullable<Status>;
type DeleteOptions = NonNullable<Eviction['deleteOptions']>;

/** Deletes pods as far as their budgets allow. Source: upstream's `pods/eviction` storage. */
export class Evictor {
  readonly #options: EvictorOptions;

  constructor(options: EvictorOptions) {
    this.#options = options;
  }

  /** Rejects with TooManyRequests where a budget is in the way. */
  async evict(request: Request): Promise<{ value: object }> {
    const { name, body } = request;
    const given = body?.metadata?.name ?? '';
    if (given && given !== name)
      throw badRequest('name in URL does not match name in Eviction object');
    for (let attempt = 1; ; attempt++) {
      // What the request brought is the state at its beginning; a lost race wants the newest.
      const pod = attempt === 1 ? (request.object as Pod) : await this.#current(request);
      try {
        await this.#attempt(request, pod);
        return { value: SUCCESS };
      } catch (error) {
        if (attempt === ATTEMPTS_MAX || !isLostRace(error, body)) throw error;
      }
    }
  }

  async #attempt(request: Request, pod: Pod): Promise<void> {
    if (needsNoBudget(pod)) return this.#delete(request, pod, true);
    const budget = await this.#budgetOf(pod);
    if (budget === undefined) return this.#delete(request, pod, false);
    if (mayGoUnready(pod, budget)) return this.#delete(request, pod, true);
    await this.#takeFrom(budget, pod, request);
    return this.#delete(request, pod, false);
  }

  /** Asked of the server: a copy could miss the budget that somebody just made. */
  async #budgetOf({ metadata }: Pod): Promise<PodDisruptionBudget | undefined> {
    const { namespace = '', labels = {} } = metadata;
    const { items } = await this.#options.objects.list(PodDisruptionBudget, { namespace });
    const [first, second] = items.filter(({ spec }) =>
      selectorFrom(spec?.selector).matches(labels),
    );
    if (second !== undefined) throw new ApiError({ message: SEVERAL, code: 500 });
    return first;
  }

  /** One disruption, written down before it happens. */
  async #takeFrom(of: PodDisruptionBudget, pod: Pod, request: Request): Promise<void> {
    const { objects, clock } = this.#options;
    const { namespace = '', name = '' } = of.metadata;
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const budget = await objects.get(PodDisruptionBudget, { namespace, name });
      const taken = oneLess(budget, pod.metadata.name ?? '', toTime(clock.now()));
      if (isDry(request)) return;
      try {
        await objects.updateStatus(PodDisruptionBudget, taken);
        return;
      } catch (error) {
        if (!ApiError.is(error, 'Conflict')) throw error;
      }
    }
    throw stillProcessed(name);
  }

  /** `unchanged`: only the pod as it was seen; that it needs no budget may not hold any more. */
  async #delete(request: Request, pod: Pod, unchanged: boolean): Promise<void> {
    const { body } = request;
    const { namespace = '', name = '', resourceVersion } = pod.metadata;
    const { apiVersion: _, kind: __, dryRun: ___, ...options } = body?.deleteOptions ?? {};
    const { uid, resourceVersion: wanted } = options.preconditions ?? {};
    const seen = wanted ?? (unchanged ? resourceVersion : undefined);
    const isDryRun = isDry(request);
    const announced =
      this.#options.announces && !isDryRun
        ? await this.#announce(pod, { ...(uid && { uid }), ...(seen && { resourceVersion: seen }) })
        : undefined;
    // The announcement is a change of its own.
    const version = seen && (announced?.metadata.resourceVersion ?? seen);
    const preconditions = {
      ...options.preconditions,
      ...(version && { resourceVersion: version }),
    };
    await this.#options.objects.delete(
      Pod,
      { namespace, name },
      { ...(options as DeleteOptionsOfClient), preconditions, dryRun: isDryRun },
    );
  }

  #announce(pod: Pod, preconditions: { uid?: string; resourceVersion?: string }): Promise<Pod> {
    const { namespace = '', name = '' } = pod.metadata;
    const old = podCondition(pod, DISRUPTION_TARGET);
    const since = old?.status === 'True' ? old.lastTransitionTime : undefined;
    const now = toTime(this.#options.clock.now());
    const conditions = [disruptionTarget(EVICTED, since ?? now)];
    const patch = { metadata: preconditions, status: { conditions } };
    const type = 'application/strategic-merge-patch+json';
    const options = { type, subresource: 'status' } as const;
    return this.#options.objects.patch(Pod, { namespace, name }, patch, options);
  }

  #current({ namespace, name }: Request): Promise<Pod> {
    return this.#options.objects.get(Pod, { namespace, name });
  }
}

type DeleteOptionsOfClient = Parameters<ObjectClient['delete']>[2];

/** Said by the request, or by the deletion that it brings, as kubectl does. */
function isDry({ dryRun, body }: Request): boolean {
  return dryRun || (body?.deleteOptions?.dryRun?.includes('All') ?? false);
}

/** A precondition of the client's own that does not hold will not hold later. */
function isLostRace(error: unknown, body: Eviction | undefined): boolean {
  const own: DeleteOptions['preconditions'] = body?.deleteOptions?.preconditions;
  return ApiError.is(error, 'Conflict') && !own?.resourceVersion && !own?.uid;
}

/** Nobody misses it: it does not run yet, has ended, or goes already. */
function needsNoBudget(pod: Pod): boolean {
  return (
    isPodFinished(pod) ||
    pod.status?.phase === 'Pending' ||
    pod.metadata.deletionTimestamp !== undefined
  );
}

/** A pod that is not ready may go where the policy or a healthy budget says so (KEP-3017). */
function mayGoUnready(pod: Pod, { spec, status }: PodDisruptionBudget): boolean {
  if (isPodReady(pod)) return false;
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  return desiredHealthy > 0 && currentHealthy >= desiredHealthy;
}

/** The budget with one disruption less; throws when it has none to give. */
function oneLess(budget: PodDisruptionBudget, pod: string, now: string): PodDisruptionBudget {
  const { metadata, status } = budget;
  const name = metadata.name ?? '';
  const { disruptionsAllowed = 0, disruptedPods = {} } = status ?? {};
  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 0)) throw stillProcessed(name);
  const subject = { group: 'policy', resource: 'poddisruptionbudgets' };
  if (disruptionsAllowed < 0) {
    throw forbidden(subject, name, 'pdb disruptions allowed is negative');
  }
  if (Object.keys(disruptedPods).length > DISRUPTED_PODS_MAX) {
    const why = 'DisruptedPods map too big - too many evictions not confirmed by PDB controller';
    throw forbidden(subject, name, why);
  }
  if (disruptionsAllowed === 0) throw noneAllowed(name, status);
  return {
    ...budget,
    status: {
      currentHealthy: 0,
      desiredHealthy: 0,
      expectedPods: 0,
      ...status,
      ...(disruptionsAllowed === 1 && { conditions: exhausted(status, now) }),
      disruptionsAllowed: disruptionsAllowed - 1,
      disruptedPods: { ...disruptedPods, [pod]: now },
    },
  };
}

/** The conditions of a budget that gave its last. */
function exhausted(status: Status, now: string): Condition[] {
  const { conditions = [], observedGeneration } = status ?? {};
  const condition = {
    type: ALLOWED,
    status: 'False',
    reason: 'InsufficientPods',
    message: '',
    lastTransitionTime: now,
    ...(observedGeneration !== undefined && { observedGeneration }),
  };
  const old = conditions.find(({ type }) => type === ALLOWED);
  if (!old) return [...conditions, condition];
  if (old.status === 'False') condition.lastTransitionTime = old.lastTransitionTime;
  return conditions.map(each => (each === old ? condition : each));
}

function noneAllowed(name: string, status: Status): ApiError {
  const message = `The disruption budget ${name} ${whyNone(status)}`;
  return tooManyRequests(VIOLATION, 0, [{ reason: CAUSE, message }]);
}

/** Where the budget could not be counted, its numbers tell nothing. */
function whyNone({ desiredHealthy = 0, currentHealthy = 0, conditions }: Partial<Budgeted> = {}) {
  const { status, reason, message } = conditions?.find(({ type }) => type === ALLOWED) ?? {};
  const why = status === 'False' && message ? message : undefined;
  const refusal = 'does not allow evicting pods currently';
  if (why && reason === 'SyncFailed') return `${refusal} because it failed sync: ${why}`;
  if (currentHealthy <= desiredHealthy) {
    return `needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
  }
  return why ? `${refusal} (${reason}): ${why}` : refusal;
}

function stillProcessed(name: string): ApiError {
  const message = `The disruption budget ${name} is still being processed by the server.`;
  return tooManyRequests(VIOLATION, RETRY_SECONDS, [{ reason: CAUSE, message }]);
}

const VIOLATION = "Cannot evict pod as it would violate the pod's disruption budget.";
const SEVERAL =
  'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
const CAUSE = 'DisruptionBudget';
const RETRY_SECONDS = 10;
const ALLOWED = 'DisruptionAllowed';

const EVICTED = { reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' };

/** Upstream's bound on evictions that the disruption controller has not seen. */
const DISRUPTED_PODS_MAX = 2_000;
const ATTEMPTS_MAX = 10;
const SUCCESS = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
