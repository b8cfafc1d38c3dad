import type { PodSandbox } from 'kernetes/sdk';
import type { ServedNode } from './node-registry.ts';

/** The address of one pod: its node's own, one of the node's range, or one from the runtime. */
export class PodAddress {
  readonly #node: ServedNode;
  readonly #sandbox: PodSandbox;
  #ip: string | undefined;
  /** It is of the node's range, and ours to give back. */
  #held = false;

  constructor(node: ServedNode, sandbox: PodSandbox) {
    this.#node = node;
    this.#sandbox = sandbox;
  }

  /** It stays what it was after it was given back. */
  get ip(): string | undefined {
    return this.#ip;
  }

  /** Shows what the pod had, without a claim to it. */
  recall(ip: string | undefined): void {
    this.#ip = ip;
  }

  /** Keeps what the pod had, if it is nobody else's. */
  reserve(ip: string | undefined): void {
    if (ip === undefined || this.#sandbox.hostNetwork) return;
    this.#held = this.#node.addresses.reserve(ip);
    if (this.#held) this.#ip = ip;
  }

  /** Gives it one, unless it has; `given` is the runtime's. Returns why it cannot. */
  assign(given: string | undefined): string | undefined {
    if (this.#held) return undefined;
    if (this.#sandbox.hostNetwork) this.#ip = this.#node.ip;
    else if (given !== undefined) this.#ip = given;
    else {
      this.#ip = this.#node.addresses.take();
      this.#held = this.#ip !== undefined;
    }
    return this.#ip ? undefined : `no IP addresses available in range set: ${this.#node.podCidr}`;
  }

  release(): void {
    if (this.#held && this.#ip) this.#node.addresses.release(this.#ip);
    this.#held = false;
  }
}
