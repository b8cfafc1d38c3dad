import type { ServerResponse } from 'node:http';
import type { AnswerHead, Target } from './target.ts';

interface AnswerOptions {
  readonly target: Pick<Target, 'answer'>;
  readonly body: NodeJS.ReadableStream;
}

/** Begins the client's answer. Where a stream fails that the body passes, it breaks off. */
export function sendAnswer(
  client: ServerResponse,
  head: AnswerHead,
  { target, body }: AnswerOptions,
): void {
  const { headers, through } = target.answer?.(head) ?? { ...head, through: [] };
  client.writeHead(head.status, headers);
  client.flushHeaders();
  let last = body;
  for (const stream of through) {
    stream.once('error', () => client.destroy());
    last = last.pipe(stream);
  }
  last.pipe(client);
}
