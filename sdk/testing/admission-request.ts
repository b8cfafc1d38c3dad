import type { AdmissionRequest } from '../admission.ts';
import type { KubeObject } from '../kind.ts';

/** A request as the door hands it to admission plugins: a create by `test`, but for what is said. */
export function admissionRequest<T extends KubeObject>(
  object: T | undefined,
  given: Partial<AdmissionRequest> = {},
): AdmissionRequest {
  const { oldObject } = given;
  const { namespace = '', name = '' } = (object ?? oldObject)?.metadata ?? {};
  return {
    operation: object === undefined ? 'DELETE' : oldObject === undefined ? 'CREATE' : 'UPDATE',
    user: { name: 'test', groups: ['system:authenticated'] },
    group: '',
    version: 'v1',
    resource: 'pods',
    subresource: '',
    kind: 'Pod',
    namespace,
    name,
    object,
    oldObject: undefined,
    dryRun: false,
    options: {},
    deleteOptions: undefined,
    isReinvocation: false,
    reinvoke: false,
    warnings: [],
    auditAnnotations: {},
    ...given,
  };
}
