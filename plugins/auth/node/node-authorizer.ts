import {
  type Attributes,
  type Authorizer,
  type Decision,
  nodeOfUser,
  type PolicyRule,
  parseFieldSelector,
  type ResolvedRules,
  type ResourceAttributes,
  rulesAllow,
  type User,
} from 'kernetes/sdk';
import type { NodeGraph } from './node-graph.ts';

/**
 * What a node's kubelet may do: work on its own Node and lease, read what its pods refer to, and
 * nothing of other nodes. What it may write in these objects is for admission to say. About users
 * that are no nodes it has no opinion.
 */
export class NodeAuthorizer implements Authorizer {
  readonly #graph: Graph;

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  authorize(attributes: Attributes): Decision | Promise<Decision> {
    const node = nodeOfUser(attributes.user);
    if (node === undefined) return 'no-opinion';
    if (node === '') return because(`unknown node for user "${attributes.user.name}"`);
    const opening = this.#graph.open();
    if (opening) return opening.then(() => this.#decide(node, attributes));
    return this.#decide(node, attributes);
  }

  rules(user: User): ResolvedRules {
    // What a node may read cannot be told by rules.
    return { resources: [], paths: [], incomplete: nodeOfUser(user) !== undefined };
  }

  #decide(node: string, attributes: Attributes): Decision | Promise<Decision> {
    if (!('path' in attributes)) {
      const decide = this.#byResource.get(`${attributes.resource}.${attributes.group}`);
      if (decide) return decide(node, attributes);
    }
    return rulesAllow(NODE_RULES, attributes) ? 'allow' : 'no-opinion';
  }

  readonly #byResource: ReadonlyMap<string, Decide> = new Map<string, Decide>([
    ['secrets.', (node, asked) => this.#readNamespaced(node, asked)],
    ['configmaps.', (node, asked) => this.#readNamespaced(node, asked)],
    ['persistentvolumeclaims.', (node, asked) => this.#claim(node, asked)],
    ['persistentvolumes.', (node, asked) => this.#getOne(node, asked)],
    ['resourceclaims.resource.k8s.io', (node, asked) => this.#getOne(node, asked)],
    ['volumeattachments.storage.k8s.io', (node, asked) => this.#getOne(node, asked)],
    ['serviceaccounts.', (node, asked) => this.#token(node, asked)],
    ['leases.coordination.k8s.io', lease],
    ['csinodes.storage.k8s.io', csiNode],
    ['resourceslices.resource.k8s.io', (node, asked) => this.#slice(node, asked)],
    ['nodes.', ownNode],
    ['pods.', (node, asked) => this.#pod(node, asked)],
  ]);

  #readNamespaced(node: string, asked: ResourceAttributes): Decision | Promise<Decision> {
    const { verb, subresource, namespace } = asked;
    if (!READS.includes(verb)) return because('can only read resources of this type');
    if (subresource) return because('cannot read subresource');
    if (!namespace) return because('can only read namespaced object of this type');
    return this.#related(node, asked);
  }

  #getOne(node: string, asked: ResourceAttributes): Decision | Promise<Decision> {
    if (asked.verb !== 'get') return because('can only get individual resources of this type');
    if (asked.subresource) return because('cannot get subresource');
    return this.#related(node, asked);
  }

  #claim(node: string, asked: ResourceAttributes): Decision | Promise<Decision> {
    if (asked.subresource !== 'status') return this.#getOne(node, asked);
    if (!['get', 'update', 'patch'].includes(asked.verb)) {
      return because('can only get/update/patch this type');
    }
    return this.#related(node, asked);
  }

  #token(node: string, asked: ResourceAttributes): Decision | Promise<Decision> {
    if (asked.verb !== 'create' || asked.subresource !== 'token') {
      return because('can only create tokens for individual service accounts');
    }
    return this.#related(node, asked);
  }

  #slice(node: string, asked: ResourceAttributes): Decision | Promise<Decision> {
    if (asked.subresource) return because('cannot authorize ResourceSlice subresources');
    switch (asked.verb) {
      case 'create':
        return 'allow';
      case 'get':
      case 'update':
      case 'patch':
      case 'delete':
        return this.#related(node, asked);
      case 'watch':
      case 'list':
      case 'deletecollection':
        if (selectsNode(asked, node)) return 'allow';
        return because(
          'can only list/watch/deletecollection resourceslices with nodeName field selector',
        );
      default:
        return because(
          'only the following verbs are allowed for a ResourceSlice: get, watch, list, create, ' +
            'update, patch, delete, deletecollection',
        );
    }
  }

  #pod(node: string, asked: ResourceAttributes): Decision | Promise<Decision> {
    const { verb, subresource, name } = asked;
    if (subresource !== '') {
      const isStatus = subresource === 'status' && (verb === 'update' || verb === 'patch');
      const isEviction = subresource === 'eviction' && verb === 'create';
      return isStatus || isEviction ? 'allow' : 'no-opinion';
    }
    if (verb === 'create' || verb === 'delete') return 'allow';
    if (verb === 'get') return this.#getOne(node, asked);
    if (verb !== 'list' && verb !== 'watch') return 'no-opinion';
    if (selectsNode(asked, node)) return 'allow';
    if (name) return this.#related(node, asked);
    return because('can only list/watch pods with spec.nodeName field selector');
  }

  /** Allowed when a pod of the node leads there. */
  #related(node: string, asked: ResourceAttributes): Decision | Promise<Decision> {
    if (!asked.name) return because('No Object name found');
    const found = this.#leadsTo(node, asked);
    const answer = (is: boolean): Decision =>
      is ? 'allow' : because(`no relationship found between node '${node}' and this object`);
    return found instanceof Promise ? found.then(answer) : answer(found);
  }

