import type { authenticationV1, User } from 'kernetes/sdk';

/** A user as reviews tell it. */
export function userInfo({ name, uid, groups, extra = {} }: User): authenticationV1.UserInfo {
  const told = Object.entries(extra).map(([key, values]) => [key, [...values]]);
  return {
    ...(name && { username: name }),
    ...(uid && { uid }),
    ...(groups.length > 0 && { groups: [...groups] }),
    ...(told.length > 0 && { extra: Object.fromEntries(told) }),
  };
}
