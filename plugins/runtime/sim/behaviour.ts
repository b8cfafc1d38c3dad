import type { Container, ContainerPort, Random } from 'kernetes/sdk';
import { outcomeOf } from './command.ts';

/** Milliseconds: fixed, evenly between two bounds, or exponential about a mean. */
export type Delay =
  | number
  | { readonly min: number; readonly max: number }
  | { readonly mean: number };

export interface BehaviourConfig {
  readonly pullMs: Delay;
  readonly startMs: Delay;
  readonly stopMs: Delay;
  /** The first whose patterns match a container tells how it behaves. */
  readonly images: readonly ImageRule[];
}

export interface ImageRule {
  /** A regular expression that the image's name contains. */
  readonly image: string;
  /** One that command and args, joined by blanks, contain. Absent: whatever they are. */
  readonly command?: string;
  /** The registry does not have it. */
  readonly missing?: boolean;
  /** Every node has it from the start. */
  readonly preloaded?: boolean;
  /** Without a command it runs a shell, which ends at once when it has no input. */
  readonly shell?: boolean;
  readonly sizeBytes?: number;
  readonly pullMs?: Delay;
  readonly startMs?: Delay;
  readonly stopMs?: Delay;
  /** How long it runs. Without it and `exitCode`, its command decides. */
  readonly runMs?: Delay;
  readonly exitCode?: number;
  /** When it is stopped within its grace; 137 if not. */
  readonly stopExitCode?: number;
  readonly probe?: ProbeRule;
  /** Where it listens, beside the ports that its container names. */
  readonly ports?: readonly number[];
  /** What it answers to HTTP. */
  readonly response?: ResponseRule;
}

export interface ResponseRule {
  readonly status?: number;
  readonly contentType?: string;
  readonly body?: string;
}

/** Probes give `ok` from `afterMs` after the start on, and the opposite before. */
export interface ProbeRule {
  readonly ok: boolean;
  readonly afterMs?: number;
  readonly message?: string;
}

/** How one start of a container goes. */
export interface Behaviour {
  readonly startMs: number;
  readonly stopMs: number;
  readonly stopExitCode: number;
  readonly probe: ProbeRule;
  readonly ports: readonly number[];
  readonly response?: ResponseRule;
  /** Absent: it runs until it is stopped. */
  readonly end?: { readonly runMs: number; readonly exitCode: number };
}

export interface ImageBehaviour {
  readonly pullMs: number;
  readonly missing: boolean;
  readonly preloaded: boolean;
  readonly sizeBytes: number;
}

/** Decides, from the configured rules, how images and containers behave. */
export class Behaviours {
  readonly #config: BehaviourConfig;
  readonly #random: Random;
  readonly #rules: readonly CompiledRule[];

  constructor(config: BehaviourConfig, random: Random) {
    this.#config = config;
    this.#random = random;
    this.#rules = [...config.images, ...BUILT_IN_RULES].map(compile);
  }

  ofImage(image: string): ImageBehaviour {
    const rule = this.#rules.find(({ image: pattern }) => pattern.test(image))?.rule;
    return {
      pullMs: this.#sample(rule?.pullMs ?? this.#config.pullMs),
      missing: rule?.missing ?? false,
      preloaded: rule?.preloaded ?? false,
      sizeBytes: rule?.sizeBytes ?? DEFAULT_IMAGE_BYTES,
    };
  }

  ofContainer(container: Container): Behaviour {
    const { image = '', command = [], args = [] } = container;
    const line = [...command, ...args].join(' ');
    const rule = this.#rules.find(
      compiled => compiled.image.test(image) && (compiled.command?.test(line) ?? true),
    )?.rule;
    const end = this.#endOf(container, rule);
    const ports = rule?.ports ?? (SERVERS.test(image) ? [80] : []);
    return {
      startMs: this.#sample(rule?.startMs ?? this.#config.startMs),
      stopMs: this.#sample(rule?.stopMs ?? this.#config.stopMs),
      stopExitCode: rule?.stopExitCode ?? 0,
      probe: rule?.probe ?? ALWAYS_OK,
      ports: [...(container.ports ?? []).flatMap(tcpPort), ...ports],
      ...(rule?.response && { response: rule.response }),
      ...(end && { end }),
    };
  }

  #endOf(container: Container, rule: ImageRule | undefined): Behaviour['end'] {
    if (rule?.runMs !== undefined || rule?.exitCode !== undefined) {
      return { runMs: this.#sample(rule.runMs ?? 0), exitCode: rule.exitCode ?? 0 };
    }
    const { command = [], args = [], stdin } = container;
    if (command.length > 0) return outcomeOf([...command, ...args]);
    // Arguments without a command go to the image's entrypoint, which an image of a shell lacks.
    if (!rule?.shell) return undefined;
    if (args.length > 0) return outcomeOf(args);
    return stdin ? undefined : { runMs: 0, exitCode: 0 };
  }

  #sample(delay: Delay): number {
    if (typeof delay === 'number') return delay;
    if ('min' in delay) return delay.min + this.#random.next() * (delay.max - delay.min);
    return -delay.mean * Math.log(1 - this.#random.next());
  }
}

interface CompiledRule {
  readonly rule: ImageRule;
  readonly image: RegExp;
  readonly command?: RegExp;
}

function compile(rule: ImageRule): CompiledRule {
  return {
    rule,
    image: pattern(rule.image),
    ...(rule.command !== undefined && { command: pattern(rule.command) }),
  };
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (cause) {
    throw new Error(`Cannot read "${text}" in the rules of images: no regular expression`, {
      cause,
    });
  }
}

const BUILT_IN_RULES: readonly ImageRule[] = [
  {
    image: '(^|/)(alpine|bash|busybox|centos|debian|fedora|ubuntu)(:|@|$)',
    shell: true,
    sizeBytes: 4_000_000,
  },
];

function tcpPort({ containerPort, protocol = 'TCP' }: ContainerPort): number[] {
  return protocol === 'TCP' && containerPort !== undefined ? [containerPort] : [];
}

/** Images that listen there whether or not their container says so. */
const SERVERS = /(^|\/)(nginx|httpd|caddy|whoami)(:|@|$)/;
const ALWAYS_OK: ProbeRule = { ok: true };
const DEFAULT_IMAGE_BYTES = 50_000_000;
