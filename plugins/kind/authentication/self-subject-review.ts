import { builtInSchema, defineKind, type SelfSubjectReview } from 'kernetes/sdk';
import { userInfo } from './user-info.ts';

const GROUP = 'authentication.k8s.io';

/** Who asks. The versions before v1 are off upstream, in the releases that have them. */
export const selfSubjectReviews = defineKind<SelfSubjectReview>({
  group: GROUP,
  kind: 'SelfSubjectReview',
  resource: 'selfsubjectreviews',
  singular: 'selfsubjectreview',
  namespaced: false,
  verbs: ['create'],
  storage: { prefix: `registry/${GROUP}/selfsubjectreviews`, version: 'v1' },
  versions: [
    {
      name: 'v1',
      schema: builtInSchema(GROUP, 'v1', 'SelfSubjectReview'),
      releases: { since: 28 },
    },
  ],
  strategy: {},
  virtual: {
    create: (review, { user }) => ({ ...review, status: { userInfo: userInfo(user) } }),
  },
});
