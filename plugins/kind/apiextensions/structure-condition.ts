import {
  type CustomResourceDefinition,
  joinErrors,
  type SchemaEngines,
  toTime,
} from 'kernetes/sdk';
import { validateStructure } from './structure-validation.ts';
import { isRepeated, placeOf } from './versions.ts';

const TYPE = 'NonStructuralSchema';

/** Says in the status why a schema is not structural, for those that need not be; in place. */
export function tellStructure(
  definition: CustomResourceDefinition,
  engines: SchemaEngines,
  now: number,
): void {
  const { spec, status = {} } = definition;
  const conditions = status.conditions ?? [];
  const old = conditions.find(({ type }) => type === TYPE);
  const message = spec.preserveUnknownFields ? violations(definition, engines) : '';
  if (message === (old?.message ?? '')) return;
  const others = conditions.filter(each => each !== old);
  const lastTransitionTime = old?.lastTransitionTime ?? toTime(now);
  const told = { type: TYPE, status: 'True', reason: 'Violations', message, lastTransitionTime };
  definition.status = { ...status, conditions: message ? [...others, told] : others };
}

function violations({ spec }: CustomResourceDefinition, engines: SchemaEngines): string {
  const errors = spec.versions.flatMap(({ schema }, i) => {
    const root = schema?.openAPIV3Schema;
    if (root === undefined || isRepeated(spec, i, 'schema')) return [];
    return validateStructure(root, placeOf(spec, i, 'schema').child('openAPIV3Schema'), engines);
  });
  return joinErrors(errors.map(({ field, message }) => `${field}: ${message}`));
}
