import type { Cel, CelProgram, CelResultType, CelType } from '../cel/cel.ts';
import { builtInSchema } from '../schema.ts';

/** What expressions of match conditions and admission policies can name, and how it is typed. */
export interface EnvironmentOptions {
  /** The policy has parameters. */
  readonly params?: boolean;
  /** Results of the policy's variables, in the order in which they are defined. */
  readonly variables?: Readonly<Record<string, CelResultType>> | undefined;
  /** Webhooks' match conditions know of no namespace object, policies' do. */
  readonly namespaceObject?: boolean;
}

export function environment(options: EnvironmentOptions): Record<string, CelType> {
  const { params, variables, namespaceObject } = options;
  const composed = Object.entries(variables ?? {}).map(([name, of]) => [name, { of }] as const);
  return {
    object: DYN,
    oldObject: DYN,
    request: REQUEST,
    ...(params && { params: DYN }),
    ...(namespaceObject && { namespaceObject: { schema: builtInSchema('', 'v1', 'Namespace') } }),
    ...(variables && { variables: { fields: Object.fromEntries(composed) } }),
  };
}

/** Throws `CelCompileError`. */
export function compileCondition(cel: Cel, expression: string): CelProgram {
  return cel.compile(expression, { variables: environment({}), authorizer: true });
}

const DYN = { type: 'dyn' } as const;
const STRING = { type: 'string' } as const;
const GROUP_VERSION = { group: STRING, version: STRING };
const GVK = { fields: { ...GROUP_VERSION, kind: STRING } };
const GVR = { fields: { ...GROUP_VERSION, resource: STRING } };

const REQUEST: CelType = {
  fields: {
    kind: GVK,
    resource: GVR,
    subResource: STRING,
    requestKind: GVK,
    requestResource: GVR,
    requestSubResource: STRING,
    name: STRING,
    namespace: STRING,
    operation: STRING,
    userInfo: {
      fields: { username: STRING, uid: STRING, groups: { type: 'list' }, extra: { type: 'map' } },
    },
    dryRun: { type: 'bool' },
    options: DYN,
  },
};
