import {
  type AdmissionRequest,
  type DeviceClaim,
  type FieldPath,
  fieldPath,
  forbiddenValue,
  invalid,
  type KubeObject,
  Namespace,
  type ObjectClient,
} from 'kernetes/sdk';

const LABEL = 'resource.kubernetes.io/admin-access';

/** Where a claim or a template asks for devices that others may be using. */
export function adminAccessPath(object: KubeObject | undefined): FieldPath | undefined {
  const { spec } = (object ?? {}) as { spec?: { devices?: DeviceClaim; spec?: Spec } };
  const { requests = [] } = spec?.devices ?? spec?.spec?.devices ?? {};
  const at = requests.findIndex(({ exactly }) => exactly?.adminAccess);
  if (at < 0) return undefined;
  return fieldPath('spec', 'devices', 'requests').index(at).child('adminAccess');
}

interface Spec {
  readonly devices?: DeviceClaim;
}

/** Only who may label a namespace decides who may have it. */
export async function assertAdminNamespace(
  objects: ObjectClient,
  { namespace, group, kind, name }: AdmissionRequest,
  path: FieldPath,
): Promise<undefined> {
  const { metadata } = await objects.get(Namespace, { name: namespace });
  if (metadata.labels?.[LABEL] === 'true') return;
  const why = `admin access to devices requires the \`${LABEL}: true\` label on the containing namespace`;
  throw invalid({ group, kind }, name, [forbiddenValue(path, why)]);
}
