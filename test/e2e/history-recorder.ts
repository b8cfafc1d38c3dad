import type { Random } from 'kernetes/sdk';
import type { Call, Get, History, List, Refusal, Version, Write } from './history.ts';
import {
  Client,
  type ConfigMap,
  isConnectionError,
  NAMES,
  PATH,
  versionOf,
} from './history-client.ts';
import { Watcher, type WatchHost } from './history-watcher.ts';
import { Http, jsonOf, type Reply } from './http.ts';

export interface RunOptions {
  readonly operations: number;
  readonly writers: number;
  /** Kills the server and starts it again; called at these counts of operations. */
  readonly restart?: () => Promise<void>;
  readonly restartAt?: readonly number[];
}

/**
 * Clients that write, read and watch ConfigMaps as chance has it, drop connections on the way, and
 * keep what they asked and were told.
 */
export class Recorder {
  readonly #kubeconfigs: readonly string[];
  readonly #random: Random;
  readonly #calls: Call[] = [];
  readonly #watchers: Watcher[] = [];
  readonly #latest = new Map<string, Version>();
  #ticks = 0;
  #done = 0;
  #resume: (() => void) | undefined;
  #paused: Promise<void> = Promise.resolve();
  #closed = false;

  /** A server each, which all show the same objects. */
  constructor(kubeconfigs: readonly string[], random: Random) {
    this.#kubeconfigs = kubeconfigs;
    this.#random = random;
  }

