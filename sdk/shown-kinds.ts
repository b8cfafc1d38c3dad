import { type Connector, connectorPoint } from './connect.ts';
import type { Contributions, Disposer } from './extension.ts';
import { type KindDefinition, kindPoint } from './kind-definition.ts';
import type { PluginContext } from './plugin.ts';
import { atRelease } from './release.ts';
import { type SubresourceHandler, subresourcePoint } from './subresource.ts';

/** The kinds as clients see them. */
export interface ShownKinds {
  /** A kind that did not change is the same object each time. */
  list(): readonly KindDefinition[];
  /** Those of its subresources whose traffic is no objects. */
  connectors(kind: KindDefinition): readonly Connector[];
  onChange(callback: () => void): Disposer;
}

/**
 * The kinds that plugins contribute, with the versions of a release of Kubernetes (0: all), and the
 * subresources that other plugins than their own serve. For who describes the API.
 */
export function shownKinds(ctx: Pick<PluginContext, 'contributions'>, release: number): ShownKinds {
  const kinds = ctx.contributions(kindPoint);
  const handlers = ctx.contributions(subresourcePoint);
  const connectors = ctx.contributions(connectorPoint);
  let shown = new WeakMap<KindDefinition, readonly KindDefinition[]>();
  handlers.onChange(() => {
    shown = new WeakMap();
  });
  const show = (kind: KindDefinition) => {
    const known = shown.get(kind);
    if (known !== undefined) return known;
    const made = [atRelease(withHandlers(kind, handlers), release) ?? []].flat();
    shown.set(kind, made);
    return made;
  };
  return {
    list: () => kinds.list().flatMap(({ value }) => show(value)),
    connectors: ({ group, resource }) =>
      connectors
        .list()
        .map(({ value }) => value)
        .filter(each => each.group === group && each.resource === resource),
    onChange(callback) {
      const disposers = [kinds, handlers, connectors].map(each => each.onChange(callback));
      return async () => {
        for (const dispose of disposers) await dispose();
      };
    },
  };
}

function withHandlers(
  kind: KindDefinition,
  handlers: Contributions<SubresourceHandler>,
): KindDefinition {
  const others = handlers
    .list()
    .map(({ value }) => value)
    .filter(({ group, resource }) => group === kind.group && resource === kind.resource)
    .map(({ subresource: name, verbs, body }) => ({ name, verbs, ...(body && { body }) }));
  if (others.length === 0) return kind;
  return { ...kind, subresources: [...(kind.subresources ?? []), ...others] };
}
