import { CommanderError } from 'commander';

/**
 * Says on standard error, in one line, what went wrong and what to do; returns the exit code.
 * `DEBUG=kernetes` adds where it came from.
 */
export function reportFailure(error: unknown): number {
  process.stderr.write(`kernetes: ${describe(error)}\n`);
  if (process.env.DEBUG === 'kernetes') console.error(error);
  return 1;
}

/** One line, without its origin in the code. */
export function describe(error: unknown): string {
  if (error instanceof CommanderError) return fromCommander(error);
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall === 'listen' && code !== undefined) return fromListen(error as ListenError, code);
  return String((error as Partial<Error>)?.message ?? error).split('\n', 1)[0] ?? '';
}

function fromCommander({ message }: CommanderError): string {
  const text = message.replace(/^error: /, '').split('\n', 1)[0] ?? '';
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}: see kernetes --help`;
}

interface ListenError extends Error {
  readonly address?: string;
  readonly port?: number;
}

function fromListen({ address, port, message }: ListenError, code: string): string {
  const where = port === undefined ? address : `${address}:${port}`;
  const reason = LISTEN_REASONS[code] ?? message;
  return `Cannot listen on ${where}: ${reason}; choose another address with --listen`;
}

const LISTEN_REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use',
  EADDRNOTAVAIL: 'this machine does not have the address',
  EACCES: 'the port needs more rights',
  ENOTFOUND: 'the name is not known',
};
