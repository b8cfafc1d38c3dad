import {
  ApiError,
  type Authenticated,
  badRequest,
  builtInSchema,
  type Door,
  defineKind,
  type KindDefinition,
  type KindVersion,
  olderVersion,
  type TokenReview,
  type TokenReviewStatus,
} from 'kernetes/sdk';
import { userInfo } from './user-info.ts';

export interface TokenReviewOptions {
  readonly door: () => Pick<Door, 'authenticate'>;
  readonly apiAudiences: readonly string[];
}

/** Whose a bearer token is. */
export function tokenReviews(options: TokenReviewOptions): KindDefinition {
  const v1: KindVersion<TokenReview> = { name: 'v1', schema: builtInSchema(GROUP, 'v1', KIND) };
  return defineKind<TokenReview>({
    group: GROUP,
    kind: KIND,
    resource: 'tokenreviews',
    singular: 'tokenreview',
    namespaced: false,
    verbs: ['create'],
    storage: { prefix: `registry/${GROUP}/tokenreviews`, version: 'v1' },
    versions: [
      v1,
      olderVersion(v1, { group: GROUP, kind: KIND, name: 'v1beta1', deprecated: 19, until: 21 }),
    ],
    strategy: {},
    virtual: {
      async create(review) {
        const { token = '', audiences = [] } = review.spec ?? {};
        if (token === '') {
          throw badRequest('token is required for TokenReview in authentication');
        }
        return { ...review, status: await statusOf(token, audiences, options) };
      },
    },
  });
}

async function statusOf(
  token: string,
  asked: readonly string[],
  { door, apiAudiences }: TokenReviewOptions,
): Promise<TokenReviewStatus> {
  const audiences = asked.length > 0 ? asked : apiAudiences;
  try {
    const authorization = `Bearer ${token}`;
    const user = await door().authenticate({ authorization, audiences });
    const good = audiencesOf(user, apiAudiences).filter(each => audiences.includes(each));
    if (good.length === 0) return { user: {}, error: INVALID };
    return { authenticated: true, user: userInfo(user), audiences: good };
  } catch (error) {
    if (!ApiError.is(error, 'Unauthorized')) throw error;
    const why = error.cause instanceof Error ? `[${INVALID}, ${error.cause.message}]` : INVALID;
    return { user: {}, error: why };
  }
}

/** What names no audience is for the API server. */
function audiencesOf(
  { audiences }: Authenticated,
  apiAudiences: readonly string[],
): readonly string[] {
  return audiences ?? apiAudiences;
}

const GROUP = 'authentication.k8s.io';
const KIND = 'TokenReview';
const INVALID = 'invalid bearer token';
