/**
 * Whether an image's reference has the tag `latest`, written or not, and no digest: such an image is pulled
 * before each start. What is no reference at all is not floating, as upstream.
 */
export function isFloatingImage(image: string): boolean {
  const parts = REFERENCE.exec(image);
  if (!parts) return false;
  const { tag, digest } = parts.groups ?? {};
  return tag === 'latest' || (tag === undefined && digest === undefined);
}

const PATH = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const DOMAIN_LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const DOMAIN = `${DOMAIN_LABEL}(?:\\.${DOMAIN_LABEL})*(?::[0-9]+)?`;
/** The grammar of `distribution/reference`. */
const REFERENCE = new RegExp(
  `^(?:${DOMAIN}/)?${PATH}(?:/${PATH})*(?::(?<tag>\\w[\\w.-]{0,127}))?` +
    '(?:@(?<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$',
);
