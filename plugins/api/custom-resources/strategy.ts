import { isDeepStrictEqual } from 'node:util';
import type { CustomResourceSubresources, KindStrategy, KubeObject } from 'kernetes/sdk';
import type { CustomSchema } from './custom-schema.ts';
import { scaleErrors } from './scale.ts';

export function strategyOf(
  schema: CustomSchema,
  subresources: CustomResourceSubresources | undefined,
): KindStrategy {
  const { scale, status } = subresources ?? {};
  const validate = (object: KubeObject, old?: KubeObject) => [
    ...schema.validate(object, old),
    ...(scale ? scaleErrors(object, scale) : []),
  ];
  return {
    ...(status && { status: true }),
    generation: true,
    raisesGeneration: differs,
    unconditionalUpdate: false,
    validateCreate: object => validate(object),
    validateUpdate: validate,
    validateStatusUpdate: validate,
  };
}

/** Everything but metadata counts; the status, where it is kept apart, is not changed here. */
function differs(object: KubeObject, old: KubeObject): boolean {
  const { metadata: _metadata, ...rest } = object;
  const { metadata: _oldMetadata, ...oldRest } = old;
  return !isDeepStrictEqual(rest, oldRest);
}
