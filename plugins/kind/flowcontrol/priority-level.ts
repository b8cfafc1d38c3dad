import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  column,
  defineKind,
  type FieldError,
  fieldPath,
  type flowcontrolV1,
  type flowcontrolV1beta2,
  forbiddenValue,
  invalidValue,
  type KindVersion,
  type KubeObject,
  NAME_COLUMN,
  notSupported,
  olderVersion,
  type PriorityLevelConfiguration,
  required,
  type TableCell,
} from 'kernetes/sdk';
import { GROUP, V1BETA1, V1BETA2, V1BETA3 } from './versions.ts';

const KIND = 'PriorityLevelConfiguration';
const SHARES_DEFAULT = 30;
const QUEUING_DEFAULT = { queues: 64, handSize: 8, queueLengthLimit: 50 };
const QUEUES_MAX = 10_000_000;
/** Hands beyond this many bits cannot be dealt from one hash (upstream's shuffle sharding). */
const HAND_BITS_MAX = 60;
const ZERO_ANNOTATION = 'flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares';

/** What it is in v1beta2 and, less lending, in v1beta1. */
type Old = flowcontrolV1beta2.PriorityLevelConfiguration;

function columns(shares: string) {
  return [
    NAME_COLUMN,
    column('Type'),
    column(shares),
    column('Queues'),
    column('HandSize'),
    column('QueueLengthLimit'),
    AGE_COLUMN,
  ];
}

export const priorityLevelConfigurations = defineKind<KubeObject>({
  group: GROUP,
  kind: KIND,
  resource: 'prioritylevelconfigurations',
  singular: 'prioritylevelconfiguration',
  namespaced: false,
  storage: { prefix: 'registry/prioritylevelconfigurations', version: 'v1' },
  versions: levelVersions() as KindVersion[],
  strategy: {
    status: true,
    generation: true,
    prepareCreate: level => {
      (level as PriorityLevelConfiguration).status = {};
    },
    validate: level => validateLevel(current(level)),
  },
});

function levelVersions() {
  const v1: KindVersion<PriorityLevelConfiguration> = {
    name: 'v1',
    schema: builtInSchema(GROUP, 'v1', KIND),
    releases: { since: 29 },
    defaults: defaultLevel,
    columns: columns('NominalConcurrencyShares'),
    row: levelRow,
  };
  const beta3: KindVersion<PriorityLevelConfiguration> = {
    ...olderVersion(v1, { ...V1BETA3, kind: KIND }),
    defaults: defaultBeta3,
    toStorage: unmarked,
    fromStorage: markNoShares,
  };
  const beta2: KindVersion<Old> = {
    ...olderVersion(beta3 as KindVersion as KindVersion<Old>, { ...V1BETA2, kind: KIND }),
    defaults: defaultBeta2,
    toStorage: fromBeta2,
    fromStorage: level => toBeta2(level as PriorityLevelConfiguration),
    columns: columns('AssuredConcurrencyShares'),
    row: (level, now) => levelRow(fromBeta2(level), now),
  };
  const beta1: KindVersion<Old> = {
    ...olderVersion(beta2, { ...V1BETA1, kind: KIND }),
    fromStorage: level => toBeta1(level as PriorityLevelConfiguration),
  };
  return [v1, beta3, beta2, beta1];
}

/** The level as v1 has it; the argument stays as it is. */
function current(level: KubeObject): PriorityLevelConfiguration {
  const isOld = /\/v1beta[12]$/.test(level.apiVersion ?? '');
  return isOld ? fromBeta2(level as Old) : (level as PriorityLevelConfiguration);
}

export function fromBeta2(level: Old): PriorityLevelConfiguration {
  const { spec, ...rest } = level;
  if (!spec?.limited) return { ...rest, ...(spec && { spec }) };
  const { assuredConcurrencyShares: shares, ...limited } = spec.limited;
  const nominal = shares === undefined ? {} : { nominalConcurrencyShares: shares };
  return { ...rest, spec: { ...spec, limited: { ...nominal, lendablePercent: 0, ...limited } } };
}

function toBeta2(level: PriorityLevelConfiguration): Old {
  const { spec, ...rest } = level;
  if (!spec?.limited) return { ...rest, ...(spec && { spec }) };
  const { nominalConcurrencyShares: shares, ...limited } = spec.limited;
  const assured = shares === undefined ? {} : { assuredConcurrencyShares: shares };
  return { ...rest, spec: { ...spec, limited: { ...assured, ...limited } } };
}

/** Knows of no lending. */
export function toBeta1(level: PriorityLevelConfiguration): Old {
  const { spec, ...rest } = toBeta2(level);
  if (spec === undefined) return rest;
  const { exempt: _, limited: given, ...kept } = spec;
  if (given === undefined) return { ...rest, spec: kept };
  const { lendablePercent: _lent, borrowingLimitPercent: _borrowed, ...limited } = given;
  return { ...rest, spec: { ...kept, limited } };
}

/** Before v1 no shares at all meant the default, but for levels that say otherwise. */
function defaultBeta3(level: PriorityLevelConfiguration): void {
  const { limited } = level.spec ?? {};
  const isMeant = level.metadata.annotations?.[ZERO_ANNOTATION] !== undefined;
  if (limited?.nominalConcurrencyShares === 0 && !isMeant) delete limited.nominalConcurrencyShares;
  defaultLevel(level);
}

/** Once the defaults are filled in, the mark has served its purpose. */
function unmarked(level: PriorityLevelConfiguration): KubeObject {
  delete level.metadata.annotations?.[ZERO_ANNOTATION];
  return level;
}

