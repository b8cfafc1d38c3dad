import { X509Certificate } from 'node:crypto';
import { CertificateSigningRequest, controller } from 'kernetes/sdk';

export default controller({
  name: 'controller.certificate-cleaner',
  leader: 'kube-controller-manager',
  for: CertificateSigningRequest,
  fields: ['status'],
  async reconcile(key, { object, objects, clock, log }) {
    if (object === undefined) return undefined;
    const left = endOf(object) - clock.now();
    if (left > 0) {
      return left === Number.POSITIVE_INFINITY
        ? undefined
        : { requeueAfter: Math.min(left, WAIT_MS_MAX) };
    }
    const { uid = '' } = object.metadata;
    log.debug('A certificate signing request is over', { request: key.name });
    await objects.delete(CertificateSigningRequest, key, { preconditions: { uid } });
    return undefined;
  },
});

/** When it may go, in milliseconds since the epoch; infinite: not by itself. */
function endOf({ metadata, status = {} }: CertificateSigningRequest): number {
  const { conditions = [], certificate } = status;
  if (conditions.length === 0) return after(metadata.creationTimestamp, PENDING_MS);
  const decided = conditions
    .filter(({ type }) => ENDS.includes(type) || (type === 'Approved' && certificate))
    .map(({ lastUpdateTime }) => after(lastUpdateTime, DECIDED_MS));
  const isIssued = certificate && conditions.some(({ type }) => type === 'Approved');
  return Math.min(...decided, isIssued ? expiryOf(certificate) : Number.POSITIVE_INFINITY);
}

function after(time: string | undefined, ms: number): number {
  const at = Date.parse(time ?? '');
  return Number.isNaN(at) ? Number.POSITIVE_INFINITY : at + ms;
}

/** What v1beta1 let in may be no certificate: then it has no end. */
function expiryOf(certificate: string): number {
  try {
    return after(new X509Certificate(Buffer.from(certificate, 'base64')).validTo, 0);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

const ENDS = ['Denied', 'Failed'];
const HOUR_MS = 60 * 60 * 1_000;
const DECIDED_MS = HOUR_MS;
const PENDING_MS = 24 * HOUR_MS;
/** A timer for longer than this is set anew meanwhile. */
const WAIT_MS_MAX = 24 * HOUR_MS;
