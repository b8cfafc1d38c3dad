import { ApiError, type Shape } from 'kernetes/sdk';

/** The form and the media type that a client accepts best. */
export interface Accepted {
  readonly shape: Shape;
  readonly mediaType: 'application/json' | 'application/yaml';
}

/**
 * Reads an Accept header the way kube-apiserver does: the first entry that can be served wins,
 * `as`, `v` and `g` ask for a Table or for metadata only. Throws NotAcceptable.
 */
export function negotiate(accept: string | undefined): Accepted {
  if (!accept) return PLAIN;
  let accepted = known.get(accept);
  if (accepted === undefined) {
    accepted = parse(accept);
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(accept, accepted);
  }
  return accepted;
}

/** Throws NotAcceptable: YAML has no frames, so a watch cannot be it. */
export function checkStreamed({ mediaType }: Accepted): void {
  if (mediaType !== 'application/json') throw notAcceptable('application/json;stream=watch');
}

function parse(accept: string): Accepted {
  for (const entry of accept.split(',')) {
    const [type = '', ...parameters] = entry.split(';').map(part => part.trim());
    const mediaType = MEDIA_TYPES.get(type.toLowerCase());
    if (mediaType === undefined) continue;
    const values = new Map(parameters.map(each => splitOnce(each)));
    const shape = shapeOf(values.get('as'), values.get('g'), values.get('v'));
    if (shape !== undefined) return { shape, mediaType };
  }
  throw notAcceptable('application/json, application/yaml, application/json;stream=watch');
}

function notAcceptable(types: string): ApiError {
  return new ApiError({
    message: `only the following media types are accepted: ${types}`,
    reason: 'NotAcceptable',
    code: 406,
  });
}

function shapeOf(as = '', group = '', version = ''): Shape | undefined {
  if (as === '') return PLAIN.shape;
  if (group !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return undefined;
  const apiVersion = `${group}/${version}`;
  if (as === 'Table') return { name: 'Table', apiVersion };
  if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') {
    return { name: 'PartialObjectMetadata', apiVersion };
  }
  return undefined;
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

const PLAIN: Accepted = { shape: { name: 'object' }, mediaType: 'application/json' };

const MEDIA_TYPES: ReadonlyMap<string, Accepted['mediaType']> = new Map([
  ['*/*', 'application/json'],
  ['application/*', 'application/json'],
  ['application/json', 'application/json'],
  ['application/yaml', 'application/yaml'],
]);

/** Clients send a handful of different headers; parsing each request's anew would cost more. */
const known = new Map<string, Accepted>();
const KNOWN_MAX = 100;
