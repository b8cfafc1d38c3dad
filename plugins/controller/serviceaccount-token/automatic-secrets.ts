import {
  type Informer,
  keyOf,
  type ObjectReference,
  type PluginContext,
  parseKey,
  type Random,
  randomSuffix,
  runQueue,
  Secret,
  ServiceAccount,
  undefinedIfNotFound,
} from 'kernetes/sdk';
import {
  accountName,
  annotationsFor,
  type FillOptions,
  filled,
  isFor,
  TYPE,
} from './token-secret.ts';

/** The last release in which accounts have such Secrets without being asked. */
export const LAST_RELEASE = 23;

export interface AutomaticOptions {
  readonly accounts: Informer<ServiceAccount>;
  readonly secrets: Informer<Secret>;
  /** Undefined: nobody signs yet. */
  fillOptions(): FillOptions | undefined;
}

/** Gives each account a Secret of its own; what is returned looks at all accounts again. */
export function runAutomaticSecrets(ctx: PluginContext, options: AutomaticOptions): () => void {
  const { accounts, secrets } = options;
  const { objects, random } = ctx;

  async function work(key: string): Promise<undefined> {
    const fill = options.fillOptions();
    const known = accounts.get(key);
    if (fill === undefined || known === undefined || known.metadata.deletionTimestamp) return;
    if (secrets.byIndex('account', key).some(secret => isReferred(known, secret))) return;
    // The copies may be behind what was made a moment ago, so those that count are asked for.
    const account = await objects.get(ServiceAccount, parseKey(key)).catch(undefinedIfNotFound);
    if (account === undefined || account.metadata.deletionTimestamp) return;
    const { kept, hasToken } = await sift(account);
    if (hasToken) return;
    const made = newSecret(account, random);
    const created = await objects.create(Secret, filled(made, account, fill) ?? made);
    try {
      const name = created.metadata.name ?? '';
      await objects.update(ServiceAccount, { ...account, secrets: [...kept, { name }] });
    } catch (error) {
      // It is of no use to an account that does not refer to it; the account comes again.
      await objects.delete(Secret, parseKey(keyOf(created))).catch(undefinedIfNotFound);
      throw error;
    }
  }

  /** The account's references without those to automatic Secrets that are gone. */
  async function sift(account: ServiceAccount) {
    const kept: ObjectReference[] = [];
    let hasToken = false;
    for (const reference of account.secrets ?? []) {
      const { name = '' } = reference;
      const key = { name, namespace: account.metadata.namespace ?? '' };
      const secret = name && (await objects.get(Secret, key).catch(undefinedIfNotFound));
      if (secret) hasToken ||= secret.type === TYPE && isFor(secret, account);
      else if (isAutomatic(name, account)) continue;
      kept.push(reference);
    }
    return { kept, hasToken };
  }

  const add = (account: ServiceAccount) => queue.add(keyOf(account));
  const addAll = () => accounts.list().forEach(add);
  const queue = runQueue(ctx, { name: 'accounts', concurrency: 5, work, replay: addAll });
  accounts.on({ added: add, updated: add });
  secrets.on({
    deleted: secret => queue.add(`${secret.metadata.namespace}/${accountName(secret)}`),
  });
  queue.start();
  return addAll;
}

function isReferred(account: ServiceAccount, secret: Secret): boolean {
  const { name } = secret.metadata;
  return isFor(secret, account) && (account.secrets ?? []).some(each => each.name === name);
}

function newSecret(account: ServiceAccount, random: Random): Secret {
  const { namespace = '' } = account.metadata;
  const name = prefixOf(account) + randomSuffix(random, SUFFIX_LENGTH);
  return { metadata: { name, namespace, annotations: annotationsFor(account) }, type: TYPE };
}

function isAutomatic(name: string, account: ServiceAccount): boolean {
  const prefix = prefixOf(account);
  return name.startsWith(prefix) && /^[a-z0-9]{5}$/.test(name.slice(prefix.length));
}

/** Cut as generated names are. */
function prefixOf({ metadata }: ServiceAccount): string {
  return `${metadata.name}-token-`.slice(0, GENERATED_MAX - SUFFIX_LENGTH);
}

const SUFFIX_LENGTH = 5;
const GENERATED_MAX = 63;
