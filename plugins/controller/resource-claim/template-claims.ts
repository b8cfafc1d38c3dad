import {
  ApiError,
  controllerReference,
  type EventRecorder,
  type Informer,
  type ObjectClient,
  Pod,
  type PodResourceClaim,
  ResourceClaim,
  ResourceClaimTemplate,
} from 'kernetes/sdk';
import { canReserve, claimNameOf, ownedBy, POD_CLAIM_ANNOTATION } from './pod-claims.ts';

export interface TemplateClaimsOptions {
  readonly pods: Informer<Pod>;
  readonly claims: Informer<ResourceClaim>;
  readonly objects: ObjectClient;
  readonly events: EventRecorder;
}

/** Makes pods' claims of their templates, and notes their names in the pods' status. */
export class TemplateClaims {
  readonly #options: TemplateClaimsOptions;
  /** Made and perhaps not seen yet, by the pod's uid and its name for the claim. */
  readonly #made = new Map<string, ResourceClaim>();

  constructor(options: TemplateClaimsOptions) {
    this.#options = options;
  }

  async sync(podKey: string): Promise<undefined> {
    const pod = this.#options.pods.get(podKey);
    if (pod === undefined || pod.metadata.deletionTimestamp) return;
    const names = new Map<string, string>();
    for (const podClaim of pod.spec?.resourceClaims ?? []) {
      const name = await this.#ensure(pod, podClaim);
      if (name !== undefined) names.set(podClaim.name, name);
    }
    if (names.size > 0) await this.#note(pod, names);
    // Of the others the scheduler makes reservations.
    if (pod.spec?.nodeName) await this.#reserve(pod);
  }

  /** The claim is seen, or gone: what is known of it is in the copy from now on. */
  forget(claim: ResourceClaim): void {
    const [uid = ''] = ownedBy(claim);
    this.#made.delete(`${uid}/${claim.metadata.annotations?.[POD_CLAIM_ANNOTATION]}`);
  }

  /** Gives the name of a claim that the pod's status does not tell yet. */
  async #ensure(pod: Pod, podClaim: PodResourceClaim): Promise<string | undefined> {
    const known = claimNameOf(pod, podClaim);
    if (known === undefined || !podClaim.resourceClaimTemplateName) return undefined;
    const claim = this.#options.claims.get(`${pod.metadata.namespace}/${known}`);
    if (claim && ownedBy(claim).includes(pod.metadata.uid ?? '')) return undefined;
    try {
      const made = this.#find(pod, podClaim) ?? (await this.#make(pod, podClaim));
      return made.metadata.name;
    } catch (error) {
      const message = `PodResourceClaim ${podClaim.name}: ${textOf(error)}`;
      this.#options.events.event(pod, 'Warning', 'FailedResourceClaimCreation', message, SOURCE);
      throw error;
    }
  }

  /** One that was made before its name could be noted. */
  #find(pod: Pod, { name }: PodResourceClaim): ResourceClaim | undefined {
    const { uid = '' } = pod.metadata;
    const owned = this.#options.claims.byIndex('owner', uid);
    const seen = owned.find(
      ({ metadata }) => metadata.annotations?.[POD_CLAIM_ANNOTATION] === name,
    );
    return seen ?? this.#made.get(`${uid}/${name}`);
  }

  async #make(pod: Pod, podClaim: PodResourceClaim): Promise<ResourceClaim> {
    const { namespace = '', name: podName = '', uid } = pod.metadata;
    const { metadata = {}, spec } = await this.#template(
      namespace,
      podClaim.resourceClaimTemplateName ?? '',
    );
    const claim: ResourceClaim = {
      metadata: {
        namespace,
        generateName: generateName(podName, podClaim.name),
        ...(metadata.labels && { labels: metadata.labels }),
        annotations: { ...metadata.annotations, [POD_CLAIM_ANNOTATION]: podClaim.name },
        ownerReferences: [controllerReference(Pod, pod)],
      },
      spec,
    };
    try {
      const made = await this.#options.objects.create(ResourceClaim, claim);
      this.#made.set(`${uid}/${podClaim.name}`, made);
      return made;
    } catch (error) {
      throw new Error(`create ResourceClaim : ${textOf(error)}`, { cause: error });
    }
  }

  async #template(namespace: string, name: string): Promise<ResourceClaimTemplate['spec']> {
    try {
      const key = { namespace, name };
      const { spec } = await this.#options.objects.get(ResourceClaimTemplate, key);
      return spec;
    } catch (error) {
      // Upstream reads it from a copy, whose words are these.
      const why = ApiError.is(error, 'NotFound')
        ? `resourceclaimtemplate.resource.k8s.io "${name}" not found`
        : textOf(error);
      throw new Error(`resource claim template "${name}": ${why}`, { cause: error });
    }
  }

  async #note({ metadata, status }: Pod, names: ReadonlyMap<string, string>): Promise<void> {
    const { namespace = '', name = '', uid } = metadata;
    const kept = (status?.resourceClaimStatuses ?? []).filter(each => !names.has(each.name));
    const noted = [...names].map(([name, resourceClaimName]) => ({ name, resourceClaimName }));
    const patch = { metadata: { uid }, status: { resourceClaimStatuses: [...kept, ...noted] } };
    await this.#options.objects.patch(Pod, { namespace, name }, patch, { subresource: 'status' });
  }

  /** Somebody else than the scheduler gave the pod its node. */
  async #reserve(pod: Pod): Promise<void> {
    const { claims, objects } = this.#options;
    const { namespace, name = '', uid = '' } = pod.metadata;
    for (const podClaim of pod.spec?.resourceClaims ?? []) {
      const claim = claims.get(`${namespace}/${claimNameOf(pod, podClaim)}`);
      if (claim === undefined || !canReserve(pod, claim)) continue;
      const reservedFor = [...(claim.status?.reservedFor ?? []), { resource: 'pods', name, uid }];
      const status = { ...claim.status, reservedFor };
      await objects.updateStatus(ResourceClaim, { ...claim, status });
    }
  }
}

/** Both names can be told from it, however long they are. */
function generateName(podName: string, claimName: string): string {
  const whole = `${podName}-${claimName}-`;
  if (whole.length <= BASE_LENGTH_MAX) return whole;
  const share = (name: string) =>
    name.slice(0, Math.floor((name.length * BASE_LENGTH_MAX) / whole.length));
  return `${share(podName)}-${share(claimName)}`;
}

/** What leaves room for the random end of a name. */
const BASE_LENGTH_MAX = 57;

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Upstream's name for whom such events are from. */
const SOURCE = { component: 'resource_claim' };
