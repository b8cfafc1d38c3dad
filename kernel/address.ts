import { LoadError } from './loader/manifest.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:6443`, `[::1]:6443`, `:6443`, `localhost`. Throws `LoadError`. */
export function parseAddress(text: string, defaultPort: number): Address {
  const {
    host = '',
    v6,
    port,
  } = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<host>[^:\s[\]]*))(?::(?<port>\d{1,5}))?$/.exec(text)
    ?.groups ?? {};
  const number = port === undefined ? defaultPort : Number(port);
  if (text === '' || (v6 === undefined && host === '' && port === undefined) || number > 65_535) {
    throw new LoadError(`The address to listen on is "${text}": want HOST:PORT`);
  }
  return { host: v6 ?? (host || '0.0.0.0'), port: number };
}

/** As it stands in a URL. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether it stands for all addresses of the machine, so that no client can dial it. */
export function isUnspecified(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
