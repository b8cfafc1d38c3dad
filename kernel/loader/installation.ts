import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HostCode, SdkModules } from '../pool/bundle.ts';
import { type Profile, readProfile } from './profile.ts';
import { type Builtins, checkoutBuiltins } from './sources.ts';

/** What a program that runs plugins finds of itself: in a checkout, or in the built package. */
export interface Installation {
  readonly builtins: Builtins;
  /** The plugins of a cluster whose operator names no profile. */
  readonly profile: () => Profile;
  readonly modules: SdkModules;
  /** The scripts of plugin hosts, when they were built before. */
  readonly hostCode?: () => Promise<HostCode>;
  /** A script for hosts of exactly these built-in plugins, when it was built before. */
  readonly groupBundle?: (plugins: readonly string[]) => Promise<GroupBundle> | undefined;
}

export interface GroupBundle {
  readonly code: string;
  /** The source map; read when it is asked for. */
  readonly map: () => string;
}

/** The checkout that this file lies in. The build puts what it built in this module's place. */
export function installation(): Installation {
  const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
  const plugins = resolve(root, 'plugins');
  return {
    builtins: checkoutBuiltins(plugins),
    profile: () => readProfile(resolve(plugins, 'profile.yaml')),
    modules: {
      sdk: resolve(root, 'sdk/sdk.ts'),
      testing: resolve(root, 'sdk/testing/testing.ts'),
      hostRuntime: resolve(root, 'kernel/pool/host-runtime.ts'),
    },
  };
}
