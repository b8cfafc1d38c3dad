import { type FieldPath, invalidValue, parseGoDuration } from 'kernetes/sdk';
import type { Reader } from './reader.ts';

/** An HTTP extender, as upstream's `Extender` of v1, times in milliseconds. */
export interface ExtenderSetting {
  readonly urlPrefix: string;
  readonly filterVerb?: string;
  readonly prioritizeVerb?: string;
  readonly preemptVerb?: string;
  readonly bindVerb?: string;
  readonly weight?: number;
  readonly enableHTTPS?: boolean;
  readonly tlsConfig?: Readonly<Record<string, unknown>>;
  readonly httpTimeoutMs?: number;
  readonly nodeCacheCapable?: boolean;
  readonly ignorable?: boolean;
  readonly managedResources?: readonly {
    readonly name: string;
    readonly ignoredByScheduler?: boolean;
  }[];
}

const VERBS = ['filterVerb', 'prioritizeVerb', 'preemptVerb', 'bindVerb'] as const;

/** The list `extenders` of either kind of file. */
export function readExtenders(file: Reader): ExtenderSetting[] {
  const managed = new Set<string>();
  const extenders = file.objects('extenders').map(extender => readExtender(extender, managed));
  const binders = extenders.filter(({ bindVerb }) => bindVerb).length;
  if (binders > 1) {
    const found = `found ${binders} extenders implementing bind`;
    const said = 'only one extender can implement bind';
    file.findings.push(invalidValue(file.at('extenders'), found, said));
  }
  return extenders;
}

function readExtender(extender: Reader, managed: Set<string>): ExtenderSetting {
  const verbs = VERBS.flatMap(name => {
    const verb = extender.string(name);
    return verb ? [[name, verb] as const] : [];
  });
  const weight = extender.integer('weight');
  const setting: Record<string, unknown> = {
    urlPrefix: extender.name('urlPrefix'),
    ...Object.fromEntries(verbs),
    weight,
    // The one name in v1, the other before.
    enableHTTPS: extender.boolean('enableHTTPS') ?? extender.boolean('enableHttps'),
    tlsConfig: extender.raw('tlsConfig'),
    httpTimeoutMs: readTimeout(extender),
    nodeCacheCapable: extender.boolean('nodeCacheCapable'),
    ignorable: extender.boolean('ignorable'),
    managedResources: readManaged(extender, managed),
  };
  if (setting.prioritizeVerb !== undefined && (weight ?? 0) <= 0) {
    const said = 'must have a positive weight applied to it';
    extender.findings.push(invalidValue(extender.at('weight'), weight ?? 0, said));
  }
  extender.end();
  const entries = Object.entries(setting).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as unknown as ExtenderSetting;
}

/** `5s`, or nanoseconds as policies have it. */
function readTimeout(extender: Reader): number | undefined {
  const value = extender.raw('httpTimeout');
  if (value === undefined) return undefined;
  if (typeof value === 'number') return value / 1_000_000;
  const nanoseconds = parseGoDuration(String(value));
  if (nanoseconds !== undefined) return Number(nanoseconds) / 1_000_000;
  extender.findings.push(invalidValue(extender.at('httpTimeout'), value, 'must be a duration'));
  return undefined;
}

function readManaged(
  extender: Reader,
  seen: Set<string>,
): ExtenderSetting['managedResources'] | undefined {
  if (!extender.has('managedResources')) return undefined;
  return extender.objects('managedResources').map(resource => {
    const name = resource.string('name') ?? '';
    const ignoredByScheduler = resource.boolean('ignoredByScheduler');
    const path = resource.at('name');
    resource.findings.push(...extendedNameErrors(name, path));
    if (seen.has(name)) {
      resource.findings.push(invalidValue(path, name, 'duplicate extender managed resource name'));
    }
    seen.add(name);
    resource.end();
    return { name, ...(ignoredByScheduler !== undefined && { ignoredByScheduler }) };
  });
}

function extendedNameErrors(name: string, path: FieldPath) {
  const isExtended = /^[^/]+\/[^/]+$/.test(name) && !/(^|\.)kubernetes\.io\//.test(name);
  return isExtended ? [] : [invalidValue(path, name, 'is an invalid extended resource name')];
}

/** What the extenders look after and the scheduler is to leave alone. */
export function ignoredResources(extenders: readonly ExtenderSetting[]): string[] {
  return extenders.flatMap(({ managedResources = [] }) =>
    managedResources.flatMap(({ name, ignoredByScheduler }) => (ignoredByScheduler ? name : [])),
  );
}
