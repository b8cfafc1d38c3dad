import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  column,
  defineKind,
  type FieldError,
  fieldPath,
  immutable,
  type KindStrategy,
  type KindVersion,
  NAME_COLUMN,
  olderVersion,
  required,
  type VolumeAttachment,
} from 'kernetes/sdk';

const GROUP = 'storage.k8s.io';

const VOLUME_ATTACHMENT_V1: KindVersion<VolumeAttachment> = {
  name: 'v1',
  schema: builtInSchema(GROUP, 'v1', 'VolumeAttachment'),
  columns: [
    NAME_COLUMN,
    { ...column('Attacher'), format: 'name' },
    column('PV'),
    column('Node'),
    column('Attached', 0, 'boolean'),
    AGE_COLUMN,
  ],
  row: (attachment, now) => [
    attachment.metadata.name ?? '',
    attachment.spec?.attacher ?? '',
    attachment.spec?.source?.persistentVolumeName ?? '',
    attachment.spec?.nodeName ?? '',
    attachment.status?.attached ?? false,
    ageCell(attachment, now),
  ],
};

const CHECKS: KindStrategy<VolumeAttachment> = {
  validate: validateVolumeAttachment,
  validateUpdate: ({ spec }, old) => immutable(spec, old.spec, fieldPath('spec')),
};

export const volumeAttachments = defineKind<VolumeAttachment>({
  group: GROUP,
  kind: 'VolumeAttachment',
  resource: 'volumeattachments',
  singular: 'volumeattachment',
  namespaced: false,
  storage: { prefix: 'registry/volumeattachments', version: 'v1' },
  versions: [
    VOLUME_ATTACHMENT_V1,
    {
      ...olderVersion(VOLUME_ATTACHMENT_V1, {
        group: GROUP,
        kind: 'VolumeAttachment',
        name: 'v1beta1',
        deprecated: 19,
        until: 21,
      }),
      // The status is written with the rest.
      own: { strategy: { returnsDeleted: true, ...CHECKS } },
    },
  ],
  strategy: {
    returnsDeleted: true,
    status: true,
    prepareCreate: attachment => {
      attachment.status = { attached: false };
    },
    ...CHECKS,
  },
});

export function validateVolumeAttachment({ spec }: VolumeAttachment): FieldError[] {
  const path = fieldPath('spec');
  const errors: FieldError[] = [];
  if (!spec?.attacher) errors.push(required(path.child('attacher'), ''));
  const { persistentVolumeName, inlineVolumeSpec } = spec?.source ?? {};
  if (!persistentVolumeName && !inlineVolumeSpec) {
    const why = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
    errors.push(required(path.child('source'), why));
  }
  if (!spec?.nodeName) errors.push(required(path.child('nodeName'), ''));
  return errors;
}
