import type { JsonSchema } from './plugin.ts';

/**
 * The type of a plugin's configuration, read off its JSON Schema as it stands in the source. Knows
 * types, properties, items and enums; anything else is `unknown`. A property that is neither
 * required nor has a default may be absent.
 */
export type ConfigOf<S extends JsonSchema> = S extends {
  readonly properties: infer P extends Readonly<Record<string, JsonSchema>>;
}
  ? { readonly [K in SureKeys<S, P>]: ValueOf<P[K]> } & {
      readonly [K in Exclude<keyof P, SureKeys<S, P>>]?: ValueOf<P[K]>;
    }
  : Readonly<Record<string, unknown>>;

type SureKeys<S, P> = {
  [K in keyof P]: P[K] extends { readonly default: unknown }
    ? K
    : S extends { readonly required: readonly (infer R)[] }
      ? K extends R
        ? K
        : never
      : never;
}[keyof P];

type ValueOf<S extends JsonSchema> = S extends { readonly enum: readonly (infer E)[] }
  ? E
  : S extends { readonly type: 'string' }
    ? string
    : S extends { readonly type: 'number' | 'integer' }
      ? number
      : S extends { readonly type: 'boolean' }
        ? boolean
        : S extends { readonly type: 'array'; readonly items: infer I extends JsonSchema }
          ? readonly ValueOf<I>[]
          : S extends { readonly type: 'object' }
            ? ConfigOf<S>
            : unknown;
