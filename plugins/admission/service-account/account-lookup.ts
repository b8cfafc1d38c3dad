import {
  type Clock,
  formatKey,
  type Informer,
  keyOf,
  type ObjectClient,
  ServiceAccount,
  undefinedIfNotFound,
} from 'kernetes/sdk';

/** The account that pods have which name none. */
export const DEFAULT_ACCOUNT = 'default';

export interface AccountLookupOptions {
  readonly accounts: Informer<ServiceAccount>;
  readonly objects: ObjectClient;
  readonly clock: Clock;
}

/** Finds service accounts: at once nearly always, else by asking the server, else by waiting. */
export class AccountLookup {
  readonly #options: AccountLookupOptions;
  /** Called when the account of the key appears. */
  readonly #waiting = new Map<string, Set<() => void>>();
  #waitingCount = 0;

  constructor(options: AccountLookupOptions) {
    this.#options = options;
    options.accounts.on({ added: account => this.#appeared(keyOf(account)) });
  }

  /** Undefined: there is none. */
  find(
    namespace: string,
    name: string,
  ): ServiceAccount | Promise<ServiceAccount | undefined> | undefined {
    return this.#options.accounts.get(`${namespace}/${name}`) ?? this.#look(namespace, name);
  }

  async #look(namespace: string, name: string): Promise<ServiceAccount | undefined> {
    const found = await this.#ask(namespace, name);
    if (found || name !== DEFAULT_ACCOUNT) return found;
    const key = formatKey({ namespace, name });
    await this.#wait(key);
    return this.#options.accounts.get(key) ?? this.#ask(namespace, name);
  }

  #ask(namespace: string, name: string): Promise<ServiceAccount | undefined> {
    const { objects } = this.#options;
    return objects.get(ServiceAccount, { namespace, name }).catch(undefinedIfNotFound);
  }

  /** Until the account is there, or it has been long enough. */
  #wait(key: string): Promise<void> {
    const { accounts, clock } = this.#options;
    if (accounts.get(key) || this.#waitingCount >= WAITING_MAX) return Promise.resolve();
    return new Promise(resolve => {
      const waiting = this.#waiting.get(key) ?? new Set();
      this.#waiting.set(key, waiting);
      const end = () => {
        timer.cancel();
        waiting.delete(end);
        if (waiting.size === 0) this.#waiting.delete(key);
        this.#waitingCount--;
        resolve();
      };
      const timer = clock.setTimeout(end, WAIT_MS);
      waiting.add(end);
      this.#waitingCount++;
    });
  }

  #appeared(key: string): void {
    for (const end of [...(this.#waiting.get(key) ?? [])]) end();
  }
}

/** Upstream asks ten times, every 150 ms on average. */
const WAIT_MS = 1_500;
/** Requests that wait at a time; more are answered at once, and can be sent again. */
const WAITING_MAX = 1_000;
