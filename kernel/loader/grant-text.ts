import { LoadError, type ObjectRule, type Permissions } from './manifest.ts';

/** What plugins are granted, by their names. `all`: whatever their manifests ask for. */
export type GrantsByName = Readonly<Record<string, Permissions | 'all'>>;

/**
 * Reads grants as the command line gives them: `NAME` for all that the plugin's manifest asks for,
 * `NAME:net=HOST:PORT`, `NAME:read=PATH` and so on for one permission, where commas separate
 * values, and `NAME:objects=VERBS@GROUP/RESOURCE`, where the core group is left out:
 * `get,list,watch@pods`, `update@apps/deployments`, `patch@/pods/status`. Throws `LoadError`.
 */
export function parseGrants(texts: readonly string[]): GrantsByName {
  const grants: Record<string, Permissions | 'all'> = {};
  for (const text of texts) {
    const { name = '', kind, value = '' } = GRANT.exec(text)?.groups ?? {};
    if (name === '') throw wrong(text);
    const before = grants[name];
    if (kind === undefined) grants[name] = 'all';
    else if (before !== 'all') grants[name] = extend(before ?? {}, kind, value, text);
  }
  return grants;
}

function extend(before: Permissions, kind: string, value: string, text: string): Permissions {
  if (kind === 'objects') {
    return { ...before, objects: [...(before.objects ?? []), parseRule(value, text)] };
  }
  if (!isValueKind(kind)) throw wrong(text);
  const values = value.split(',').filter(each => each !== '');
  if (values.length === 0) throw wrong(text);
  return { ...before, [kind]: [...(before[kind] ?? []), ...values] };
}

function parseRule(value: string, text: string): ObjectRule {
  const { verbs = '', group = '', resource = '' } = RULE.exec(value)?.groups ?? {};
  if (verbs === '') throw wrong(text);
  return { groups: [group], resources: resource.split(','), verbs: verbs.split(',') };
}

function wrong(text: string): LoadError {
  return new LoadError(
    `The grant is "${text}": want NAME, NAME:objects=VERBS@GROUP/RESOURCE, or ` +
      `NAME:KIND=VALUE with KIND one of ${VALUE_KINDS.join(', ')}`,
  );
}

type ValueKind = Exclude<keyof Permissions, 'objects'>;

function isValueKind(kind: string): kind is ValueKind {
  return (VALUE_KINDS as readonly string[]).includes(kind);
}

const VALUE_KINDS: readonly ValueKind[] = ['net', 'read', 'write', 'env', 'run', 'sys'];

const GRANT = /^(?<name>[a-zA-Z0-9.-]+)(?::(?<kind>[a-z]+)=(?<value>.+))?$/;
const RULE =
  /^(?<verbs>[a-z*,]+)@(?:(?<group>[a-z0-9.*-]*)\/)?(?<resource>[a-z*]+(?:[/,][a-z*]+)*)$/;
