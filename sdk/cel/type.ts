/** The static types of the language, and how one fits another. */
export interface Type {
  readonly kind: Kind;
  /** As messages write it: `list(int)`. */
  readonly name: string;
  /** Of lists, maps, optionals; empty otherwise. */
  readonly parameters: readonly Type[];
  /** Of an `object`, by the name that expressions use. Read lazily, since schemas may be cyclic. */
  readonly fields?: () => ReadonlyMap<string, Field>;
}

export interface Field {
  /** The name in the data. */
  readonly key: string;
  readonly binding: Binding;
}

/** A type, and how plain data become its values. */
export interface Binding {
  readonly type: Type;
  readonly adapt: (data: unknown) => unknown;
}

export type Kind =
  | 'dyn'
  | 'null'
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'timestamp'
  | 'duration'
  | 'type'
  | 'list'
  | 'map'
  | 'optional'
  | 'object'
  | 'opaque'
  | 'parameter';

const SCALARS = [
  'dyn',
  'null',
  'bool',
  'int',
  'uint',
  'double',
  'string',
  'bytes',
  'timestamp',
  'duration',
  'type',
] as const;

const byName = new Map<string, Type>(
  SCALARS.map(kind => [kind, { kind, name: kind, parameters: [] }]),
);

export function scalar(kind: (typeof SCALARS)[number]): Type {
  return byName.get(kind) as Type;
}

export const DYN = scalar('dyn');
export const BOOL = scalar('bool');

export function listOf(element: Type): Type {
  return { kind: 'list', name: `list(${element.name})`, parameters: [element] };
}

export function mapOf(key: Type, value: Type): Type {
  return { kind: 'map', name: `map(${key.name}, ${value.name})`, parameters: [key, value] };
}

export function optionalOf(value: Type): Type {
  if (value.kind === 'optional') return value;
  return { kind: 'optional', name: `optional_type(${value.name})`, parameters: [value] };
}

export function opaque(name: string): Type {
  return { kind: 'opaque', name, parameters: [] };
}

export type Bindings = Map<string, Type>;

/** Whether a `source` may stand where `target` is wanted; binds the target's type parameters. */
export function assign(target: Type, source: Type, bindings: Bindings): boolean {
  if (target.kind === 'parameter') return bind(target, source, bindings);
  if (target === source || target.kind === 'dyn' || source.kind === 'dyn') return true;
  if (source.kind === 'null') return NULLABLE.has(target.kind);
  if (target.kind !== source.kind) return false;
  if (target.kind === 'opaque') return target.name === source.name;
  if (target.kind === 'object') return false;
  return target.parameters.every((parameter, i) =>
    assign(parameter, source.parameters[i] ?? DYN, bindings),
  );
}

/** What can be null by its nature, as upstream's checker has it. */
const NULLABLE: ReadonlySet<Kind> = new Set(['object', 'opaque', 'timestamp', 'duration']);

function bind(parameter: Type, source: Type, bindings: Bindings): boolean {
  const bound = bindings.get(parameter.name);
  if (bound === undefined) {
    bindings.set(parameter.name, source);
    return true;
  }
  if (assign(bound, source, bindings)) {
    if (source.kind === 'dyn') bindings.set(parameter.name, DYN);
    return true;
  }
  if (!assign(source, bound, bindings)) return false;
  bindings.set(parameter.name, source);
  return true;
}

/** `type` with its parameters replaced; what nothing was bound to is dyn. */
export function substitute(type: Type, bindings: Bindings): Type {
  switch (type.kind) {
    case 'parameter':
      return bindings.get(type.name) ?? DYN;
    case 'list':
      return listOf(substitute(type.parameters[0] ?? DYN, bindings));
    case 'map':
      return mapOf(
        substitute(type.parameters[0] ?? DYN, bindings),
        substitute(type.parameters[1] ?? DYN, bindings),
      );
    case 'optional':
      return optionalOf(substitute(type.parameters[0] ?? DYN, bindings));
    default:
      return type;
  }
}

/** The type of a value that is of any of `types`: one that all fit, or dyn. */
export function join(types: readonly Type[]): Type {
  let joined = types[0] ?? DYN;
  for (const type of types) {
    if (assign(joined, type, new Map())) continue;
    if (!assign(type, joined, new Map())) return DYN;
    joined = type;
  }
  return types.some(({ kind }) => kind === 'dyn') ? DYN : joined;
}

/** `list<T>.indexOf(T): int` or `quantity(string): kubernetes.Quantity`. */
export interface Signature {
  readonly name: string;
  readonly receiver: boolean;
  /** With the receiver first. */
  readonly parameters: readonly Type[];
  readonly result: Type;
}

/** Signatures are the libraries' own text: a wrong one is a bug. */
export function parseSignature(text: string): Signature {
  const [, head = '', args = '', result = ''] = /^(.*)\((.*)\): (\S.*)$/.exec(text) ?? [];
  if (result === '') throw new Error(`Cannot read signature "${text}"`);
  const [, receiver = '', name = ''] = /^(?:(.*) )?(.+)$/.exec(withReceiverApart(head)) ?? [];
  const parameters = [receiver, ...splitTop(args)].filter(part => part !== '');
  return {
    name,
    receiver: receiver !== '',
    parameters: parameters.map(parseType),
    result: parseType(result),
  };
}

/** Namespaced functions are in lower case before the dot and no type: `math.greatest`. */
function withReceiverApart(head: string): string {
  const dot = head.lastIndexOf('.');
  const before = head.slice(0, dot);
  const isType = before.includes('<') || byName.has(before) || /[A-Z]/.test(before);
  return dot > 0 && isType ? `${before} ${head.slice(dot + 1)}` : head;
}

function parseType(text: string): Type {
  const [, outer = '', inner = ''] = /^(list|map|optional)<(.*)>$/.exec(text) ?? [];
  const [first = DYN, second = DYN] = splitTop(inner).map(parseType);
  if (outer === 'list') return listOf(first);
  if (outer === 'map') return mapOf(first, second);
  if (outer === 'optional') return { ...optionalOf(first), kind: 'optional' };
  if (/^[A-Z]$/.test(text)) return { kind: 'parameter', name: text, parameters: [] };
  return byName.get(text) ?? opaque(text);
}

/** At commas that are in no brackets. */
function splitTop(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i <= text.length; i += 1) {
    const char = text[i] ?? ',';
    if (char === '<') depth += 1;
    if (char === '>') depth -= 1;
    if (char !== ',' || depth > 0) continue;
    parts.push(text.slice(start, i).trim());
    start = i + 1;
  }
  return parts.filter(part => part !== '');
}
