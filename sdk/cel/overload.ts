import type { Frame } from './meter.ts';
import { assign, parseSignature, type Signature, substitute, type Type } from './type.ts';
import { fail } from './value.ts';
import { isOfType } from './value-type.ts';

/**
 * A library's function. Values fit the signature when it is called; of lists only the first
 * element was looked at.
 */
export type Implementation = (frame: Frame, ...values: never[]) => unknown;

/** By signature: `list<T>.indexOf(T): int`. */
export type Library = Readonly<Record<string, Implementation>>;

export interface Overload extends Signature {
  readonly run: Implementation;
}

/** All functions, by name; `.name` for those with a receiver. */
export type Functions = ReadonlyMap<string, readonly Overload[]>;

export function functionsOf(libraries: readonly Library[]): Functions {
  const functions = new Map<string, Overload[]>();
  for (const library of libraries) {
    for (const [text, run] of Object.entries(library)) {
      const signature = parseSignature(text);
      const name = signature.receiver ? `.${signature.name}` : signature.name;
      const overloads = functions.get(name) ?? [];
      overloads.push({ ...signature, run });
      functions.set(name, overloads);
    }
  }
  return functions;
}

export interface Resolved {
  readonly type: Type;
  readonly call: (frame: Frame, values: readonly unknown[]) => unknown;
}

/** The overloads that values of these types may turn out to need; undefined if none. */
export function resolve(
  overloads: readonly Overload[],
  types: readonly Type[],
): Resolved | undefined {
  const candidates: Overload[] = [];
  const results: Type[] = [];
  for (const overload of overloads) {
    const result = resultFor(overload, types);
    if (result === undefined) continue;
    candidates.push(overload);
    results.push(result);
  }
  const [first] = results;
  if (first === undefined) return undefined;
  const type = results.every(({ name }) => name === first.name) ? first : DYN_RESULT;
  return { type, call: (frame, values) => dispatch(candidates, frame, values) };
}

const DYN_RESULT = parseSignature('dyn(dyn): dyn').result;

function resultFor(overload: Overload, types: readonly Type[]): Type | undefined {
  if (overload.parameters.length !== types.length) return undefined;
  const bindings = new Map<string, Type>();
  const fits = types.every((type, i) => assign(overload.parameters[i] as Type, type, bindings));
  return fits ? substitute(overload.result, bindings) : undefined;
}

function dispatch(
  candidates: readonly Overload[],
  frame: Frame,
  values: readonly unknown[],
): unknown {
  frame.meter.spend(1);
  for (const { parameters, run } of candidates) {
    if (matches(parameters, values)) return run(frame, ...(values as never[]));
  }
  return fail('no such overload');
}

function matches(parameters: readonly Type[], values: readonly unknown[]): boolean {
  for (let i = 0; i < parameters.length; i += 1) {
    if (!isOfType(values[i], parameters[i] as Type)) return false;
  }
  return true;
}