function markNoShares(level: PriorityLevelConfiguration): KubeObject {
  if (level.spec?.limited?.nominalConcurrencyShares !== 0) return level;
  const { metadata } = level;
  const annotations = { ...metadata.annotations, [ZERO_ANNOTATION]: '' };
  return { ...level, metadata: { ...metadata, annotations } };
}

function defaultBeta2({ spec }: Old): void {
  if (spec?.limited) spec.limited.assuredConcurrencyShares ||= SHARES_DEFAULT;
  defaultQueuing(spec?.limited?.limitResponse);
}

function defaultLevel({ spec }: PriorityLevelConfiguration): void {
  if (spec?.type === 'Exempt') {
    spec.exempt ??= {};
    spec.exempt.nominalConcurrencyShares ??= 0;
    spec.exempt.lendablePercent ??= 0;
  }
  if (spec?.limited) {
    spec.limited.nominalConcurrencyShares ??= SHARES_DEFAULT;
    spec.limited.lendablePercent ??= 0;
    defaultQueuing(spec.limited.limitResponse);
  }
}

function defaultQueuing(response: flowcontrolV1.LimitResponse | undefined): void {
  if (response?.queuing) response.queuing = { ...QUEUING_DEFAULT, ...response.queuing };
}

function levelRow(level: PriorityLevelConfiguration, now: number): TableCell[] {
  const { type = '', limited, exempt } = level.spec ?? {};
  const queuing = limited?.limitResponse?.queuing;
  const cell = (value: number | undefined) => (value === undefined ? '<none>' : String(value));
  return [
    level.metadata.name ?? '',
    type,
    cell((limited ?? exempt)?.nominalConcurrencyShares),
    cell(queuing?.queues),
    cell(queuing?.handSize),
    cell(queuing?.queueLengthLimit),
    ageCell(level, now),
  ];
}

export function validateLevel({ spec }: PriorityLevelConfiguration): FieldError[] {
  const path = fieldPath('spec');
  const { type = '', limited, exempt } = spec ?? {};
  switch (type) {
    case 'Exempt':
      if (limited === undefined) return validateShares(exempt, path.child('exempt'), 0);
      return [
        forbiddenValue(path.child('limited'), 'must be nil if the type is not Limited'),
        ...validateShares(exempt, path.child('exempt'), 0),
      ];
    case 'Limited':
      if (exempt)
        return [forbiddenValue(path.child('exempt'), 'must be nil if the type is Limited')];
      if (!limited) {
        return [required(path.child('limited'), 'must not be empty when type is Limited')];
      }
      return validateLimited(limited);
    default:
      return [notSupported(path.child('type'), type, ['Exempt', 'Limited'])];
  }
}

function validateLimited(limited: flowcontrolV1.LimitedPriorityLevelConfiguration): FieldError[] {
  const path = fieldPath('spec', 'limited');
  const { borrowingLimitPercent: borrowing, limitResponse } = limited;
  const errors = validateShares(limited, path, 0);
  if (borrowing !== undefined && borrowing < 0) {
    const field = path.child('borrowingLimitPercent');
    errors.push(invalidValue(field, borrowing, 'if specified, must be a non-negative integer'));
  }
  const response = path.child('limitResponse');
  const { type = '', queuing } = limitResponse ?? {};
  if (type === 'Reject') {
    if (queuing)
      errors.push(
        forbiddenValue(
          response.child('queuing'),
          'must be nil if limited.limitResponse.type is not Limited',
        ),
      );
  } else if (type !== 'Queue') {
    errors.push(notSupported(response.child('type'), type, ['Queue', 'Reject']));
  } else if (queuing === undefined) {
    errors.push(
      required(
        response.child('queuing'),
        'must not be empty if limited.limitResponse.type is Limited',
      ),
    );
  } else {
    errors.push(...validateQueuing(queuing));
  }
  return errors;
}

function validateShares(
  level: { nominalConcurrencyShares?: number; lendablePercent?: number } | undefined,
  path: ReturnType<typeof fieldPath>,
  least: number,
): FieldError[] {
  const { nominalConcurrencyShares: shares, lendablePercent: lendable } = level ?? {};
  const errors: FieldError[] = [];
  if (shares !== undefined && shares < least) {
    const field = path.child('nominalConcurrencyShares');
    errors.push(invalidValue(field, shares, 'must be a non-negative integer'));
  }
  if (lendable !== undefined && (lendable < 0 || lendable > 100)) {
    const field = path.child('lendablePercent');
    errors.push(invalidValue(field, lendable, 'must be between 0 and 100, inclusive'));
  }
  return errors;
}

function validateQueuing(queuing: flowcontrolV1.QueuingConfiguration): FieldError[] {
  const path = fieldPath('spec', 'limited', 'limitResponse', 'queuing');
  const { queues = 0, handSize = 0, queueLengthLimit = 0 } = queuing;
  const errors: FieldError[] = [];
  const positive = { queueLengthLimit, queues, handSize };
  for (const [name, value] of Object.entries(positive)) {
    if (value <= 0) errors.push(invalidValue(path.child(name), value, 'must be positive'));
  }
  if (queues > QUEUES_MAX) {
    const why = `must not be greater than ${QUEUES_MAX}`;
    errors.push(invalidValue(path.child('queues'), queues, why));
  }
  if (handSize > queues) {
    const why = `should not be greater than queues (${queues})`;
    errors.push(invalidValue(path.child('handSize'), handSize, why));
  } else if (handBits(queues, handSize) > HAND_BITS_MAX) {
    const why = `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${HAND_BITS_MAX}`;
    errors.push(invalidValue(path.child('handSize'), handSize, why));
  }
  return errors;
}

/** Of a hash that chooses `size` of `deck` in order. */
function handBits(deck: number, size: number): number {
  let bits = 0;
  for (let i = 0; i < Math.min(size, deck); i++) bits += Math.log2(deck - i);
  return Math.ceil(bits);
}
