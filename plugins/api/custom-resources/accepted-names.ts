import { isDeepStrictEqual } from 'node:util';
import {
  type CustomResourceDefinition,
  type CustomResourceDefinitionCondition,
  type CustomResourceDefinitionNames,
  joinErrors,
} from 'kernetes/sdk';

export interface NamesVerdict {
  readonly names: CustomResourceDefinitionNames;
  readonly condition: Pick<
    CustomResourceDefinitionCondition,
    'type' | 'status' | 'reason' | 'message'
  >;
}

/**
 * Which definition has which names. Two of a group cannot have the same: the first to ask gets it.
 * What was decided counts at once, before anybody reads it from a status.
 */
export class AcceptedNames {
  readonly #byDefinition = new Map<string, Holding>();

  /** Takes over what a status says, where nothing was decided here. */
  observe({ metadata, spec, status }: CustomResourceDefinition): void {
    const { name = '' } = metadata;
    if (this.#byDefinition.has(name) || !status?.acceptedNames?.plural) return;
    this.#byDefinition.set(name, { group: spec.group, names: status.acceptedNames });
  }

  forget(definition: string): void {
    this.#byDefinition.delete(definition);
  }

  areAccepted({ metadata, spec }: CustomResourceDefinition): boolean {
    return isDeepStrictEqual(this.#byDefinition.get(metadata.name ?? '')?.names, spec.names);
  }

  /** Gives the definition those of the names it wants that nobody else has. */
  decide(definition: CustomResourceDefinition): NamesVerdict {
    const { metadata, spec, status } = definition;
    const { name = '' } = metadata;
    const wanted = spec.names;
    const held = this.#byDefinition.get(name)?.names ?? status?.acceptedNames ?? EMPTY;
    const taken = this.#takenByOthers(name, spec.group);
    const got: CustomResourceDefinitionNames = { ...held };
    let conflict: { reason: string; message: string } | undefined;
    for (const { field, reason, of } of FIELDS) {
      const busy = wanted[field] !== held[field] && taken[of].has(wanted[field] ?? '');
      if (busy) conflict = { reason, message: `"${wanted[field]}" is already in use` };
      else assign(got, field, wanted[field]);
    }
    const busy = (wanted.shortNames ?? []).filter(
      short => !held.shortNames?.includes(short) && taken.resources.has(short),
    );
    if (busy.length > 0) {
      const message = joinErrors(busy.map(short => `"${short}" is already in use`));
      conflict = { reason: 'ShortNamesConflict', message };
    } else assign(got, 'shortNames', wanted.shortNames);
    assign(got, 'categories', wanted.categories);
    this.#byDefinition.set(name, { group: spec.group, names: got });
    const type = 'NamesAccepted';
    if (conflict) return { names: got, condition: { type, status: 'False', ...conflict } };
    const accepted = { reason: 'NoConflicts', message: 'no conflicts found' };
    return { names: got, condition: { type, status: 'True', ...accepted } };
  }

  #takenByOthers(name: string, group: string): Taken {
    const taken: Taken = { resources: new Set(), kinds: new Set() };
    for (const [other, { group: of, names }] of this.#byDefinition) {
      if (other === name || of !== group) continue;
      const { plural, singular = '', shortNames = [], kind, listKind = '' } = names;
      for (const each of [plural, singular, ...shortNames]) taken.resources.add(each);
      for (const each of [kind, listKind]) taken.kinds.add(each);
    }
    return taken;
  }
}

interface Holding {
  readonly group: string;
  readonly names: CustomResourceDefinitionNames;
}

interface Taken {
  readonly resources: Set<string>;
  readonly kinds: Set<string>;
}

const EMPTY: CustomResourceDefinitionNames = { plural: '', kind: '' };

/** In upstream's order: the last conflict is the one that is told. */
const FIELDS = [
  { field: 'plural', reason: 'PluralConflict', of: 'resources' },
  { field: 'singular', reason: 'SingularConflict', of: 'resources' },
  { field: 'kind', reason: 'KindConflict', of: 'kinds' },
  { field: 'listKind', reason: 'ListKindConflict', of: 'kinds' },
] as const;

function assign<K extends keyof CustomResourceDefinitionNames>(
  names: CustomResourceDefinitionNames,
  field: K,
  value: CustomResourceDefinitionNames[K] | undefined,
): void {
  if (value === undefined) delete names[field];
  else names[field] = value as CustomResourceDefinitionNames[K];
}
