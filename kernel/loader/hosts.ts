import type { Clock } from '../../sdk/clock.ts';
import type { Logger } from '../../sdk/logger.ts';
import type { Installation } from './installation.ts';
import type { HostFactory } from './loader.ts';

export interface PoolHostsOptions {
  readonly installation: Installation;
  readonly clock: Clock;
  readonly log: Logger;
  /** Where bundles are kept between runs. */
  readonly cacheDir?: string;
}

export function poolHosts(options: PoolHostsOptions): HostFactory {
  return () => {
    throw new Error(String(options));
  };
}
