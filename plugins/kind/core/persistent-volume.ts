import {
  AGE_COLUMN,
  ageCell,
  column,
  defaultSharedSource,
  NAME_COLUMN,
  PersistentVolume,
  rewritten,
  toTime,
  withoutColumns,
} from 'kernetes/sdk';
import { coreKind } from './core-kind.ts';
import { validateVolume, validateVolumeUpdate } from './persistent-volume-validation.ts';
import { CLASS_ANNOTATION, formatAccessModes } from './volume-table.ts';

export const persistentVolumes = coreKind<PersistentVolume>(PersistentVolume, {
  shortNames: ['pv'],
  columns: [
    NAME_COLUMN,
    column('Capacity'),
    column('Access Modes'),
    column('Reclaim Policy'),
    column('Status'),
    column('Claim'),
    column('StorageClass'),
    column('VolumeAttributesClass'),
    column('Reason'),
    AGE_COLUMN,
    column('VolumeMode', 1),
  ],
  earlier: [
    withoutColumns(28, 'VolumeAttributesClass'),
    rewritten(28, ({ status = {} }) => {
      delete status.lastPhaseTransitionTime;
    }),
  ],
  row: (volume, now) => {
    const { metadata, spec, status } = volume;
    const claim = spec?.claimRef;
    return [
      metadata.name ?? '',
      spec?.capacity?.storage ?? '0',
      formatAccessModes(spec?.accessModes),
      spec?.persistentVolumeReclaimPolicy ?? '',
      metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? ''),
      claim ? `${claim.namespace ?? ''}/${claim.name ?? ''}` : '',
      metadata.annotations?.[CLASS_ANNOTATION] ?? spec?.storageClassName ?? '',
      spec?.volumeAttributesClassName ?? '<unset>',
      status?.reason ?? '',
      ageCell(volume, now),
      spec?.volumeMode ?? '<unset>',
    ];
  },
  defaults: volume => {
    volume.spec ??= {};
    volume.spec.persistentVolumeReclaimPolicy ||= 'Retain';
    volume.spec.volumeMode ??= 'Filesystem';
    defaultSharedSource(volume.spec);
  },
  strategy: {
    returnsDeleted: true,
    status: true,
    prepareCreate: (volume, { clock }) => {
      volume.status = { phase: 'Pending', lastPhaseTransitionTime: toTime(clock.now()) };
    },
    prepareStatusUpdate: (volume, old, { clock }) => {
      volume.status ??= {};
      volume.status.phase ||= 'Pending';
      if (volume.status.phase === old.status?.phase) return;
      if (volume.status.lastPhaseTransitionTime !== old.status?.lastPhaseTransitionTime) return;
      volume.status.lastPhaseTransitionTime = toTime(clock.now());
    },
    validate: validateVolume,
    validateUpdate: validateVolumeUpdate,
  },
});
