import {
  type authorizationV1,
  badRequest,
  type Door,
  defineKind,
  type KindDefinition,
  type LocalSubjectAccessReview,
  type Review,
  type SelfSubjectAccessReview,
  type SubjectAccessReview,
  type SubjectAccessReviewSpec,
  type SubjectAccessReviewStatus,
  type User,
  type VirtualRequest,
} from 'kernetes/sdk';
import { selectorsOf } from './selectors.ts';
import { validateLocalReview, validateReview, validateSelfReview } from './validation.ts';
import { GROUP, versionsOf } from './versions.ts';

/** Whether somebody may do something. */
export function accessReviews(door: () => Door): KindDefinition[] {
  const subject = reviewKind<SubjectAccessReview>('SubjectAccessReview', {
    namespaced: false,
    validate: validateReview,
    answer: ({ spec }) => review(door(), subjectOf(spec), spec),
  });
  const self = reviewKind<SelfSubjectAccessReview>('SelfSubjectAccessReview', {
    namespaced: false,
    validate: validateSelfReview,
    answer: ({ spec }, { user }) => review(door(), user, spec),
  });
  const local = reviewKind<LocalSubjectAccessReview>('LocalSubjectAccessReview', {
    namespaced: true,
    validate: validateLocalReview,
    answer({ spec }, { namespace }) {
      if (namespace === '') throw badRequest('namespace is required on this type: ');
      return review(door(), subjectOf(spec), spec);
    },
  });
  return [subject, self, local];
}

type AccessReview = SubjectAccessReview | SelfSubjectAccessReview | LocalSubjectAccessReview;

interface ReviewOptions<T extends AccessReview> {
  readonly namespaced: boolean;
  readonly validate: NonNullable<KindDefinition<T>['strategy']['validate']>;
  readonly answer: (review: T, request: VirtualRequest) => Promise<SubjectAccessReviewStatus>;
}

function reviewKind<T extends AccessReview>(
  kind: string,
  { namespaced, validate, answer }: ReviewOptions<T>,
): KindDefinition {
  const resource = `${kind.toLowerCase()}s`;
  return defineKind<T>({
    group: GROUP,
    kind,
    resource,
    singular: kind.toLowerCase(),
    namespaced,
    verbs: ['create'],
    storage: { prefix: `registry/authorization.k8s.io/${resource}`, version: 'v1' },
    versions: versionsOf<T>(kind),
    strategy: { validate },
    virtual: {
      async create(object, request) {
        return { ...object, status: await answer(object, request) };
      },
    },
  });
}

async function review(
  door: Door,
  user: User,
  spec: SubjectAccessReviewSpec,
): Promise<SubjectAccessReviewStatus> {
  const { resourceAttributes, nonResourceAttributes } = spec;
  if (resourceAttributes === undefined) {
    const { verb = '', path = '' } = nonResourceAttributes ?? {};
    return statusOf(await door.review({ user, verb, path }), []);
  }
  const { ignored, ...selectors } = selectorsOf(resourceAttributes);
  const attributes = { ...targetOf(resourceAttributes), user, ...selectors };
  return statusOf(await door.review(attributes), ignored);
}

function targetOf(attributes: authorizationV1.ResourceAttributes) {
  const { verb = '', group = '', version, resource = '', subresource = '' } = attributes;
  const { namespace = '', name = '' } = attributes;
  return { verb, group, version: version || '*', resource, subresource, namespace, name };
}

/** v1beta1 calls them `group`. */
function subjectOf(spec: SubjectAccessReviewSpec & { readonly group?: string[] }): User {
  const { user = '', groups = spec.group ?? [], uid, extra } = spec;
  return { name: user, groups, ...(uid && { uid }), ...(extra && { extra }) };
}

function statusOf(
  { allowed, denied, reason, evaluationError }: Review,
  ignored: readonly string[],
): SubjectAccessReviewStatus {
  const errors = [
    ...(evaluationError ? [evaluationError] : []),
    ...ignored.map(field => `${field} partially ignored due to parse error`),
  ];
  return {
    allowed,
    ...(denied && { denied }),
    ...(reason && { reason }),
    ...(errors.length > 0 && { evaluationError: errors.join(', ') }),
  };
}
