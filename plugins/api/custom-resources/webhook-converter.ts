import {
  ApiError,
  type CustomResourceDefinition,
  type KubeObject,
  type Random,
  type WebhookClient,
} from 'kernetes/sdk';

/** Makes objects of one version of a kind those of another. */
export type Convert = (objects: readonly KubeObject[], apiVersion: string) => Promise<KubeObject[]>;

export interface WebhookConverterOptions {
  readonly client: WebhookClient;
  readonly random: Random;
}

/**
 * What asks the server that a definition names; undefined: its versions differ in nothing but their
 * names.
 */
export function webhookConverter(
  { spec }: CustomResourceDefinition,
  { client, random }: WebhookConverterOptions,
): Convert | undefined {
  const { strategy, webhook } = spec.conversion ?? {};
  const config = webhook?.clientConfig;
  if (strategy !== 'Webhook' || config === undefined) return undefined;
  const version = webhook?.conversionReviewVersions?.find(each => KNOWN.has(each)) ?? 'v1';

  const ask: Convert = async (objects, apiVersion) => {
    const uid = random.uuid();
    const what = `${objects[0]?.apiVersion}, Kind=${objects[0]?.kind}`;
    const body = JSON.stringify({
      kind: KIND,
      apiVersion: `${GROUP}/${version}`,
      request: { uid, desiredAPIVersion: apiVersion, objects },
    });
    try {
      const answer = await client.post({ config, body, timeoutMs: TIMEOUT_MS });
      const converted = convertedObjects(answer, { uid, version });
      checkObjects(converted, objects, apiVersion);
      return converted.map((each, i) => withMetadata(each, objects[i] as KubeObject));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const message = `conversion webhook for ${what} failed: ${why}`;
      throw new ApiError({ message, code: 500, reason: 'InternalError' });
    }
  };

  return async (objects, apiVersion) => {
    const converted: KubeObject[] = [];
    for (let i = 0; i < objects.length; i += BATCH) {
      converted.push(...(await ask(objects.slice(i, i + BATCH), apiVersion)));
    }
    return converted;
  };
}

function convertedObjects(
  answer: unknown,
  { uid, version }: { readonly uid: string; readonly version: string },
): KubeObject[] {
  const { apiVersion, kind, response } = (answer ?? {}) as Partial<ConversionReview>;
  const wanted = `${GROUP}/${version}, Kind=${KIND}`;
  const got = `${apiVersion ?? ''}, Kind=${kind ?? ''}`;
  if (wanted !== got) throw new Error(`expected webhook response of ${wanted}, got ${got}`);
  if (typeof response !== 'object' || response === null) throw new Error('no response provided');
  if (response.uid !== uid) {
    const given = JSON.stringify(response.uid ?? '');
    throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${given}`);
  }
  const { result, convertedObjects: converted } = response;
  if (result?.status !== 'Success') {
    throw new Error(result?.message || `response.result.status was '${result?.status ?? ''}'`);
  }
  return Array.isArray(converted) ? converted : [];
}

/** What is answered must be what was sent, but for its version. */
function checkObjects(
  converted: readonly KubeObject[],
  sent: readonly KubeObject[],
  apiVersion: string,
): void {
  if (converted.length !== sent.length) {
    throw new Error(`returned ${converted.length} objects, expected ${sent.length}`);
  }
  for (const [i, object] of converted.entries()) {
    const before = sent[i] as KubeObject;
    const bad = (why: string) =>
      new Error(`returned invalid converted object at index ${i}: ${why}`);
    if (typeof object !== 'object' || object === null) throw bad('it is no object');
    if (object.apiVersion !== apiVersion) {
      throw bad(`invalid groupVersion (got ${object.apiVersion}, expected ${apiVersion})`);
    }
    if (object.kind !== before.kind) {
      throw bad(`invalid kind (got ${object.kind}, expected ${before.kind})`);
    }
    for (const field of ['name', 'namespace', 'uid'] as const) {
      const [was, is] = [before.metadata[field] ?? '', object.metadata?.[field] ?? ''];
      if (was !== is) throw bad(`must have the same ${field}: ${was} != ${is}`);
    }
  }
}

/** Labels and annotations are all of the metadata that may be changed. */
function withMetadata(converted: KubeObject, { metadata }: KubeObject): KubeObject {
  const { labels: _, annotations: __, ...rest } = metadata;
  const { labels, annotations } = converted.metadata;
  return {
    ...converted,
    metadata: { ...rest, ...(labels && { labels }), ...(annotations && { annotations }) },
  };
}

interface ConversionReview {
  readonly apiVersion: string;
  readonly kind: string;
  readonly response: {
    readonly uid?: string;
    readonly convertedObjects?: KubeObject[];
    readonly result?: { readonly status?: string; readonly message?: string };
  };
}

const GROUP = 'apiextensions.k8s.io';
const KIND = 'ConversionReview';
const KNOWN: ReadonlySet<string> = new Set(['v1', 'v1beta1']);
/** Objects that are sent together: as many as a page of a list mostly has. */
const BATCH = 500;
/** Upstream's. */
const TIMEOUT_MS = 30_000;
