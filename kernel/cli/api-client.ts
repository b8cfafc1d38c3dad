import { request } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { ApiError } from '../../sdk/status.ts';
import { LoadError } from '../loader/manifest.ts';

export interface ApiClientOptions {
  /** Absent: `KUBECONFIG`, else the one in the home folder. */
  readonly kubeconfig: string | undefined;
  /** Absent: the file's current one. */
  readonly context: string | undefined;
}

/** An API server as a kubeconfig names it, with whatever way of signing in that says. */
export interface ApiClient {
  /** Of the context. */
  readonly namespace: string | undefined;
  get(path: string): Promise<unknown>;
}

/** Throws `LoadError` when there is no such file or context. */
export function openApiClient({ kubeconfig, context }: ApiClientOptions): ApiClient {
  const config = new KubeConfig();
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
  } catch (cause) {
    throw new LoadError(`Cannot read the kubeconfig: ${(cause as Error).message}`, { cause });
  }
  if (context !== undefined) config.setCurrentContext(context);
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) {
    throw new LoadError(
      `Cannot find the cluster of context "${config.getCurrentContext()}": the kubeconfig has none`,
    );
  }
  return {
    namespace: config.getContextObject(config.getCurrentContext())?.namespace,
    get: path => get(config, new URL(path.replace(/^\//, ''), `${server.replace(/\/$/, '')}/`)),
  };
}

async function get(config: KubeConfig, url: URL): Promise<unknown> {
  const options = { headers: { accept: 'application/json' } };
  await config.applyToHTTPSOptions(options);
  const { status, text } = await fetchText(url, options);
  if (status < 400) return JSON.parse(text);
  throw asApiError(status, text, url);
}

function fetchText(url: URL, options: object): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, options, answer => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
      );
    });
    sent.on('error', (cause: Error) =>
      reject(new Error(`Cannot reach ${url.origin}: ${cause.message}`, { cause })),
    );
    sent.end();
  });
}

function asApiError(code: number, text: string, url: URL): Error {
  try {
    return new ApiError(JSON.parse(text));
  } catch {
    return new Error(`Cannot get ${url.pathname}: the server answered ${code}`);
  }
}
