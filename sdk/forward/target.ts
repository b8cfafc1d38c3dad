import type { ForwardedHeaders } from './headers.ts';

/** Where an exchange goes on to. */
export interface Target {
  readonly scheme: 'http' | 'https';
  /** An address, or a name. */
  readonly host: string;
  readonly port: number;
  /** With its query, encoded. */
  readonly path: string;
  /** Beside, and in the place of, the client's own. */
  readonly headers: Readonly<ForwardedHeaders>;
  readonly tls?: TargetTls;
  /** What becomes of the answer; absent: it is passed on as it is. */
  readonly answer?: (head: AnswerHead) => ChangedAnswer;
}

/** PEM. Without a `ca` any certificate is taken. */
export interface TargetTls {
  readonly servername?: string;
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
}

export interface AnswerHead {
  readonly status: number;
  readonly headers: ForwardedHeaders;
}

export interface ChangedAnswer {
  readonly headers: ForwardedHeaders;
  /** Streams that the body passes, in their order. */
  readonly through: readonly NodeJS.ReadWriteStream[];
}

/** `10.0.0.1:80`, `[fd00::1]:80` */
export function formatHostPort({ host, port }: { host: string; port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
