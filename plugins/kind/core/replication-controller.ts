import {
  AGE_COLUMN,
  ageCell,
  column,
  containerCells,
  defaultPodTemplate,
  type FieldError,
  fieldPath,
  forbiddenValue,
  formatLabels,
  invalidValue,
  NAME_COLUMN,
  nonNegative,
  notSupported,
  ReplicationController,
  required,
  scaleSubresource,
  selectorFromSet,
  validateLabels,
  validatePodTemplate,
  WORKLOAD_COLUMNS,
  withTemplateTimes,
} from 'kernetes/sdk';
import { coreKind } from './core-kind.ts';

export const replicationControllers = coreKind<ReplicationController>(ReplicationController, {
  directory: 'controllers',
  shortNames: ['rc'],
  categories: ['all'],
  columns: [
    NAME_COLUMN,
    column('Desired', 0, 'integer'),
    column('Current', 0, 'integer'),
    column('Ready', 0, 'integer'),
    AGE_COLUMN,
    ...WORKLOAD_COLUMNS,
  ],
  row: (controller, now) => [
    controller.metadata.name ?? '',
    controller.spec?.replicas ?? 0,
    controller.status?.replicas ?? 0,
    controller.status?.readyReplicas ?? 0,
    ageCell(controller, now),
    ...containerCells(controller.spec?.template),
    formatLabels(controller.spec?.selector),
  ],
  selectableFields: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
  earlier: [withTemplateTimes(({ spec }) => [spec?.template])],
  defaults: defaultReplicationController,
  strategy: {
    status: true,
    generation: true,
    // Its pods are not a newer kind's: they stay when nothing is said.
    defaultOrphan: true,
    prepareCreate: controller => {
      controller.status = { replicas: 0 };
    },
    validate: validateReplicationController,
    validateStatusUpdate: validateStatus,
  },
  subresources: [
    scaleSubresource<ReplicationController>(({ spec }) =>
      selectorFromSet(spec?.selector ?? {}).toString(),
    ),
  ],
});

function defaultReplicationController(controller: ReplicationController): void {
  controller.spec ??= {};
  const { spec, metadata } = controller;
  const labels = spec.template?.metadata?.labels;
  if (labels && Object.keys(labels).length > 0) {
    if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
    if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
  }
  spec.replicas ??= 1;
  if (spec.template) defaultPodTemplate(spec.template);
}

function validateReplicationController({ spec = {} }: ReplicationController): FieldError[] {
  const path = fieldPath('spec');
  const templatePath = path.child('template');
  const { selector = {}, template } = spec;
  const errors = [
    ...nonNegative(spec.minReadySeconds, path.child('minReadySeconds')),
    ...validateLabels(selector, path.child('selector')),
  ];
  if (Object.keys(selector).length === 0) errors.push(required(path.child('selector')));
  errors.push(...nonNegative(spec.replicas, path.child('replicas')));
  if (!template) return [...errors, required(templatePath)];
  const labels = template.metadata?.labels ?? {};
  if (Object.keys(selector).length > 0 && !selectorFromSet(selector).matches(labels)) {
    errors.push(
      invalidValue(
        templatePath.child('metadata', 'labels'),
        labels,
        '`selector` does not match template `labels`',
      ),
    );
  }
  errors.push(...validatePodTemplate(template, templatePath));
  const { restartPolicy, activeDeadlineSeconds } = template.spec ?? {};
  if (restartPolicy !== 'Always') {
    const at = templatePath.child('spec', 'restartPolicy');
    errors.push(notSupported(at, restartPolicy, ['Always']));
  }
  if (activeDeadlineSeconds !== undefined) {
    const at = templatePath.child('spec', 'activeDeadlineSeconds');
    errors.push(
      forbiddenValue(at, 'activeDeadlineSeconds in ReplicationController is not Supported'),
    );
  }
  return errors;
}

function validateStatus({ status }: ReplicationController): FieldError[] {
  const path = fieldPath('status');
  return COUNTS.flatMap(field => nonNegative(status?.[field], path.child(field)));
}

const COUNTS = [
  'replicas',
  'fullyLabeledReplicas',
  'readyReplicas',
  'availableReplicas',
  'observedGeneration',
] as const;
