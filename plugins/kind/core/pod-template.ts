import { isDeepStrictEqual } from 'node:util';
import {
  CONTAINER_COLUMNS,
  column,
  containerCells,
  defaultPodTemplate,
  fieldPath,
  formatLabels,
  NAME_COLUMN,
  PodTemplate,
  validatePodTemplate,
  withTemplateTimes,
} from 'kernetes/sdk';
import { coreKind } from './core-kind.ts';

export const podTemplates = coreKind<PodTemplate>(PodTemplate, {
  columns: [
    NAME_COLUMN,
    ...CONTAINER_COLUMNS.map(each => ({ ...each, priority: 0 })),
    column('Pod Labels'),
  ],
  row: ({ metadata, template }) => [
    metadata.name ?? '',
    ...containerCells(template),
    formatLabels(template?.metadata?.labels),
  ],
  earlier: [withTemplateTimes(({ template }) => [template])],
  defaults: podTemplate => {
    podTemplate.template ??= {};
    defaultPodTemplate(podTemplate.template);
  },
  strategy: {
    returnsDeleted: true,
    generation: true,
    prepareUpdate: (podTemplate, old) => {
      if (isDeepStrictEqual(podTemplate.template, old.template)) return;
      podTemplate.metadata.generation = (old.metadata.generation ?? 0) + 1;
    },
    validate: ({ template }) => validatePodTemplate(template, fieldPath('template')),
  },
});
