import type { CelAuthorizer, CelAuthorizerDecision } from '../cel/cel.ts';
import type { Door } from '../door.ts';
import type { User } from '../request.ts';
import { serviceAccountGroups, serviceAccountUser } from '../service-account.ts';
import { ApiError } from '../status.ts';

/** Answers expressions that ask what somebody may do; at first the user of the request. */
export function celAuthorizer(door: Door, requester: User): CelAuthorizer {
  return check => {
    const { verb, path, serviceAccount, ...target } = check;
    const user = serviceAccount ? accountOf(serviceAccount) : requester;
    const attributes = path ? { user, verb, path } : { ...target, user, verb, version: '*' };
    try {
      const pending = door.authorize(attributes);
      if (!(pending instanceof Promise)) return ALLOWED;
      // Expressions do not wait; the answer, whatever it is, comes too late.
      pending.catch(() => undefined);
      return { ...DENIED, error: 'the authorizer does not answer at once' };
    } catch (error) {
      if (ApiError.is(error, 'Forbidden')) return DENIED;
      return { ...DENIED, error: error instanceof Error ? error.message : String(error) };
    }
  };
}

const ALLOWED: CelAuthorizerDecision = { allowed: true, reason: '' };
const DENIED: CelAuthorizerDecision = { allowed: false, reason: '' };

function accountOf({ namespace, name }: { namespace: string; name: string }): User {
  return {
    name: serviceAccountUser(namespace, name),
    groups: [...serviceAccountGroups(namespace), 'system:authenticated'],
  };
}
