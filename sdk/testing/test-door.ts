import type { Attributes } from '../auth.ts';
import type { Door, ServedResource } from '../door.ts';
import { apiVersionOf, type KubeObject } from '../kind.ts';
import type { KindDefinition } from '../kind-definition.ts';
import { forbidden, unknownResource } from '../status.ts';

export interface TestDoorOptions {
  /** Kinds that share a storage prefix are the same objects. */
  readonly kinds: readonly KindDefinition[];
  /** Default: everybody may do everything. */
  readonly allows?: (attributes: Attributes) => boolean;
}

/**
 * What of a door plugins in the kernel's thread use beside requests: it knows kinds and rights, and
 * converts by the versions' own functions.
 */
export function testDoor({ kinds, allows = () => true }: TestDoorOptions): Door {
  const all: ServedResource[] = kinds.flatMap(kind =>
    kind.versions.map(version => ({ kind, version })),
  );
  const resolve = (group: string, version: string, resource: string) => {
    const found = all.find(
      each =>
        each.kind.group === group &&
        each.kind.resource === resource &&
        each.version.name === version,
    );
    if (found === undefined) throw unknownResource();
    return found;
  };
  const door: Pick<Door, 'resolve' | 'equivalents' | 'convert' | 'authorize'> = {
    resolve,
    equivalents: (...path) => {
      const { prefix } = resolve(...path).kind.storage;
      return all.filter(({ kind }) => kind.storage.prefix === prefix);
    },
    convert(from, object, to) {
      const copy = structuredClone(object);
      const stored = from.version.toStorage?.(copy) ?? copy;
      const shown: KubeObject = to.version.fromStorage?.(stored) ?? stored;
      const apiVersion = apiVersionOf({ group: to.kind.group, version: to.version.name });
      return { ...shown, kind: to.kind.kind, apiVersion };
    },
    authorize(attributes) {
      if (allows(attributes)) return;
      throw forbidden({ group: '', resource: 'things' }, '', 'not allowed');
    },
  };
  return door as Door;
}
