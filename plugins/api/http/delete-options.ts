import { badRequest } from 'kernetes/sdk';

/**
 * The DeleteOptions that a query spells, for clients that send no body: upstream looks at the one or
 * the other, never at both. What values are allowed the door says. Throws BadRequest.
 */
export function deleteOptionsOf(query: URLSearchParams): Record<string, unknown> {
  const grace = query.get('gracePeriodSeconds');
  const policy = query.get('propagationPolicy');
  const orphan = query.get('orphanDependents');
  const ignore = query.get(IGNORE);
  const dryRun = query.getAll('dryRun').filter(each => each !== '');
  return {
    ...(grace && { gracePeriodSeconds: toSeconds(grace) }),
    ...(policy && { propagationPolicy: policy }),
    ...(orphan !== null && { orphanDependents: isTrue(orphan) }),
    ...(ignore !== null && { [IGNORE]: isTrue(ignore) }),
    ...(dryRun.length > 0 && { dryRun }),
  };
}

function toSeconds(text: string): number {
  const seconds = Number(text);
  if (/^[-+]?\d+$/.test(text) && Number.isSafeInteger(seconds)) return seconds;
  throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** As upstream reads booleans in queries. */
function isTrue(text: string): boolean {
  return text !== '0' && text.toLowerCase() !== 'false';
}

const IGNORE = 'ignoreStoreReadErrorWithClusterBreakingPotential';
