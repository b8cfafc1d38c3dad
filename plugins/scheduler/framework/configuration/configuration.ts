import { type FieldError, notSupported } from 'kernetes/sdk';
import type { ProfileSettings } from '../profile/profile.ts';
import { COMPONENT_GROUP, COMPONENT_VERSIONS, readComponentConfiguration } from './component.ts';
import type { ExtenderSetting } from './extenders.ts';
import { readPolicy } from './policy.ts';
import { Reader } from './reader.ts';
import { ConflictError } from './uses.ts';

/** What kube-scheduler's files say, in the framework's own terms. */
export interface SchedulerConfiguration {
  readonly profiles: readonly ProfileSettings[];
  readonly extenders: readonly ExtenderSetting[];
  readonly podInitialBackoffMs?: number;
  readonly podMaxBackoffMs?: number;
  /** What has no effect here, for the log. */
  readonly notes: readonly string[];
}

/** All that is wrong with a file, in upstream's words and on one line. */
export class ConfigurationError extends Error {
  override name = 'ConfigurationError';
}

/**
 * A file for kube-scheduler: a `KubeSchedulerConfiguration` of any version, or a `Policy` of old.
 * Pure. Throws `ConfigurationError`.
 */
export function readConfiguration(content: unknown): SchedulerConfiguration {
  const findings: FieldError[] = [];
  const file = new Reader(content, findings);
  try {
    const configuration = findings.length > 0 ? NOTHING : readFile(file);
    if (findings.length === 0) return configuration;
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    throw new ConfigurationError(error.message, { cause: error });
  }
  const texts = findings.map(({ field, message }) => (field ? `${field}: ${message}` : message));
  throw new ConfigurationError(texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`);
}

function readFile(file: Reader): SchedulerConfiguration {
  const kind = file.string('kind') ?? '';
  const apiVersion = file.string('apiVersion') ?? '';
  if (kind === 'Policy') {
    // `v1` it is in all examples; schedulers did not insist.
    if (apiVersion !== 'v1' && apiVersion !== '' && apiVersion !== `${COMPONENT_GROUP}/v1`) {
      file.findings.push(notSupported(file.at('apiVersion'), apiVersion, ['v1']));
    }
    return readPolicy(file);
  }
  const versions = COMPONENT_VERSIONS.map(version => `${COMPONENT_GROUP}/${version}`);
  if (kind !== 'KubeSchedulerConfiguration') {
    const kinds = ['KubeSchedulerConfiguration', 'Policy'];
    file.findings.push(notSupported(file.at('kind'), kind, kinds));
  } else if (versions.includes(apiVersion)) {
    return readComponentConfiguration(file, apiVersion.slice(COMPONENT_GROUP.length + 1));
  } else {
    file.findings.push(notSupported(file.at('apiVersion'), apiVersion, versions));
  }
  return NOTHING;
}

const NOTHING: SchedulerConfiguration = { profiles: [], extenders: [], notes: [] };
