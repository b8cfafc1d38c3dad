import { NotCapable, type Permission } from '../../sdk/not-capable.ts';
import type { Grants } from './grants.ts';

/** Refuses, in the name of the plugins of one host. */
export class Guard {
  readonly plugin: string;
  readonly grants: Grants;

  constructor(plugin: string, grants: Grants) {
    this.plugin = plugin;
    this.grants = grants;
  }

  error(action: string, permission?: Permission, target?: string): NotCapable {
    return new NotCapable({
      plugin: this.plugin,
      action,
      ...(permission !== undefined && { permission }),
      ...(target !== undefined && { target }),
    });
  }

  /** A function that refuses whoever calls or constructs it. */
  refusing(name: string, permission?: Permission): (...args: unknown[]) => never {
    const { error } = this;
    const refuse = (first: unknown): NotCapable => {
      const target = permission && targetOf(permission, first);
      return error.call(this, `call ${name}`, permission, target);
    };
    // No arrow function: packages extend guarded classes when they are loaded.
    return function refused(first?: unknown): never {
      throw refuse(first);
    };
  }
}

/** What the permission would have to name, where the first argument tells. */
function targetOf(permission: Permission, argument: unknown): string | undefined {
  if (typeof argument === 'string') return permission === 'net' ? hostOf(argument) : argument;
  if (argument instanceof URL) return permission === 'net' ? argument.host : argument.pathname;
  if (permission !== 'net') return undefined;
  if (typeof argument === 'number') return `127.0.0.1:${argument}`;
  const { host, hostname, port } = (argument ?? {}) as Record<string, unknown>;
  const name = hostname ?? host ?? 'localhost';
  return typeof name === 'string' && port !== undefined ? `${name}:${String(port)}` : undefined;
}

function hostOf(text: string): string {
  return URL.canParse(text) ? new URL(text).host : text;
}
