import { type ConfigMap, parseLabelSelector, type Selector } from 'kernetes/sdk';
import { type Curve, parseCurve } from './curve.ts';

/** What a ConfigMap says that there is to do, and who shares it. */
export interface Load {
  readonly namespace: string;
  /** Of the pods that share; undefined: nothing is shared. */
  readonly selector: Selector | undefined;
  /** Whose cpu and memory it takes; undefined: all containers of a pod, evenly. */
  readonly container: string | undefined;
  /** The zero of the curves' time. */
  readonly startMs: number;
  /** How far a pod's share may be off, as a part of it. */
  readonly noise: number;
  readonly cpu: Curve | undefined;
  readonly memory: Curve | undefined;
  /** By metric: the total of all pods. */
  readonly pods: ReadonlyMap<string, Curve>;
  readonly objects: readonly ObjectLoad[];
  readonly external: readonly ExternalLoad[];
}

export interface ObjectLoad {
  readonly metric: string;
  /** As in paths: `services`, `ingresses.networking.k8s.io`. */
  readonly resource: string;
  readonly name: string;
  readonly curve: Curve;
}

export interface ExternalLoad {
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly curve: Curve;
}

/** Throws an error that names the key and says what is wrong with it. */
export function parseLoad({ metadata, data = {} }: ConfigMap): Load {
  const given = new Draft(metadata.namespace ?? '', metadata.creationTimestamp ?? '');
  for (const [key, text] of Object.entries(data)) {
    try {
      given.take(key, text.trim());
    } catch (error) {
      throw new Error(`${key}: ${error instanceof Error ? error.message : error}`);
    }
  }
  return given.done();
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

class Draft {
  readonly #load: Writable<Load>;
  readonly #pods = new Map<string, Curve>();
  readonly #objects: ObjectLoad[] = [];
  readonly #external: ExternalLoad[] = [];

  constructor(namespace: string, created: string) {
    this.#load = {
      namespace,
      selector: undefined,
      container: undefined,
      startMs: Date.parse(created) || 0,
      noise: 0,
      cpu: undefined,
      memory: undefined,
      pods: this.#pods,
      objects: this.#objects,
      external: this.#external,
    };
  }

  take(key: string, text: string): void {
    const [, kind = '', metric = ''] = /^([a-z]+)\.(.+)$/.exec(key) ?? [];
    switch (kind) {
      case '':
        this.#setting(key, text);
        return;
      case 'pods':
        this.#pods.set(metric, parseCurve(text));
        return;
      case 'object':
        this.#objects.push(...lines(text).map(line => this.#object(metric, line)));
        return;
      case 'external':
        this.#external.push(...lines(text).map(line => external(metric, line)));
        return;
      default:
        throw new Error(`it is none of ${KEYS}`);
    }
  }

  done(): Load {
    const { selector, cpu, memory } = this.#load;
    if (selector === undefined && (cpu || memory || this.#pods.size > 0)) {
      throw new Error('selector: there is none, and something to share');
    }
    return this.#load;
  }

  #setting(key: string, text: string): void {
    const load = this.#load;
    switch (key) {
      case 'selector':
        load.selector = parseLabelSelector(text);
        return;
      case 'container':
        load.container = text;
        return;
      case 'start':
        load.startMs = Date.parse(text);
        if (Number.isNaN(load.startMs)) throw new Error(`"${text}" is no time`);
        return;
      case 'noise':
        load.noise = partOf(text);
        return;
      case 'cpu':
      case 'memory':
        load[key] = parseCurve(text);
        return;
      default:
        throw new Error(`it is none of ${KEYS}`);
    }
  }

  #object(metric: string, line: string): ObjectLoad {
    const { subject, curve } = splitLine(line);
    const [resource = '', name = '', ...rest] = subject.split('/');
    if (resource === '' || name === '' || rest.length > 0) {
      throw new Error(`"${line}" does not begin with "<resource>/<name>: "`);
    }
    if (resource === 'namespaces' && name !== this.#load.namespace) {
      throw new Error(`namespace "${name}" is another one`);
    }
    return { metric, resource, name, curve };
  }
}

function external(metric: string, line: string): ExternalLoad {
  const { subject, curve } = splitLine(line);
  const labels = subject === '' ? [] : subject.split(',').map(pair => pair.trim().split('='));
  for (const pair of labels) {
    if (pair.length !== 2 || pair[0] === '') throw new Error(`"${subject}" are no labels`);
  }
  return { metric, labels: Object.fromEntries(labels), curve };
}

function lines(text: string): string[] {
  return text.split('\n').filter(line => line.trim() !== '');
}

/** `<subject>: <curve>`, or the curve alone. */
function splitLine(line: string): { readonly subject: string; readonly curve: Curve } {
  const at = line.lastIndexOf(':');
  return { subject: line.slice(0, Math.max(0, at)).trim(), curve: parseCurve(line.slice(at + 1)) };
}

/** `5%` or `0.05`. */
function partOf(text: string): number {
  const [, number = '', percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text) ?? [];
  const part = number === '' ? Number.NaN : Number(number) / (percent ? 100 : 1);
  if (!(part <= 1)) throw new Error(`"${text}" is no part of at most 1`);
  return part;
}

const KEYS =
  'selector, container, start, noise, cpu, memory, pods.<metric>, object.<metric>, external.<metric>';
