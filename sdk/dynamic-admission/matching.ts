import type { AdmissionRequest } from '../admission.ts';
import type {
  MatchResources,
  NamedRuleWithOperations,
} from '../api/types-admissionregistration-v1.ts';
import type { Namespace } from '../api/types-core-v1.ts';
import type { Door, ServedResource } from '../door.ts';
import type { KubeObject } from '../kind.ts';
import { type Selector, selectorFrom } from '../selector.ts';
import { type ResourceVersion, ruleMatches } from './rules.ts';

/** Which requests a webhook, a policy or a binding is about. */
export interface Criteria {
  readonly rules: readonly NamedRuleWithOperations[];
  readonly excluded: readonly NamedRuleWithOperations[];
  /** A rule about one version is about the same objects in every other. */
  readonly equivalent: boolean;
  readonly namespaces: Selector;
  readonly objects: Selector;
}

export function criteriaOf(match: MatchResources): Criteria {
  return {
    rules: match.resourceRules ?? [],
    excluded: match.excludeResourceRules ?? [],
    equivalent: match.matchPolicy !== 'Exact',
    namespaces: selectorFrom(match.namespaceSelector ?? {}),
    objects: selectorFrom(match.objectSelector ?? {}),
  };
}

export interface MatchingOptions {
  readonly door: () => Door;
  /** Rejects where there is none. */
  readonly namespace: (name: string) => Namespace | Promise<Namespace>;
}

/** Compares requests with criteria. */
export class Matching {
  readonly #options: MatchingOptions;

  constructor(options: MatchingOptions) {
    this.#options = options;
  }

  /**
   * The version in which the criteria's owner wants to see the request; undefined: it is not about
   * it. Synchronous where the namespace is known.
   */
  find(
    criteria: Criteria,
    request: AdmissionRequest,
  ): ResourceVersion | undefined | Promise<ResourceVersion | undefined> {
    const as = this.#byRules(criteria.rules, criteria, request);
    if (as === undefined || !matchesObjects(criteria.objects, request)) return undefined;
    if (this.#byRules(criteria.excluded, criteria, request)) return undefined;
    const labels = this.#namespaceLabels(criteria.namespaces, request);
    if (labels instanceof Promise) {
      return labels.then(each => (criteria.namespaces.matches(each) ? as : undefined));
    }
    return labels === 'any' || criteria.namespaces.matches(labels) ? as : undefined;
  }

  /** The namespace that a request is in; undefined: it is in none. */
  namespaceOf({ namespace, group, resource }: AdmissionRequest) {
    if (namespace === '' || isNamespace(group, resource)) return undefined;
    return this.#options.namespace(namespace);
  }

  /** An object of the request in the version that somebody wants. */
  convert(
    request: AdmissionRequest,
    object: KubeObject | undefined,
    to: ResourceVersion,
  ): KubeObject | undefined | Promise<KubeObject> {
    if (object === undefined || to === request || isSame(to, request)) return object;
    return this.#between(request, object, to);
  }

  /** And back. */
  convertBack(
    request: AdmissionRequest,
    object: KubeObject,
    from: ResourceVersion,
  ): KubeObject | Promise<KubeObject> {
    return isSame(from, request) ? object : this.#between(from, object, request);
  }

  /** The kind that a resource is, in one of its versions. */
  resolve({ group, version, resource }: ResourceVersion): ServedResource {
    return this.#options.door().resolve(group, version, resource);
  }

  #between(
    from: ResourceVersion,
    object: KubeObject,
    to: ResourceVersion,
  ): KubeObject | Promise<KubeObject> {
    const own = this.resolve(from);
    // The body of a subresource has a kind of its own, in one version.
    if (object.kind !== undefined && object.kind !== own.kind.kind) return object;
    return this.#options.door().convert(own, object, this.resolve(to));
  }

  #byRules(
    rules: readonly NamedRuleWithOperations[],
    { equivalent }: Criteria,
    request: AdmissionRequest,
  ): ResourceVersion | undefined {
    if (rules.some(rule => ruleMatches(rule, request, request))) return request;
    if (!equivalent || !rules.some(rule => couldMatch(rule, request))) return undefined;
    const others = this.#options
      .door()
      .equivalents(request.group, request.version, request.resource);
    for (const rule of rules) {
      for (const { kind, version } of others) {
        const as = { group: kind.group, version: version.name, resource: kind.resource };
        if (ruleMatches(rule, request, as)) return as;
      }
    }
    return undefined;
  }

  #namespaceLabels(
    selector: Selector,
    request: AdmissionRequest,
  ): Labels | 'any' | Promise<Labels> {
    const { group, resource, namespace, object, operation, subresource, name } = request;
    if (selector.empty) return 'any';
    if (isNamespace(group, resource)) {
      const isOwn = (operation === 'CREATE' || operation === 'UPDATE') && subresource === '';
      if (isOwn && object) return object.metadata.labels;
      return labelsOf(this.#options.namespace(name));
    }
    return namespace === '' ? 'any' : labelsOf(this.#options.namespace(namespace));
  }
}

type Labels = Readonly<Record<string, string>> | undefined;

function labelsOf(found: Namespace | Promise<Namespace>): Labels | Promise<Labels> {
  if (found instanceof Promise) return found.then(({ metadata }) => metadata.labels);
  return found.metadata.labels;
}

function matchesObjects(selector: Selector, { object, oldObject }: AdmissionRequest): boolean {
  if (selector.empty) return true;
  return [object, oldObject].some(each => each && selector.matches(each.metadata?.labels));
}

/** Whether nothing but group and version speaks against it. */
function couldMatch(rule: NamedRuleWithOperations, request: AdmissionRequest): boolean {
  const open = { ...rule, apiGroups: ['*'], apiVersions: ['*'] };
  return ruleMatches(open, request, request);
}

function isNamespace(group: string, resource: string): boolean {
  return group === '' && resource === 'namespaces';
}

function isSame(a: ResourceVersion, b: ResourceVersion): boolean {
  return a.group === b.group && a.version === b.version && a.resource === b.resource;
}
