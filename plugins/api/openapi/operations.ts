import type { KindDefinition, KindVersion, Verb } from 'kernetes/sdk';
import { apiVersionOf } from 'kernetes/sdk';
import { META, type SchemaRef } from './definitions.ts';

/** An operation of the API, before it is written down in one of the two formats. */
export interface Operation {
  readonly path: string;
  readonly method: Method;
  /** `x-kubernetes-action` */
  readonly action: string;
  readonly id: string;
  readonly tag: string;
  readonly description: string;
  readonly gvk: { readonly group: string; readonly version: string; readonly kind: string };
  readonly query: readonly QueryParameter[];
  readonly body: SchemaRef | undefined;
  readonly bodyRequired: boolean;
  readonly consumes: readonly string[];
  readonly produces: readonly string[];
  /** Status code -> what is answered. */
  readonly responses: Readonly<Record<string, SchemaRef>>;
}

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

export interface QueryParameter {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean';
}

/** A kind in one of its versions, with the definitions that its answers use. */
export interface ServedVersion {
  readonly kind: KindDefinition;
  readonly version: KindVersion;
  readonly object: SchemaRef;
  readonly list: SchemaRef;
  /** The body of a subresource that is not the object itself. */
  readonly bodies: ReadonlyMap<string, SchemaRef>;
}

/** Everything that can be done with a kind. Paths come in the order of discovery. */
export function operationsOf(served: ServedVersion): Operation[] {
  const { kind, version } = served;
  const base = basePath(kind.group, version.name);
  const scope = kind.namespaced ? `${base}/namespaces/{namespace}` : base;
  const collection = `${scope}/${kind.resource}`;
  const item = `${collection}/{name}`;
  const verbs = kind.verbs ?? ALL_VERBS;
  const operations = verbs.flatMap(verb => {
    const path = ITEM_VERBS.has(verb) ? item : collection;
    return verb === 'watch' ? [] : [operation(served, { path, verb })];
  });
  if (kind.namespaced && verbs.includes('list')) {
    const path = `${base}/${kind.resource}`;
    operations.push(operation(served, { path, verb: 'list', allNamespaces: true }));
  }
  for (const { name, verbs } of subresourcesOf(kind)) {
    const path = `${item}/${name}`;
    operations.push(...verbs.map(verb => operation(served, { path, verb, subresource: name })));
  }
  return operations;
}

/** `/api/v1`, `/apis/apps/v1` */
export function basePath(group: string, version: string): string {
  return `${group === '' ? '/api' : '/apis'}/${apiVersionOf({ group, version })}`;
}

/** The `paths` of a document, whatever its format. */
export function pathItems(
  operations: readonly Operation[],
  format: {
    readonly parameter: (name: string) => object;
    readonly operation: (operation: Operation) => object;
  },
): Record<string, Record<string, unknown>> {
  const items: Record<string, Record<string, unknown>> = {};
  for (const operation of operations) {
    const { path, method } = operation;
    const parameters = pathParameters(path).map(format.parameter);
    const item = items[path] ?? (parameters.length > 0 ? { parameters } : {});
    items[path] = item;
    item[method] = format.operation(operation);
  }
  return items;
}

/** The parameters that a path itself has. */
function pathParameters(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(match => match[1] as string);
}

interface Target {
  readonly path: string;
  readonly verb: Verb;
  readonly subresource?: string;
  readonly allNamespaces?: boolean;
}

const ALL_VERBS: readonly Verb[] = [
  'list',
  'create',
  'deletecollection',
  'get',
  'update',
  'patch',
  'delete',
];
const ITEM_VERBS: ReadonlySet<Verb> = new Set(['get', 'update', 'patch', 'delete']);

const STRING = (name: string): QueryParameter => ({ name, type: 'string' });
const INTEGER = (name: string): QueryParameter => ({ name, type: 'integer' });
const BOOLEAN = (name: string): QueryParameter => ({ name, type: 'boolean' });

const SELECT_QUERY = [
  STRING('continue'),
  STRING('fieldSelector'),
  STRING('labelSelector'),
  INTEGER('limit'),
  STRING('resourceVersion'),
  STRING('resourceVersionMatch'),
  BOOLEAN('sendInitialEvents'),
  INTEGER('timeoutSeconds'),
];
const LIST_QUERY = [BOOLEAN('allowWatchBookmarks'), ...SELECT_QUERY, BOOLEAN('watch')];
// kubectl decides by these, on the patch operation, whether the server validates fields and dry-runs.
const WRITE_QUERY = [STRING('dryRun'), STRING('fieldManager'), STRING('fieldValidation')];
const DELETE_QUERY = [
  STRING('dryRun'),
  INTEGER('gracePeriodSeconds'),
  BOOLEAN('orphanDependents'),
  STRING('propagationPolicy'),
];

const JSON_AND_YAML = ['application/json', 'application/yaml'];
const PATCH_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];

interface VerbTraits {
  readonly method: Method;
  readonly action: string;
  /** Begins the operation's id. */
  readonly word: string;
  /** Begins the operation's description. */
  readonly phrase: string;
  readonly query: readonly QueryParameter[];
  readonly codes: readonly string[];
}

