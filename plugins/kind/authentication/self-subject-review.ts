import { builtInSchema, defineKind, type KindVersion, type SelfSubjectReview } from 'kernetes/sdk';
import { userInfo } from './user-info.ts';

const GROUP = 'authentication.k8s.io';

/** Who asks. */
export const selfSubjectReviews = defineKind<SelfSubjectReview>({
  group: GROUP,
  kind: 'SelfSubjectReview',
  resource: 'selfsubjectreviews',
  singular: 'selfsubjectreview',
  namespaced: false,
  verbs: ['create'],
  storage: { prefix: `registry/${GROUP}/selfsubjectreviews`, version: 'v1' },
  versions: [version('v1', 28), version('v1beta1', 27, 32), version('v1alpha1', 26, 31)],
  strategy: {},
  virtual: {
    create: (review, { user }) => ({ ...review, status: { userInfo: userInfo(user) } }),
  },
});

/** All have the form of v1. */
function version(name: string, since: number, until?: number): KindVersion<SelfSubjectReview> {
  return {
    name,
    schema: builtInSchema(GROUP, 'v1', 'SelfSubjectReview'),
    releases: { since, ...(until !== undefined && { until }) },
  };
}
