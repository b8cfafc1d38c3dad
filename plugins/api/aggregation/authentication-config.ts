import { isDeepStrictEqual } from 'node:util';
import { ApiError, ConfigMap, type ObjectClient } from 'kernetes/sdk';
import { ALLOWED_NAMES } from './backend.ts';

/** PEM of the authorities. */
export interface Authorities {
  readonly clients: string;
  readonly frontProxy: string;
}

export const CONFIG_KEY = {
  namespace: 'kube-system',
  name: 'extension-apiserver-authentication',
} as const;

/** Tells extension servers whom to believe; what others added there stays. */
export async function publishAuthentication(
  found: ConfigMap | undefined,
  authorities: Authorities,
  objects: Pick<ObjectClient, 'create' | 'update'>,
): Promise<void> {
  const data = { ...found?.data, ...dataOf(authorities) };
  if (found === undefined) {
    try {
      await objects.create(ConfigMap, { metadata: { ...CONFIG_KEY }, data });
    } catch (error) {
      if (!ApiError.is(error, 'AlreadyExists')) throw error;
    }
  } else if (!isDeepStrictEqual(found.data, data)) {
    await objects.update(ConfigMap, { ...found, data });
  }
}

function dataOf({ clients, frontProxy }: Authorities): Record<string, string> {
  return {
    'client-ca-file': clients,
    'requestheader-allowed-names': JSON.stringify(ALLOWED_NAMES),
    'requestheader-client-ca-file': frontProxy,
    'requestheader-extra-headers-prefix': JSON.stringify(['X-Remote-Extra-']),
    'requestheader-group-headers': JSON.stringify(['X-Remote-Group']),
    'requestheader-uid-headers': JSON.stringify(['X-Remote-Uid']),
    'requestheader-username-headers': JSON.stringify(['X-Remote-User']),
  };
}
