import {
  type BatchResult,
  type BindRequest,
  type ObjectClient,
  type ObjectRequest,
  type Verdict,
  verdict,
} from 'kernetes/sdk';

/** Writes all bindings in one batch, each a create of the pod's `binding` subresource. */
export async function bindAll(
  objects: ObjectClient,
  bindings: readonly BindRequest[],
): Promise<readonly (Verdict | undefined)[]> {
  const results = await objects.batch(bindings.map(bindingRequest));
  return results.map(verdictOf);
}

/** The uid keeps it from a later pod of the same name. */
export function bindingRequest({ pod, nodeName }: BindRequest): ObjectRequest {
  const { namespace, name, uid } = pod;
  return {
    verb: 'create',
    group: '',
    version: 'v1',
    resource: 'pods',
    subresource: 'binding',
    namespace,
    name,
    body: {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { namespace, name, uid },
      target: { apiVersion: 'v1', kind: 'Node', name: nodeName },
    },
  };
}

function verdictOf(result: BatchResult): Verdict | undefined {
  if (result.ok) return undefined;
  return verdict.unschedulable(`binding rejected: ${result.error.message}`);
}
