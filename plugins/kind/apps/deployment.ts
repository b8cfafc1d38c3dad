import { isDeepStrictEqual } from 'node:util';
import {
  AGE_COLUMN,
  ageCell,
  builtInSchema,
  column,
  type Deployment,
  defineKind,
  NAME_COLUMN,
  type StrategyContext,
  scaleSubresource,
  selectorText,
  type TableCell,
  WORKLOAD_COLUMNS,
  withTemplateTimes,
  workloadCells,
} from 'kernetes/sdk';
import {
  validateDeployment,
  validateDeploymentStatus,
  validateSelectorKept,
} from './deployment-validation.ts';
import { templatedSpec } from './pod-template.ts';

export const deployments = defineKind<Deployment>({
  group: 'apps',
  kind: 'Deployment',
  resource: 'deployments',
  singular: 'deployment',
  shortNames: ['deploy'],
  categories: ['all'],
  namespaced: true,
  storage: { prefix: 'registry/deployments', version: 'v1' },
  versions: [
    {
      name: 'v1',
      schema: builtInSchema('apps', 'v1', 'Deployment'),
      defaults: defaultDeployment,
      columns: [
        NAME_COLUMN,
        column('Ready'),
        column('Up-to-date'),
        column('Available'),
        AGE_COLUMN,
        ...WORKLOAD_COLUMNS,
      ],
      row: deploymentRow,
    },
  ],
  earlier: [withTemplateTimes<Deployment>(({ spec }) => [spec?.template])],
  strategy: {
    status: true,
    generation: true,
    prepareCreate: deployment => {
      deployment.status = {};
    },
    prepareUpdate: raiseGenerationOnAnnotations,
    validate: validateDeployment,
    validateUpdate: validateSelectorKept,
    validateStatusUpdate: validateDeploymentStatus,
  },
  subresources: [scaleSubresource<Deployment>(({ spec }) => selectorText(spec?.selector))],
});

export function defaultDeployment(deployment: Deployment): void {
  const spec = templatedSpec(deployment);
  spec.replicas ??= 1;
  spec.strategy ??= {};
  spec.strategy.type ||= 'RollingUpdate';
  if (spec.strategy.type === 'RollingUpdate') {
    spec.strategy.rollingUpdate ??= {};
    spec.strategy.rollingUpdate.maxUnavailable ??= '25%';
    spec.strategy.rollingUpdate.maxSurge ??= '25%';
  }
  spec.revisionHistoryLimit ??= 10;
  spec.progressDeadlineSeconds ??= 600;
}

/** Annotations are copied to replica sets, so the controller must see that they changed. */
function raiseGenerationOnAnnotations(
  deployment: Deployment,
  old: Deployment,
  _context: StrategyContext,
): void {
  if (isDeepStrictEqual(deployment.metadata.annotations, old.metadata.annotations)) return;
  deployment.metadata.generation = (old.metadata.generation ?? 0) + 1;
}

export function deploymentRow(deployment: Deployment, now: number): TableCell[] {
  const { metadata, spec, status } = deployment;
  return [
    metadata.name ?? '',
    `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    status?.updatedReplicas ?? 0,
    status?.availableReplicas ?? 0,
    ageCell(deployment, now),
    ...workloadCells(spec?.template, spec?.selector),
  ];
}
