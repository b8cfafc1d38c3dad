import type { AddressInfo } from 'node:net';
import { makeServerCertificate } from './certificates.ts';

/** A server that a webhook's configuration may name. */
export interface WebhookServer {
  /** `https://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  /** As configurations have it. */
  readonly caBundle: string;
  /** What was asked, oldest first. */
  readonly asked: WebhookQuestion[];
  close(): Promise<void>;
}

export interface WebhookQuestion {
  /** With its query. */
  readonly path: string;
  readonly host: string | undefined;
  readonly body: Review;
}

/** Enough of AdmissionReviews and ConversionReviews to answer them. */
export interface Review {
  readonly kind: string;
  readonly apiVersion: string;
  readonly request: Readonly<Record<string, unknown>>;
}

/** What is answered: the review's response without its uid; or a status and a text; never. */
export type WebhookAnswer =
  | { readonly response: object }
  | { readonly code: number; readonly text: string }
  | 'never';

export interface WebhookServerOptions {
  /** DNS names of the certificate beside 127.0.0.1. */
  readonly names?: readonly string[];
}

/** Starts a real HTTPS server with a certificate of its own. */
export async function webhookServer(
  answer: (question: WebhookQuestion) => WebhookAnswer,
  { names = [] }: WebhookServerOptions = {},
): Promise<WebhookServer> {
  const { createServer } = await import('node:https');
  const { key, certificate } = await makeServerCertificate(names);
  const asked: WebhookQuestion[] = [];
  const server = createServer({ key, cert: certificate }, async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Review;
    const question = { path: request.url ?? '', host: request.headers.host, body };
    asked.push(question);
    const given = answer(question);
    if (given === 'never') return;
    if ('code' in given) {
      response.writeHead(given.code).end(given.text);
      return;
    }
    const { kind, apiVersion, request: own } = body;
    const full = { kind, apiVersion, response: { uid: own.uid, ...given.response } };
    response.end(JSON.stringify(full));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    caBundle: Buffer.from(certificate).toString('base64'),
    asked,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A JSON patch as a webhook answers it. */
export function patchResponse(...operations: object[]): object {
  const patch = Buffer.from(JSON.stringify(operations)).toString('base64');
  return { allowed: true, patchType: 'JSONPatch', patch };
}
