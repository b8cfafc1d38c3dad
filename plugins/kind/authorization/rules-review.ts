import {
  badRequest,
  type Door,
  defineKind,
  type KindDefinition,
  type ResolvedRules,
  type SelfSubjectRulesReview,
  type SubjectRulesReviewStatus,
} from 'kernetes/sdk';
import { GROUP, versionsOf } from './versions.ts';

/** What the asking user may do in a namespace. */
export function rulesReviews(door: () => Door): KindDefinition {
  return defineKind<SelfSubjectRulesReview>({
    group: GROUP,
    kind: 'SelfSubjectRulesReview',
    resource: 'selfsubjectrulesreviews',
    singular: 'selfsubjectrulesreview',
    namespaced: false,
    verbs: ['create'],
    storage: { prefix: 'registry/authorization.k8s.io/selfsubjectrulesreviews', version: 'v1' },
    versions: versionsOf('SelfSubjectRulesReview'),
    strategy: {},
    virtual: {
      create(review, { user }) {
        const { namespace } = review.spec ?? {};
        if (!namespace) throw badRequest('no namespace on request');
        return { ...review, status: statusOf(door().rules(user, namespace)) };
      },
    },
  });
}

function statusOf({ resources, paths, incomplete }: ResolvedRules): SubjectRulesReviewStatus {
  return {
    resourceRules: resources.map(({ verbs, apiGroups, resources, resourceNames }) => ({
      verbs: [...verbs],
      apiGroups: [...apiGroups],
      resources: [...resources],
      ...(resourceNames.length > 0 && { resourceNames: [...resourceNames] }),
    })),
    nonResourceRules: paths.map(({ verbs, nonResourceURLs }) => ({
      verbs: [...verbs],
      nonResourceURLs: [...nonResourceURLs],
    })),
    incomplete,
  };
}
