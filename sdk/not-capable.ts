/** What a plugin can be granted beside `objects`, which the door decides about. */
export type Permission = 'net' | 'read' | 'write' | 'env' | 'run' | 'sys';

/**
 * A plugin did something that it was not granted. Thrown by the guarded modules and globals of its
 * host, and by what the kernel does for it; nothing has happened then. Test with `NotCapable.is`:
 * it may come from another copy of this class.
 */
export class NotCapable extends Error {
  override name = 'NotCapable';
  readonly code = 'ERR_NOT_CAPABLE';
  /** Who was refused. */
  readonly plugin: string;
  /** Absent: there is none that would allow it. */
  readonly permission: Permission | undefined;

  constructor({ plugin, action, permission, target }: NotCapableOptions) {
    const cannot = `Plugin "${plugin}" cannot ${action}`;
    const flag = target === undefined ? permission : `${permission}=${target}`;
    super(
      permission === undefined
        ? `${cannot}: no permission allows it`
        : `${cannot}: it needs the permission "${permission}", granted by --grant ${plugin}:${flag}`,
    );
    this.plugin = plugin;
    this.permission = permission;
  }

  static is(error: unknown): error is NotCapable {
    return error instanceof Error && (error as { code?: unknown }).code === 'ERR_NOT_CAPABLE';
  }
}

export interface NotCapableOptions {
  readonly plugin: string;
  /** What was tried, to stand after "cannot": `read "/etc/passwd"`. */
  readonly action: string;
  readonly permission?: Permission;
  /** What the permission would have to name: a path, `host:port`, a variable, a program. */
  readonly target?: string;
}
