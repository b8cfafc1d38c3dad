import type { Status } from '../api/types-meta-v1.ts';
import type { RequestData } from '../dynamic-admission/request-data.ts';
import type { KubeObject } from '../kind.ts';
import type { Hook } from './hook.ts';

/** What a webhook answers, checked. */
export interface ReviewResponse {
  readonly allowed: boolean;
  readonly status: Status | undefined;
  /** A JSON patch, decoded. */
  readonly patch: readonly unknown[] | undefined;
  readonly warnings: readonly string[];
  readonly auditAnnotations: Readonly<Record<string, string>>;
}

export interface Review {
  readonly uid: string;
  readonly data: RequestData;
  readonly object: KubeObject | undefined;
  readonly oldObject: KubeObject | undefined;
}

/** The version of the review that both sides know: the first of the webhook's. */
export function reviewVersion({ webhook }: Hook): string | undefined {
  return webhook.admissionReviewVersions?.find(each => each === 'v1' || each === 'v1beta1');
}

export function reviewBody({ uid, data, object, oldObject }: Review, version: string): string {
  const request = {
    uid,
    ...data,
    object: typed(object, data),
    oldObject: typed(oldObject, data),
  };
  return JSON.stringify({ kind: KIND, apiVersion: `${GROUP}/${version}`, request });
}

/** Throws an `Error` with upstream's words on an answer that is none. */
export function readReview(
  answer: unknown,
  { uid, version, mutates }: { uid: string; version: string; mutates: boolean },
): ReviewResponse {
  const { apiVersion, kind, response } = map(answer);
  const isV1 = version === 'v1';
  if (isV1 || apiVersion || kind) {
    const wanted = `${GROUP}/${version}, Kind=${KIND}`;
    const got = `${String(apiVersion ?? '')}, Kind=${String(kind ?? '')}`;
    if (wanted !== got) throw new Error(`expected webhook response of ${wanted}, got ${got}`);
  }
  if (typeof response !== 'object' || response === null) {
    throw new Error('webhook response was absent');
  }
  const { uid: answered, patch, patchType } = map(response);
  if ((isV1 || answered) && answered !== uid) {
    const got = JSON.stringify(answered ?? '');
    throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${got}`);
  }
  if (isV1) checkPatchType(patch, patchType, mutates);
  return responseOf(map(response), mutates);
}

function responseOf(response: Record<string, unknown>, mutates: boolean): ReviewResponse {
  const { allowed, status, patch, warnings, auditAnnotations } = response;
  return {
    allowed: allowed === true,
    status: typeof status === 'object' && status !== null ? (status as Status) : undefined,
    patch: mutates && patch ? decodePatch(patch) : undefined,
    warnings: Array.isArray(warnings) ? warnings.filter(isText) : [],
    auditAnnotations: Object.fromEntries(
      Object.entries(map(auditAnnotations)).filter((each): each is [string, string] =>
        isText(each[1]),
      ),
    ),
  };
}

function checkPatchType(patch: unknown, type: unknown, mutates: boolean): void {
  if (!mutates) {
    if (patch) throw new Error('validating webhook may not return response.patch');
    if (type) throw new Error('validating webhook may not return response.patchType');
    return;
  }
  if (patch && !type) {
    throw new Error('webhook returned response.patch but not response.patchType');
  }
  if (!patch && type) {
    throw new Error('webhook returned response.patchType but not response.patch');
  }
  if (type && type !== 'JSONPatch') {
    const given = JSON.stringify(type);
    throw new Error(`webhook returned invalid response.patchType of ${given}`);
  }
}

function decodePatch(patch: unknown): readonly unknown[] {
  const isBase64 = typeof patch === 'string' && BASE64.test(patch.replace(/\s/g, ''));
  if (!isBase64) throw new Error('response.patch is not base64');
  const decoded: unknown = JSON.parse(Buffer.from(patch, 'base64').toString());
  if (!Array.isArray(decoded)) throw new Error('response.patch is no list of operations');
  return decoded;
}

/** Objects say what they are, whatever the client left out. */
function typed(object: KubeObject | undefined, { kind }: RequestData): object | null {
  if (object === undefined) return null;
  const apiVersion = kind.group ? `${kind.group}/${kind.version}` : kind.version;
  return { ...object, kind: kind.kind, apiVersion };
}

function map(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

const GROUP = 'admission.k8s.io';
const KIND = 'AdmissionReview';
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
