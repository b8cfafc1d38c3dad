import { parseGoDuration } from 'kernetes/sdk';
import type { ExtenderSetting } from './extender.ts';

/** An extender as a file for kube-scheduler has it. The scheduler refuses a file that is wrong. */
interface ConfiguredExtender extends Omit<ExtenderSetting, 'httpTimeoutMs'> {
  /** `5s`; in policies nanoseconds. */
  readonly httpTimeout?: string | number;
  /** In policies, in place of `enableHTTPS`. */
  readonly enableHttps?: boolean;
}

/** The extenders of a `KubeSchedulerConfiguration` or a `Policy`. */
export function configuredExtenders({
  extenders,
}: Readonly<Record<string, unknown>> = {}): readonly ExtenderSetting[] {
  if (!Array.isArray(extenders)) return [];
  return (extenders as readonly ConfiguredExtender[]).map(settingOf);
}

function settingOf({ httpTimeout, enableHttps, ...same }: ConfiguredExtender): ExtenderSetting {
  const httpTimeoutMs = httpTimeout === undefined ? TIMEOUT_MS : millisecondsOf(httpTimeout);
  return { enableHTTPS: enableHttps ?? false, ...same, httpTimeoutMs };
}

/** Upstream's. */
const TIMEOUT_MS = 5_000;

function millisecondsOf(time: string | number): number {
  const nanoseconds = typeof time === 'number' ? time : Number(parseGoDuration(time) ?? 0n);
  return nanoseconds > 0 ? nanoseconds / 1e6 : TIMEOUT_MS;
}
