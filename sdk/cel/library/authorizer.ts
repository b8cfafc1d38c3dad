import type { CelAuthorizerCheck, CelAuthorizerDecision, CelRequestResource } from '../cel.ts';
import type { Frame } from '../meter.ts';
import type { Library } from '../overload.ts';
import { opaque, type Type } from '../type.ts';
import { fail, Opaque } from '../value.ts';

export const AUTHORIZER_TYPE = opaque('kubernetes.authorization.Authorizer');
/** The variable's name; the dot is a part of it. */
export const REQUEST_RESOURCE = 'authorizer.requestResource';
/** Upstream's AuthzCheckCost: a check may ask a webhook. */
const CHECK_COST = 350_000;

type Check = Partial<CelAuthorizerCheck>;

/** A step on the way to a check: an authorizer, a path, a group, a resource. */
class Step extends Opaque {
  readonly type: Type;
  readonly check: Check;

  constructor(type: Type, check: Check) {
    super();
    this.type = type;
    this.check = check;
  }

  equals(other: Step): boolean {
    return this === other;
  }
}

class Decision extends Opaque {
  readonly type = DECISION;
  readonly decision: CelAuthorizerDecision;

  constructor(decision: CelAuthorizerDecision) {
    super();
    this.decision = decision;
  }

  equals(other: Decision): boolean {
    return this === other;
  }
}

const PATH = opaque('kubernetes.authorization.PathCheck');
const GROUP = opaque('kubernetes.authorization.GroupCheck');
const RESOURCE = opaque('kubernetes.authorization.ResourceCheck');
const DECISION = opaque('kubernetes.authorization.Decision');

export function authorizerValue(): unknown {
  return new Step(AUTHORIZER_TYPE, {});
}

export function requestResourceValue(resource: CelRequestResource): unknown {
  const { group, namespace, name, subresource } = resource;
  return new Step(RESOURCE, { group, resource: resource.resource, namespace, name, subresource });
}

function step(type: Type, from: Step, more: Check): Step {
  return new Step(type, { ...from.check, ...more });
}

export const AUTHORIZER: Library = {
  [`${AUTHORIZER_TYPE.name}.path(string): ${PATH.name}`]: (_, from: Step, path: string) =>
    path === '' ? fail('path must not be empty') : step(PATH, from, { path }),
  [`${AUTHORIZER_TYPE.name}.group(string): ${GROUP.name}`]: (_, from: Step, group: string) =>
    step(GROUP, from, { group }),
  [`${AUTHORIZER_TYPE.name}.serviceAccount(string, string): ${AUTHORIZER_TYPE.name}`]: (
    _,
    from: Step,
    namespace: string,
    name: string,
  ) => step(AUTHORIZER_TYPE, from, { serviceAccount: { namespace, name } }),
  [`${GROUP.name}.resource(string): ${RESOURCE.name}`]: (_, from: Step, resource: string) =>
    step(RESOURCE, from, { resource }),
  [`${RESOURCE.name}.subresource(string): ${RESOURCE.name}`]: (
    _,
    from: Step,
    subresource: string,
  ) => step(RESOURCE, from, { subresource }),
  [`${RESOURCE.name}.namespace(string): ${RESOURCE.name}`]: (_, from: Step, namespace: string) =>
    step(RESOURCE, from, { namespace }),
  [`${RESOURCE.name}.name(string): ${RESOURCE.name}`]: (_, from: Step, name: string) =>
    step(RESOURCE, from, { name }),
  [`${RESOURCE.name}.check(string): ${DECISION.name}`]: check,
  [`${PATH.name}.check(string): ${DECISION.name}`]: check,
  [`${DECISION.name}.allowed(): bool`]: (_, { decision }: Decision) =>
    decision.allowed && decision.error === undefined,
  [`${DECISION.name}.reason(): string`]: (_, { decision }: Decision) => decision.reason,
  [`${DECISION.name}.errored(): bool`]: (_, { decision }: Decision) => decision.error !== undefined,
  [`${DECISION.name}.error(): string`]: (_, { decision }: Decision) => decision.error ?? '',
};

const NOTHING = {
  group: '',
  resource: '',
  subresource: '',
  namespace: '',
  name: '',
  path: '',
} as const;

function check({ meter, authorizer }: Frame, from: Step, verb: string): Decision {
  meter.spend(CHECK_COST);
  if (!authorizer) return fail('authorizer is not available');
  return new Decision(authorizer({ ...NOTHING, ...from.check, verb }));
}
