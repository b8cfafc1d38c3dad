import type { List, WatchedEvent } from './history.ts';
import { type ConfigMap, isConnectionError, NAMES, PATH, versionOf } from './history-client.ts';
import type { Http } from './http.ts';

export interface WatchHost {
  /** When the server is up. */
  http(): Promise<Http>;
  list(http: Http): Promise<List>;
  isClosed(): boolean;
}

/** One watch, taken up again from where it was whenever it ends. */
export class Watcher {
  readonly scope: string;
  readonly segments: {
    watcher: string;
    name: string;
    since: number;
    until: number;
    events: WatchedEvent[];
  }[] = [];
  /** How often it went on where it was. */
  resumed = 0;
  readonly #host: WatchHost;
  readonly #name: string;
  #look: () => void = () => undefined;
  #end: () => void = () => undefined;

  constructor(host: WatchHost, name: string, scope: string) {
    this.#host = host;
    this.#name = name;
    this.scope = scope;
  }

  get #segment() {
    return this.segments.at(-1);
  }

  /** Resolves when it watches; it goes on by itself. */
  async begin(): Promise<void> {
    await this.#anew();
    void this.#follow();
  }

  /** Resolves when it was told of this revision. */
  until(revision: number): Promise<void> {
    return new Promise(resolve => {
      this.#look = () => {
        if ((this.#segment?.until ?? 0) >= revision) resolve();
      };
      this.#look();
    });
  }

  /** As if its network failed. */
  drop(): void {
    this.#end();
  }

  close(): void {
    this.#end();
  }

  /** With the state of now: where a server says that what came since is forgotten. */
  async #anew(): Promise<void> {
    for (;;) {
      try {
        const { revision: since } = await this.#host.list(await this.#host.http());
        const { scope: name } = this;
        this.segments.push({ watcher: this.#name, name, since, until: since, events: [] });
        return;
      } catch (error) {
        if (this.#host.isClosed()) return;
        if (!isConnectionError(error)) throw error;
      }
    }
  }

  async #follow(): Promise<void> {
    while (!this.#host.isClosed()) {
      try {
        const http = await this.#host.http();
        const field = this.scope && `&fieldSelector=metadata.name%3D${this.scope}`;
        const since = this.#segment?.until;
        const watch = await http.watch(`${PATH}?watch=1&resourceVersion=${since}${field}`);
        this.#end = () => watch.close();
        for (let frame = await watch.next(); frame; frame = await watch.next()) {
          if (frame.type === 'ERROR') {
            await this.#anew();
            break;
          }
          this.#take(frame.type, frame.object as unknown as ConfigMap);
        }
      } catch (error) {
        if (!isConnectionError(error)) throw error;
      }
      this.resumed++;
    }
  }

  #take(type: string, object: ConfigMap): void {
    const segment = this.#segment;
    const version = versionOf(object);
    if (segment === undefined || !NAMES.includes(version.name)) return;
    segment.events.push({ type, ...version });
    // What comes out of order must not make a later watch begin too early.
    segment.until = Math.max(segment.until, version.revision);
    this.#look();
  }
}
