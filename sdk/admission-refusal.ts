import type { AdmissionRequest } from './admission.ts';
import { type ApiError, forbidden } from './status.ts';

/**
 * What an admission plugin throws to refuse a request: Forbidden, about the object that was asked
 * for. One whose name is yet to be drawn goes by what its name will begin with, as upstream.
 */
export function admissionForbidden(request: AdmissionRequest, why: string): ApiError {
  const { group, resource, name, object } = request;
  const shown = name || object?.metadata.name || object?.metadata.generateName || 'Unknown';
  return forbidden({ group, resource }, shown, why);
}
