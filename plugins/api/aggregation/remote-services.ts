import { isDeepStrictEqual } from 'node:util';
import {
  APIService,
  type APIServiceCondition,
  ApiError,
  type Contributions,
  type Disposer,
  type Informer,
  type KindDefinition,
  type ObjectClient,
  type ReconcileResult,
  type RemoteVersion,
  type Route,
  toTime,
} from 'kernetes/sdk';
import { checkAvailability, type Verdict } from './availability.ts';
import { openApiRoute, type RemoteOptions, remoteVersion } from './remote.ts';

export interface RemoteServicesOptions extends RemoteOptions {
  readonly objects: Pick<ObjectClient, 'get' | 'updateStatus'>;
  readonly services: Pick<Informer<APIService>, 'get'>;
  readonly kinds: Contributions<KindDefinition>;
  readonly provide: (name: string, version: RemoteVersion, route: Route) => Disposer;
}

interface Provided {
  readonly service: APIService;
  readonly verdict: Verdict;
  readonly withdraw: Disposer;
  /** How often the check failed in a row. */
  readonly failures: number;
}

/** Serves the group versions that other servers have, and says whether they can be reached. */
export class RemoteServices {
  readonly #options: RemoteServicesOptions;
  readonly #provided = new Map<string, Provided>();

  constructor(options: RemoteServicesOptions) {
    this.#options = options;
  }

  /** Those that the Service named so stands behind. */
  behind(service: string): string[] {
    return [...this.#provided]
      .filter(
        ([
          ,
          {
            service: { spec },
          },
        ]) => {
          return `${spec?.service?.namespace}/${spec?.service?.name}` === service;
        },
      )
      .map(([name]) => name);
  }

  async reconcile(name: string): Promise<ReconcileResult> {
    const service = this.#options.services.get(name);
    if (!service?.spec?.service) {
      this.#withdraw(name);
      return undefined;
    }
    const before = this.#provided.get(name);
    if (before === undefined) this.#provide(name, service, { verdict: NOT_YET, failures: 0 });
    const verdict = await checkAvailability(service, this.#options);
    const failures = verdict.isAvailable ? 0 : (before?.failures ?? 0) + 1;
    const { resources = before?.verdict.resources } = verdict;
    const whole = { ...verdict, ...(resources && { resources }) };
    this.#provide(name, service, { verdict: whole, failures });
    await this.#tell(service, verdict);
    const soon = Math.min(AGAIN_MS, SOON_MS * 2 ** failures);
    return { requeueAfter: verdict.isAvailable ? AGAIN_MS : soon };
  }

  /** In the place of what it was; what this server has itself stays its own. */
  #provide(
    name: string,
    service: APIService,
    { verdict, failures }: Pick<Provided, 'verdict' | 'failures'>,
  ): void {
    if (this.#isLocal(service)) {
      this.#withdraw(name);
      return;
    }
    const before = this.#provided.get(name);
    const isSame =
      isDeepStrictEqual(before?.verdict, verdict) &&
      isDeepStrictEqual(before?.service.spec, service.spec);
    if (before && isSame) {
      this.#provided.set(name, { ...before, failures });
      return;
    }
    this.#withdraw(name);
    const version = remoteVersion(service, verdict, this.#options);
    const withdraw = this.#options.provide(name, version, openApiRoute(service, this.#options));
    this.#provided.set(name, { service, verdict, failures, withdraw });
  }

  #isLocal({ spec }: APIService): boolean {
    return this.#options.kinds
      .list()
      .some(
        ({ value }) =>
          !value.isStandIn &&
          value.group === spec?.group &&
          value.versions.some(({ name }) => name === spec?.version),
      );
  }

  #withdraw(name: string): void {
    void this.#provided.get(name)?.withdraw();
    this.#provided.delete(name);
  }

  async #tell(service: APIService, { isAvailable, reason, message }: Verdict): Promise<void> {
    const { objects, clock } = this.#options;
    const conditions = service.status?.conditions ?? [];
    const old = conditions.find(({ type }) => type === 'Available');
    const status = isAvailable ? 'True' : 'False';
    const lastTransitionTime =
      old?.status === status && old.lastTransitionTime
        ? old.lastTransitionTime
        : toTime(clock.now());
    const now: APIServiceCondition = { type: 'Available', status, reason, message };
    const updated = { ...now, lastTransitionTime };
    if (isDeepStrictEqual(old, updated)) return;
    const others = conditions.filter(each => each !== old);
    const changed = { ...service, status: { conditions: [...others, updated] } };
    try {
      await objects.updateStatus(APIService, changed);
    } catch (error) {
      // Changed or gone meanwhile: the informer says so, and it is looked at again.
      if (!ApiError.is(error, 'NotFound') && !ApiError.is(error, 'Conflict')) throw error;
    }
  }
}

const NOT_YET: Verdict = { isAvailable: false, reason: 'Unknown', message: 'not asked yet' };
/** Upstream's: also without a change a server is asked this often. */
const AGAIN_MS = 30_000;
const SOON_MS = 250;
