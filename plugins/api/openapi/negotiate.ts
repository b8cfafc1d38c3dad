/** In the server's order of preference, for clients that accept all. */
export const V2_TYPES = {
  json: ['application/json'],
  protobuf: [
    'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
    // What kubectl asks for; "@" is no legal character of a media type, hence the other spelling.
    'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
  ],
} as const;

export const V3_TYPES = { json: ['application/json'] } as const;

/**
 * Picks the format that an `Accept` header wants most. An absent header accepts all; `undefined`
 * means that nothing acceptable is to be had (406).
 */
export function negotiate<F extends string>(
  accept: string | undefined,
  offered: Readonly<Record<F, readonly string[]>>,
): F | undefined {
  const formats = Object.entries(offered) as [F, readonly string[]][];
  for (const range of mediaRanges(accept)) {
    const match = formats.find(([, types]) => types.some(type => isInRange(type, range)));
    if (match) return match[0];
  }
  return undefined;
}

/** An `Accept-Encoding` header that has gzip, and not with `q=0`. */
export function acceptsGzip(acceptEncoding = ''): boolean {
  return acceptEncoding.includes('gzip') && mediaRanges(acceptEncoding).includes('gzip');
}

/** The ranges of an `Accept` header, most wanted first; of equal quality, the first written. */
function mediaRanges(accept: string | undefined): string[] {
  if (accept === undefined || accept.trim() === '') return ['*/*'];
  return accept
    .split(',')
    .map(mediaRange)
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .map(({ range }) => range);
}

function mediaRange(text: string): { range: string; quality: number } {
  const [range = '', ...parameters] = text.split(';').map(part => part.trim().toLowerCase());
  const q = parameters.find(parameter => parameter.startsWith('q='));
  const quality = q === undefined ? 1 : Number.parseFloat(q.slice(2));
  return { range, quality: Number.isNaN(quality) ? 0 : quality };
}

function isInRange(type: string, range: string): boolean {
  if (range === '*/*' || range === type) return true;
  return range.endsWith('/*') && type.startsWith(range.slice(0, -1));
}