  #leadsTo(
    node: string,
    { resource, namespace, name }: ResourceAttributes,
  ): boolean | Promise<boolean> {
    const graph = this.#graph;
    switch (resource) {
      case 'secrets':
        return graph.usesSecret(node, namespace, name);
      case 'persistentvolumes':
        return graph.usesVolume(node, name);
      case 'volumeattachments':
        return graph.hasAttachment(node, name);
      case 'resourceslices':
        return graph.hasResourceSlice(node, name);
      case 'configmaps':
        return graph.uses(node, 'configmap', namespace, name);
      case 'persistentvolumeclaims':
        return graph.uses(node, 'persistentvolumeclaim', namespace, name);
      case 'resourceclaims':
        return graph.uses(node, 'resourceclaim', namespace, name);
      case 'serviceaccounts':
        return graph.uses(node, 'serviceaccount', namespace, name);
      default:
        return resource === 'pods' && graph.uses(node, 'pod', namespace, name);
    }
  }
}

type Decide = (node: string, asked: ResourceAttributes) => Decision | Promise<Decision>;
type Graph = Pick<NodeGraph, keyof NodeGraph>;

function lease(node: string, { verb, namespace, name }: ResourceAttributes): Decision {
  if (!OWN_VERBS.includes(verb)) {
    return because('can only get, create, update, patch, or delete a node lease');
  }
  if (namespace !== LEASES) {
    return because(`can only access leases in the "${LEASES}" system namespace`);
  }
  // The name of what is created is known to admission only.
  if (verb === 'create' || name === node) return 'allow';
  return because('can only access node lease with the same name as the requesting node');
}

function csiNode(node: string, { verb, subresource, name }: ResourceAttributes): Decision {
  if (!OWN_VERBS.includes(verb)) {
    return because('can only get, create, update, patch, or delete a CSINode');
  }
  if (subresource) return because('cannot authorize CSINode subresources');
  if (verb === 'create' || name === node) return 'allow';
  return because('can only access CSINode with the same name as the requesting node');
}

function ownNode(node: string, { verb, subresource, name }: ResourceAttributes): Decision {
  const writes = verb === 'update' || verb === 'patch';
  if (subresource !== '') return subresource === 'status' && writes ? 'allow' : 'no-opinion';
  if (writes || verb === 'create') return 'allow';
  if (!READS.includes(verb)) return 'no-opinion';
  if (name === node) return 'allow';
  if (name === '') return because(`node '${node}' cannot read all nodes, only its own Node object`);
  return because(`node '${node}' cannot read '${name}', only its own Node object`);
}

function selectsNode({ fieldSelector }: ResourceAttributes, node: string): boolean {
  if (!fieldSelector?.includes('spec.nodeName')) return false;
  return parseFieldSelector(fieldSelector).some(
    ({ field, operator, value }) => field === 'spec.nodeName' && operator === '=' && value === node,
  );
}

function because(reason: string): Decision {
  return { verdict: 'no-opinion', reason };
}

const LEASES = 'kube-node-lease';
const READS: readonly string[] = ['get', 'list', 'watch'];
const OWN_VERBS: readonly string[] = ['get', 'create', 'update', 'patch', 'delete'];

/** What does not depend on the node. */
const NODE_RULES: readonly PolicyRule[] = [
  { verbs: ['create'], apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'] },
  {
    verbs: ['create'],
    apiGroups: ['authorization.k8s.io'],
    resources: ['subjectaccessreviews', 'localsubjectaccessreviews'],
  },
  { verbs: [...READS], apiGroups: [''], resources: ['services'] },
  { verbs: ['create', 'update', 'patch'], apiGroups: [''], resources: ['events'] },
  { verbs: ['get'], apiGroups: [''], resources: ['endpoints'] },
  {
    verbs: ['create', ...READS],
    apiGroups: ['certificates.k8s.io'],
    resources: ['certificatesigningrequests'],
  },
  { verbs: [...READS], apiGroups: ['storage.k8s.io'], resources: ['csidrivers'] },
  { verbs: [...READS], apiGroups: ['node.k8s.io'], resources: ['runtimeclasses'] },
];
