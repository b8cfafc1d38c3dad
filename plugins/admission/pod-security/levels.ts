import { type FieldError, fieldPath, invalidValue, type PodSpec } from 'kernetes/sdk';
import { BASELINE } from './baseline.ts';
import type { Check } from './check.ts';
import { RESTRICTED } from './restricted.ts';

export type Level = 'privileged' | 'baseline' | 'restricted';
export type Mode = 'enforce' | 'audit' | 'warn';

/** A level and the release of the standard that was asked for, as clients are told it. */
export interface LevelVersion {
  readonly level: Level;
  /** `latest`, `v1.25` */
  readonly version: string;
}

/** What a namespace asks for. */
export type Policy = Readonly<Record<Mode, LevelVersion>>;

export const MODES: readonly Mode[] = ['enforce', 'audit', 'warn'];
const PREFIX = 'pod-security.kubernetes.io/';
const CHECKS: Readonly<Record<Level, readonly Check[]>> = {
  privileged: [],
  baseline: BASELINE,
  restricted: RESTRICTED,
};

/** What is wrong with a pod by a level, in one text; undefined: nothing. */
export function violations(
  level: Level,
  spec: PodSpec,
  annotations: Readonly<Record<string, string>> = {},
): string | undefined {
  const texts = CHECKS[level].flatMap(check => {
    const finding = check.find(spec, annotations);
    return finding === undefined ? [] : [`${finding.reason} (${finding.detail})`];
  });
  return texts.length === 0 ? undefined : texts.join(', ');
}

/** A label that cannot be read asks for the most, as upstream: a typing error opens nothing. */
export function policyOf(
  labels: Readonly<Record<string, string>>,
  defaults: Readonly<Record<Mode, Level>>,
): Policy {
  const read = (mode: Mode): LevelVersion => {
    const text = labels[PREFIX + mode];
    const version = versionOf(labels[`${PREFIX}${mode}-version`]) ?? LATEST;
    if (text === undefined) return { level: defaults[mode], version };
    return { level: isLevel(text) ? text : 'restricted', version };
  };
  return { enforce: read('enforce'), audit: read('audit'), warn: read('warn') };
}

/** What is wrong with the labels of a namespace; only those that are not as they were. */
export function labelErrors(
  labels: Readonly<Record<string, string>>,
  old: Readonly<Record<string, string>>,
): FieldError[] {
  const path = fieldPath('metadata', 'labels');
  return MODES.flatMap(mode => {
    const errors: FieldError[] = [];
    const key = PREFIX + mode;
    const level = labels[key];
    if (level !== undefined && level !== old[key] && !isLevel(level)) {
      errors.push(
        invalidValue(path.key(key), level, 'must be one of privileged, baseline, restricted'),
      );
    }
    const versionKey = `${key}-version`;
    const version = labels[versionKey];
    if (version !== undefined && version !== old[versionKey] && versionOf(version) === undefined) {
      const why = 'must be "latest" or "v1.x"';
      errors.push(invalidValue(path.key(versionKey), version, why));
    }
    return errors;
  });
}

function isLevel(text: string): text is Level {
  return Object.hasOwn(CHECKS, text);
}

function versionOf(text: string | undefined): string | undefined {
  return text === LATEST || /^v1\.(0|[1-9]\d*)$/.test(text ?? '') ? text : undefined;
}

const LATEST = 'latest';
