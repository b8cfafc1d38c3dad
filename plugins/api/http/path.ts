import type { ObjectRequest, RequestOptions, Verb } from 'kernetes/sdk';
import { badRequest } from 'kernetes/sdk';

/** A path that names resources; what is no such path is a route's. */
export interface ResourcePath {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
  /** The deprecated `/watch/` form. */
  readonly watch: boolean;
}

/** `/api/v1/namespaces/x/pods/y/status` taken apart; undefined when it names no resource. */
export function parsePath(path: string): ResourcePath | undefined {
  const parts = path.split('/');
  let at: number;
  let group = '';
  if (parts[1] === 'api' && parts.length > 3) {
    at = 3;
  } else if (parts[1] === 'apis' && parts.length > 4) {
    group = parts[2] ?? '';
    at = 4;
  } else {
    return undefined;
  }
  const version = parts[at - 1] ?? '';
  const watch = parts[at] === 'watch';
  if (watch) at++;
  const rest = parts.slice(at).map(decode);
  if (rest.at(-1) === '') rest.pop();
  if (rest.length === 0) return undefined;
  const named = parseResource(rest);
  checkSegment('Namespace', named.namespace);
  checkSegment('Name', named.name);
  return { group, version, watch, ...named };
}

/** `proxy` of `proxy/metrics`. */
export function firstOf(subresource: string): string {
  const end = subresource.indexOf('/');
  return end < 0 ? subresource : subresource.slice(0, end);
}

/** Kubernetes' verb for a method on a path; undefined: it allows no such method. */
export function verbOf(
  method: string,
  path: ResourcePath,
  query: URLSearchParams,
): Verb | undefined {
  switch (method) {
    case 'GET':
    case 'HEAD':
      // A path that names an object gets it, as upstream, whatever `watch` says.
      if (path.watch || (isTrue(query, 'watch') && !path.name)) return 'watch';
      return path.name ? 'get' : 'list';
    case 'POST':
      return path.name && !path.subresource ? undefined : 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return path.name ? 'delete' : 'deletecollection';
    default:
      return undefined;
  }
}

/** The query's options; throws BadRequest on values that cannot be meant. */
export function optionsOf(query: URLSearchParams): RequestOptions {
  const options: { -readonly [K in keyof RequestOptions]: RequestOptions[K] } = {};
  for (const name of TEXT_OPTIONS) {
    const value = query.get(name);
    if (value) options[name] = value;
  }
  const limit = query.get('limit');
  if (limit) options.limit = integer(limit);
  if (isDryRun(query.getAll('dryRun'))) options.dryRun = true;
  if (isTrue(query, 'force')) options.force = true;
  const validation = query.get('fieldValidation');
  if (validation) options.fieldValidation = oneOf('fieldValidation', validation, VALIDATIONS);
  const match = query.get('resourceVersionMatch');
  if (match) options.resourceVersionMatch = oneOf('resourceVersionMatch', match, MATCHES);
  return options;
}

function isDryRun(values: readonly string[]): boolean {
  const wrong = values.find(value => value !== 'All' && value !== '');
  if (wrong !== undefined)
    throw badRequest(`dryRun: Unsupported value: "${wrong}": supported values: "All"`);
  return values.includes('All');
}

export function isTrue(query: URLSearchParams, name: string): boolean {
  const value = query.get(name)?.toLowerCase();
  return value !== undefined && value !== '0' && value !== 'false';
}

/** A 64-bit number; throws BadRequest with Go's words. One that we cannot count to is our largest. */
export function integer(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) {
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  const value = BigInt(text.replace('+', ''));
  if (BigInt.asIntN(64, value) !== value) {
    throw badRequest(`strconv.ParseInt: parsing "${text}": value out of range`);
  }
  return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(value)));
}

/** What the door gets, without its body. */
export function toRequest(
  path: ResourcePath,
  verb: ObjectRequest['verb'],
  options: RequestOptions,
): Omit<ObjectRequest, 'body'> {
  const { group, version, resource, namespace, name, subresource } = path;
  return {
    verb,
    group,
    version,
    resource,
    options,
    ...(namespace && { namespace }),
    ...(name && { name }),
    ...(subresource && { subresource }),
  };
}

/**
 * `namespaces` begins the path of a namespaced resource, unless it is the resource itself: one or
 * two parts, or its own subresources.
 */
function parseResource(
  parts: readonly string[],
): Pick<ResourcePath, 'resource' | 'namespace' | 'name' | 'subresource'> {
  const [first = '', second = '', third = ''] = parts;
  const nested = first === 'namespaces' && parts.length > 2 && !NAMESPACE_SUBRESOURCES.has(third);
  const [resource = '', name, ...sub] = nested ? parts.slice(2) : parts;
  return {
    resource,
    ...(nested && { namespace: second }),
    ...(name && { name }),
    ...(sub.length > 0 && { subresource: sub.join('/') }),
  };
}

/** What could lead a key elsewhere is no name. Throws BadRequest, as upstream. */
function checkSegment(what: string, segment: string | undefined): void {
  if (segment === undefined) return;
  if (segment === '.' || segment === '..') {
    throw badRequest(`${what} parameter invalid: "${segment}": may not be '${segment}'`);
  }
  const bad = ['/', '%'].filter(char => segment.includes(char));
  if (bad.length === 0) return;
  const why = bad.map(char => `may not contain '${char}'`).join(';');
  throw badRequest(`${what} parameter invalid: ${JSON.stringify(segment)}: ${why}`);
}

function decode(part: string): string {
  if (!part.includes('%')) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    throw badRequest(`Cannot read the path: "${part}" is not URL-encoded`);
  }
}

function oneOf<T extends string>(name: string, value: string, values: readonly T[]): T {
  const found = values.find(each => each === value);
  if (found !== undefined) return found;
  const supported = values.map(each => `"${each}"`).join(', ');
  throw badRequest(`${name}: Unsupported value: "${value}": supported values: ${supported}`);
}

const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize']);
const TEXT_OPTIONS = [
  'fieldManager',
  'labelSelector',
  'fieldSelector',
  'resourceVersion',
  'continue',
] as const;
const VALIDATIONS = ['Ignore', 'Warn', 'Strict'] as const;
const MATCHES = ['Exact', 'NotOlderThan'] as const;
