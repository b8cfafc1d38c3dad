import {
  badCredentials,
  isSameSecret,
  type Kind,
  type KubeObject,
  Node,
  type ObjectClient,
  Pod,
  Secret,
  ServiceAccount,
  undefinedIfNotFound,
} from 'kernetes/sdk';
import type { AccountClaims, LegacyClaims, Reference } from './claims.ts';

type Objects = Pick<ObjectClient, 'get'>;

/**
 * That the account and what the token is bound to are there, and are the same ones. What began to
 * be deleted before `deletedBefore` counts as gone: a pod has its grace until then. Rejects with
 * Unauthorized.
 */
export async function checkObjects(
  { namespace, serviceaccount, pod, secret, node }: AccountClaims,
  objects: Objects,
  deletedBefore: number,
): Promise<void> {
  const find = <T extends KubeObject>(kind: Kind<T>, reference: Reference | undefined) =>
    reference && findObject(objects, kind, namespace, reference.name);
  // Where a pod runs is only told: the token lives as long as the pod.
  const boundNode = pod === undefined ? node : undefined;
  const [account, ...bound] = await Promise.all([
    findObject(objects, ServiceAccount, namespace, serviceaccount.name),
    find(Secret, secret),
    find(Pod, pod),
    find(Node, boundNode),
  ]);
  checkAccount(account, { namespace, ...serviceaccount }, deletedBefore);
  const references = [secret, pod, boundNode];
  for (const [i, reference] of references.entries()) {
    if (reference !== undefined) checkBound(bound[i], reference, deletedBefore);
  }
}

/** That the Secret still holds the token, and the account is the same. Rejects with Unauthorized. */
export async function checkLegacy(
  { namespace, account: name, uid, secret: secretName }: LegacyClaims,
  token: string,
  objects: Objects,
): Promise<void> {
  const [account, secret] = await Promise.all([
    findObject(objects, ServiceAccount, namespace, name),
    findObject(objects, Secret, namespace, secretName),
  ]);
  if (secret === undefined || secret.metadata.deletionTimestamp) {
    throw badCredentials('Token has been invalidated');
  }
  const kept = Buffer.from(secret.data?.token ?? '', 'base64');
  if (!isSameSecret(kept, token)) throw badCredentials("Token does not match server's copy");
  checkAccount(account, { namespace, name, uid }, Number.POSITIVE_INFINITY);
}

function checkAccount(
  account: ServiceAccount | undefined,
  wanted: { readonly namespace: string; readonly name: string; readonly uid?: string },
  deletedBefore: number,
): void {
  const { namespace, name, uid = '' } = wanted;
  if (account === undefined) throw badCredentials(`serviceaccounts "${name}" not found`);
  const { metadata } = account;
  if (isDeleted(account, deletedBefore)) {
    throw badCredentials(`service account ${namespace}/${name} has been deleted`);
  }
  if (metadata.uid !== uid) {
    throw badCredentials(`service account UID (${metadata.uid}) does not match claim (${uid})`);
  }
}

function checkBound(
  object: KubeObject | undefined,
  { uid = '' }: Reference,
  deletedBefore: number,
): void {
  if (object === undefined || isDeleted(object, deletedBefore)) {
    throw badCredentials('service account token has been invalidated');
  }
  const found = object.metadata.uid;
  if (found === uid && uid !== '') return;
  throw badCredentials(`the bound object's UID (${found}) does not match the claim (${uid})`);
}

function isDeleted({ metadata }: KubeObject, before: number): boolean {
  const { deletionTimestamp } = metadata;
  return deletionTimestamp !== undefined && Date.parse(deletionTimestamp) < before;
}

function findObject<T extends KubeObject>(
  objects: Objects,
  kind: Kind<T>,
  namespace: string,
  name: string,
): Promise<T | undefined> {
  const key = { ...(kind.namespaced && { namespace }), name };
  return objects.get(kind, key).catch(undefinedIfNotFound);
}