  /** Nobody begins anything until `resume`. */
  pause(): void {
    this.#paused = new Promise(resolve => {
      this.#resume = resolve;
    });
  }

  resume(): void {
    this.#resume?.();
  }

  get history(): History {
    return { calls: this.#calls, segments: this.#watchers.flatMap(each => each.segments) };
  }

  counts() {
    const writes = this.#calls.filter(call => call.type === 'write');
    const refused = writes.filter(({ answer }) => answer && 'refused' in answer).length;
    const unknown = writes.filter(({ answer }) => answer === undefined).length;
    const written = writes.length - refused - unknown;
    const resumed = this.#watchers.reduce((sum, each) => sum + each.resumed, 0);
    const reads = this.#calls.length - writes.length;
    return { written, refused, unknown, reads, resumed };
  }

  async run({ operations, writers, restart, restartAt = [] }: RunOptions): Promise<void> {
    const scopes = ['', '', NAMES[0] ?? ''];
    for (const [index, scope] of scopes.entries()) {
      const watcher = new Watcher(this.#host(index), `watcher-${index}`, scope);
      this.#watchers.push(watcher);
      await watcher.begin();
    }
    let restarting: Promise<void> = Promise.resolve();
    const work = async (index: number) => {
      const client = new Client(this.#kubeconfigs[index % this.#kubeconfigs.length] ?? '');
      while (this.#done < operations) {
        await this.#paused;
        this.#done++;
        if (restart && restartAt.includes(this.#done)) restarting = restart();
        if (this.#random.integer(40) === 0) this.#watchers[this.#random.integer(3)]?.drop();
        await this.#operate(client);
      }
      client.close();
    };
    await Promise.all(Array.from({ length: writers }, (_, index) => work(index)));
    await restarting;
    await this.#finish();
  }

  close(): void {
    this.#closed = true;
    for (const watcher of this.#watchers) watcher.close();
  }

  #host(index: number): WatchHost {
    const kubeconfig = this.#kubeconfigs[index % this.#kubeconfigs.length] ?? '';
    return {
      http: async () => {
        await this.#paused;
        return Http.of(kubeconfig);
      },
      list: http => this.#list(path => http.call('GET', path)),
      isClosed: () => this.#closed,
    };
  }

  /** Each name is written once more, so that each watch has a last event to wait for. */
  async #finish(): Promise<void> {
    const client = new Client(this.#kubeconfigs[0] ?? '');
    for (const name of [...NAMES].reverse()) {
      for (const verb of ['create', 'patch'] as const) await this.#write(client, verb, name, false);
    }
    client.close();
    for (const watcher of this.#watchers) {
      const last = Math.max(
        ...this.#calls.map(call => {
          if (call.type !== 'write' || !call.answer || !('revision' in call.answer)) return 0;
          return watcher.scope === '' || call.name === watcher.scope ? call.answer.revision : 0;
        }),
      );
      await watcher.until(last);
    }
  }

  async #operate(client: Client): Promise<void> {
    const random = this.#random;
    // Half of it is about one object.
    const name = NAMES[random.integer(2) === 0 ? 0 : random.integer(NAMES.length)] ?? '';
    const dropped = random.integer(30) === 0;
    const dice = random.integer(100);
    if (dice < 10) await this.#get(client, name);
    else if (dice < 15) await this.#list(path => client.call('GET', path)).catch(ignore);
    else if (dice < 25) await this.#write(client, 'create', name, dropped);
    else if (dice < 65) await this.#update(client, name, dropped);
    else if (dice < 94) await this.#write(client, 'patch', name, dropped);
    else await this.#write(client, 'delete', name, dropped);
  }

  /** Of what was seen last: now, mostly, for nearly all would be refused else. */
  async #update(client: Client, name: string, dropped: boolean): Promise<void> {
    if (this.#random.integer(4) > 0) await this.#get(client, name);
    await this.#write(client, 'update', name, dropped);
  }

  async #get(client: Client, name: string): Promise<void> {
    const invoked = ++this.#ticks;
    const reply = await client.call('GET', `${PATH}/${name}`).catch(ignore);
    if (reply === undefined) return;
    const found = reply.code === 200 ? versionOf(jsonOf<ConfigMap>(reply)) : undefined;
    if (!found && reply.code !== 404) throw new Error(`GET ${name}: ${reply.code} ${reply.body}`);
    if (found) this.#latest.set(name, found);
    const call: Get = { type: 'get', name, invoked, returned: ++this.#ticks };
    this.#calls.push({ ...call, ...(found && { found }) });
  }

  async #list(send: (path: string) => Promise<Reply>): Promise<List> {
    const invoked = ++this.#ticks;
    const reply = await send(PATH);
    if (reply.code !== 200) throw new Error(`GET ${PATH}: ${reply.code} ${reply.body}`);
    const { items, metadata } = jsonOf<{ items: ConfigMap[]; metadata: ConfigMap['metadata'] }>(
      reply,
    );
    const list: List = {
      type: 'list',
      invoked,
      returned: ++this.#ticks,
      revision: Number(metadata.resourceVersion),
      items: items.map(versionOf).filter(({ name }) => NAMES.includes(name)),
    };
    this.#calls.push(list);
    return list;
  }

  async #write(client: Client, verb: Write['verb'], name: string, drop: boolean): Promise<void> {
    const id = `${verb}-${this.#done}-${this.#ticks}`;
    const latest = this.#latest.get(name);
    if (verb === 'update' && latest === undefined) return;
    const expected = verb === 'update' ? latest?.revision : undefined;
    const sets = verb === 'patch' ? { id, [`patch-${this.#random.integer(4)}`]: id } : { id };
    const invoked = ++this.#ticks;
    const reply = await client.write(verb, name, { sets, expected, drop }).catch(ignore);
    const answer = reply && answerOf(reply);
    if (answer && 'revision' in answer) this.#latest.set(name, answer);
    // What was asked of a server that died may take place, or not.
    const returned = answer ? ++this.#ticks : Number.POSITIVE_INFINITY;
    const call = { type: 'write' as const, verb, name, id, invoked, returned, sets };
    this.#calls.push({
      ...call,
      ...(expected !== undefined && { expected }),
      ...(answer && { answer }),
    });
  }
}

function answerOf(reply: Reply): NonNullable<Write['answer']> {
  const { reason, details, ...object } = jsonOf<
    ConfigMap & { reason?: Refusal; details?: { uid?: string } }
  >(reply);
  if (reply.code < 300) return details ? { deleted: details.uid ?? '' } : versionOf(object);
  if (reason && REFUSALS.includes(reason)) return { refused: reason };
  throw new Error(`A write was answered with ${reply.code} ${reply.body}`);
}

function ignore(error: unknown): undefined {
  if (!isConnectionError(error)) throw error;
}

const REFUSALS: readonly string[] = ['AlreadyExists', 'Conflict', 'NotFound'];
