import type { AdmissionRequest } from './admission.ts';
import { type ApiError, forbidden } from './status.ts';

/**
 * What an admission plugin throws to refuse a request: Forbidden, about the object that was asked
 * for. One whose name is drawn goes by what the name begins with, as upstream: so the events of a
 * controller that tries again and again are the same event.
 */
export function admissionForbidden(request: AdmissionRequest, why: string): ApiError {
  const { group, resource, name, object } = request;
  const shown = name || object?.metadata.generateName || object?.metadata.name || 'Unknown';
  return forbidden({ group, resource }, shown, why);
}