const TRAITS: Readonly<Record<Exclude<Verb, 'watch'>, VerbTraits>> = {
  get: {
    method: 'get',
    action: 'get',
    word: 'read',
    phrase: 'read the specified',
    query: [],
    codes: ['200'],
  },
  list: {
    method: 'get',
    action: 'list',
    word: 'list',
    phrase: 'list or watch objects of kind',
    query: LIST_QUERY,
    codes: ['200'],
  },
  create: {
    method: 'post',
    action: 'post',
    word: 'create',
    phrase: 'create a',
    query: WRITE_QUERY,
    codes: ['200', '201', '202'],
  },
  update: {
    method: 'put',
    action: 'put',
    word: 'replace',
    phrase: 'replace the specified',
    query: WRITE_QUERY,
    codes: ['200', '201'],
  },
  patch: {
    method: 'patch',
    action: 'patch',
    word: 'patch',
    phrase: 'partially update the specified',
    query: [...WRITE_QUERY, BOOLEAN('force')],
    codes: ['200', '201'],
  },
  delete: {
    method: 'delete',
    action: 'delete',
    word: 'delete',
    phrase: 'delete a',
    query: DELETE_QUERY,
    codes: ['200', '202'],
  },
  deletecollection: {
    method: 'delete',
    action: 'deletecollection',
    word: 'delete',
    phrase: 'delete collection of',
    query: [...DELETE_QUERY, ...SELECT_QUERY],
    codes: ['200'],
  },
};

function operation(served: ServedVersion, target: Target): Operation {
  const { kind, version } = served;
  const traits = TRAITS[target.verb as Exclude<Verb, 'watch'>];
  const view = viewOf(served, target);
  const answer = answerRef(served, target, view.ref);
  return {
    path: target.path,
    method: traits.method,
    action: traits.action,
    id: operationId(kind, version.name, target),
    tag: tagOf(kind.group, version.name),
    description: [traits.phrase, target.subresource ? `${target.subresource} of` : '', kind.kind]
      .filter(Boolean)
      .join(' '),
    gvk: view.gvk,
    query: [STRING('pretty'), ...traits.query],
    body: bodyRef(target.verb, view.ref),
    bodyRequired: traits.method !== 'delete',
    consumes: target.verb === 'patch' ? patchTypes(version) : ['*/*'],
    produces:
      target.verb === 'list' ? [...JSON_AND_YAML, 'application/json;stream=watch'] : JSON_AND_YAML,
    responses: Object.fromEntries(traits.codes.map(code => [code, answer])),
  };
}

/** kubectl reads here how it may patch: lists of custom resources have no merge keys. */
function patchTypes({ schema }: KindVersion): readonly string[] {
  if (schema.id !== undefined) return PATCH_TYPES;
  return PATCH_TYPES.filter(type => type !== 'application/strategic-merge-patch+json');
}

/** What travels: the object, or the subresource's own kind. */
function viewOf(
  { kind, version, object, bodies }: ServedVersion,
  { subresource }: Target,
): { ref: SchemaRef; gvk: Operation['gvk'] } {
  const body = kind.subresources?.find(({ name }) => name === subresource)?.body;
  const ref = bodies.get(subresource ?? '');
  if (body && ref) {
    return { ref, gvk: { group: body.group, version: body.version, kind: body.kind } };
  }
  return { ref: object, gvk: { group: kind.group, version: version.name, kind: kind.kind } };
}

function bodyRef(verb: Verb, view: SchemaRef): SchemaRef | undefined {
  switch (verb) {
    case 'create':
    case 'update':
      return view;
    case 'patch':
      return `${META}Patch`;
    case 'delete':
    case 'deletecollection':
      return `${META}DeleteOptions`;
    default:
      return undefined;
  }
}

function answerRef(served: ServedVersion, { verb }: Target, view: SchemaRef): SchemaRef {
  if (verb === 'list') return served.list;
  return verb === 'delete' || verb === 'deletecollection' ? `${META}Status` : view;
}

function subresourcesOf(kind: KindDefinition): { name: string; verbs: readonly Verb[] }[] {
  const status = { name: 'status', verbs: ['get', 'update', 'patch'] as const };
  const own = kind.subresources ?? [];
  const isNamed = own.some(({ name }) => name === 'status');
  return kind.strategy.status && !isNamed ? [status, ...own] : [...own];
}

/** `listAppsV1DeploymentForAllNamespaces`, `deleteCoreV1CollectionNamespacedPod` */
function operationId(kind: KindDefinition, version: string, target: Target): string {
  const { verb, subresource, allNamespaces } = target;
  return [
    TRAITS[verb as Exclude<Verb, 'watch'>].word,
    capitalized(shortGroup(kind.group)),
    capitalized(version),
    verb === 'deletecollection' ? 'Collection' : '',
    kind.namespaced && !allNamespaces ? 'Namespaced' : '',
    kind.kind,
    subresource ? capitalized(subresource) : '',
    allNamespaces ? 'ForAllNamespaces' : '',
  ].join('');
}

function tagOf(group: string, version: string): string {
  return `${shortGroup(group)}_${version}`;
}

/** `rbac.authorization.k8s.io` -> `rbacAuthorization` */
function shortGroup(group: string): string {
  const [first = '', ...rest] = (group || 'core').replace(/\.k8s\.io$/, '').split(/[.-]/);
  return first + rest.map(capitalized).join('');
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
