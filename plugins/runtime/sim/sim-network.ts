import type {
  Clock,
  ClusterNetwork,
  NetworkAddress,
  NetworkAnswer,
  NetworkFinding,
  NetworkRequest,
} from 'kernetes/sdk';
import type { SimContainer } from './sim-runtime.ts';

/** Reaches simulated containers by the addresses of their pods. Costs one entry a container. */
export class SimNetwork implements ClusterNetwork {
  readonly #clock: Clock;
  /** Several share an address: those of one pod, and all of a node's own network. */
  readonly #containers = new Map<string, SimContainer[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** It stays, refusing connections, when the container has ended. */
  add(container: SimContainer): void {
    const { ip } = container;
    if (ip === undefined) return;
    const known = this.#containers.get(ip);
    if (known === undefined) this.#containers.set(ip, [container]);
    else known.push(container);
  }

  remove(container: SimContainer): void {
    const { ip = '' } = container;
    const left = this.#containers.get(ip)?.filter(each => each !== container) ?? [];
    if (left.length > 0) this.#containers.set(ip, left);
    else this.#containers.delete(ip);
  }

  find(address: NetworkAddress): NetworkFinding {
    if (this.#listener(address)) return 'http';
    const known = this.#containers.get(address.ip) ?? [];
    // Other ports of a node's address are not ours to refuse.
    return known.some(({ pod }) => !pod.hostNetwork) ? 'refused' : 'unknown';
  }

  request(request: NetworkRequest): NetworkAnswer {
    const container = this.#listener(request);
    if (container === undefined) {
      throw new Error(`Cannot reach ${request.ip}:${request.port}: nothing listens there`);
    }
    const { status, contentType, body } = responseOf(container, request);
    const bytes = Buffer.from(body);
    const headers = { 'content-type': contentType, 'content-length': String(bytes.length) };
    return { status, headers, body: request.method === 'HEAD' ? Buffer.alloc(0) : bytes };
  }

  /** A server that is not ready by its probes does not listen yet, or any more. */
  #listener({ ip, port }: NetworkAddress): SimContainer | undefined {
    return this.#containers.get(ip)?.find(({ behaviour, exit, startedAtMs }) => {
      if (exit !== undefined || !behaviour.ports.includes(port)) return false;
      const { ok, afterMs = 0 } = behaviour.probe;
      return this.#clock.now() >= startedAtMs + afterMs === ok;
    });
  }
}

function responseOf({ behaviour, pod, spec }: SimContainer, { headers }: NetworkRequest) {
  const { response } = behaviour;
  if (response) {
    const { status = 200, contentType = PLAIN, body = '' } = response;
    return { status, contentType, body };
  }
  const name = `${pod.namespace}/${pod.name}`;
  const what = `Simulated answer of container ${spec.name} (image ${spec.image}), pod ${name}`;
  if (!String(headers.accept ?? '').includes('text/html')) {
    return { status: 200, contentType: PLAIN, body: `${what}\n` };
  }
  // The names and the image have none of HTML's own characters: they are validated.
  const body = `<!DOCTYPE html>\n<title>${name}</title>\n<p>${what}</p>\n`;
  return { status: 200, contentType: 'text/html; charset=utf-8', body };
}

const PLAIN = 'text/plain; charset=utf-8';
