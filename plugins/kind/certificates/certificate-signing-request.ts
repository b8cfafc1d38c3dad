import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  type CertificateSigningRequest,
  column,
  decodeRequest,
  defineKind,
  humanDuration,
  invalid,
  type KindVersion,
  kubeletClientError,
  kubeletServingError,
  NAME_COLUMN,
  parseCertificateRequest,
  pathSegmentErrors,
  SIGNERS,
  type StrategyContext,
  type Subresource,
  type TableCell,
  withoutColumns,
} from 'kernetes/sdk';
import { keepApproval, withTimes } from './conditions.ts';
import { validateApproval, validateSpec, validateStatus } from './validation.ts';

const GROUP = 'certificates.k8s.io';
const KIND = 'CertificateSigningRequest';
/** What a body without a spec asks for. */
const NOTHING: CertificateSigningRequest['spec'] = { request: '', signerName: '' };

export const certificateSigningRequests = defineKind<CertificateSigningRequest>({
  group: GROUP,
  kind: KIND,
  resource: 'certificatesigningrequests',
  singular: 'certificatesigningrequest',
  shortNames: ['csr'],
  namespaced: false,
  storage: { prefix: 'registry/certificatesigningrequests', version: 'v1' },
  versions: [
    { ...requestVersion('v1'), releases: { since: 19 } },
    {
      ...requestVersion('v1beta1'),
      releases: { until: 21 },
      defaults: defaultRequest,
      deprecation:
        'certificates.k8s.io/v1beta1 CertificateSigningRequest is deprecated in v1.19+, ' +
        'unavailable in v1.22+; use certificates.k8s.io/v1 CertificateSigningRequest',
    },
  ],
  earlier: [withoutColumns(21, 'RequestedDuration')],
  strategy: {
    status: true,
    validateName: name => pathSegmentErrors(name)?.[0],
    prepareCreate(request, { user }) {
      const { username, uid, groups, extra, ...asked } = request.spec ?? NOTHING;
      request.spec = {
        ...asked,
        username: user.name,
        ...(user.uid && { uid: user.uid }),
        groups: [...user.groups],
        ...(hasAny(user.extra) && { extra: mutable(user.extra) }),
      };
      request.status = {};
    },
    prepareUpdate(request, old) {
      request.spec = structuredClone(old.spec);
    },
    prepareStatusUpdate(request, old, context) {
      keepApproval(request, old, context);
      setTimes(request, old, context);
    },
    validateCreate: validateSpec,
    validateStatusUpdate: validateStatus,
  },
  subresources: [approval()],
  selectableFields: { 'spec.signerName': ({ spec }) => spec?.signerName ?? '' },
});

/** Approves or denies: changes the conditions and nothing else. */
function approval(): Subresource<CertificateSigningRequest> {
  return {
    name: 'approval',
    verbs: ['get', 'update', 'patch'],
    appliedAs: body => ({
      status: { conditions: (body as CertificateSigningRequest).status?.conditions },
    }),
    apply(request, body, context) {
      const old = structuredClone(request);
      const { conditions = [] } = (body as CertificateSigningRequest).status ?? {};
      request.status = { ...request.status, conditions };
      setTimes(request, old, context);
      const errors = validateApproval(request, old);
      if (errors.length === 0) return undefined;
      throw invalid({ group: GROUP, kind: KIND }, request.metadata.name ?? '', errors);
    },
    // Done, with what only an approval may change.
    validates: false,
  };
}

function setTimes(
  request: CertificateSigningRequest,
  old: CertificateSigningRequest,
  { clock }: StrategyContext,
): void {
  const conditions = withTimes(request.status?.conditions, old.status?.conditions, clock.now());
  if (conditions !== undefined) request.status = { ...request.status, conditions };
}

function requestVersion(name: string): KindVersion<CertificateSigningRequest> {
  return {
    name,
    schema: builtInSchema(GROUP, name, KIND),
    columns: [
      NAME_COLUMN,
      AGE_COLUMN,
      column('SignerName'),
      column('Requestor'),
      column('RequestedDuration'),
      column('Condition'),
    ],
    row: requestRow,
  };
}

/** In v1beta1 a request need not say for what it is, nor whose. */
function defaultRequest({ spec, status }: CertificateSigningRequest): void {
  for (const condition of status?.conditions ?? []) condition.status ||= 'True';
  if (spec === undefined) return;
  spec.usages ??= ['digital signature', 'key encipherment'];
  spec.signerName ??= signerOf(spec.request ?? '', spec.usages);
}

function signerOf(request: string, usages: readonly string[]): string {
  try {
    const parsed = parseCertificateRequest(decodeRequest(request));
    if (kubeletClientError(parsed, usages) === undefined) return SIGNERS.kubeletClient;
    if (kubeletServingError(parsed, usages) === undefined) return SIGNERS.kubeletServing;
  } catch {
    // Validation tells what is wrong with it.
  }
  return SIGNERS.legacyUnknown;
}

export function requestRow(request: CertificateSigningRequest, now: number): TableCell[] {
  const { signerName, username, expirationSeconds } = request.spec ?? {};
  return [
    request.metadata.name ?? '',
    ageCell(request, now),
    signerName || '<none>',
    username ?? '',
    expirationSeconds === undefined ? '<none>' : humanDuration(expirationSeconds * 1_000),
    conditionCell(request),
  ];
}

function conditionCell({ status }: CertificateSigningRequest): string {
  const types = new Set((status?.conditions ?? []).map(({ type }) => type));
  const decided = ['Denied', 'Approved'].find(type => types.has(type)) ?? 'Pending';
  const failed = types.has('Failed') ? ',Failed' : '';
  return `${decided}${failed}${status?.certificate ? ',Issued' : ''}`;
}

function hasAny(extra: StrategyContext['user']['extra']): extra is Extra {
  return extra !== undefined && Object.keys(extra).length > 0;
}

type Extra = NonNullable<StrategyContext['user']['extra']>;

function mutable(extra: Extra): Record<string, string[]> {
  return Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]]));
}
