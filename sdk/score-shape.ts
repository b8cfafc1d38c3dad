import { SCORE_MAX } from './scheduler-verdict.ts';

/** At this use, in percent, something scores so much: 0 to 10. */
export interface ShapePoint {
  readonly utilization: number;
  readonly score: number;
}

/** JSON Schema of a shape: points by rising use. */
export const SHAPE_SCHEMA = {
  type: 'array',
  minItems: 1,
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['utilization', 'score'],
    properties: {
      utilization: { type: 'integer', minimum: 0, maximum: 100 },
      score: { type: 'integer', minimum: 0, maximum: 10 },
    },
  },
} as const;

/** Points' scores go to 10, a node's to 100. */
const SCALE = SCORE_MAX / 10;

/**
 * A node's score by a shape: straight lines between the points, level before the first and after
 * the last.
 */
export function scoreAt(shape: readonly ShapePoint[], utilization: number): number {
  const at = shape.findIndex(point => utilization <= point.utilization);
  const right = at < 0 ? shape.at(-1) : shape[at];
  const left = shape[at - 1];
  if (!right) return 0;
  if (at <= 0 || !left) return SCALE * right.score;
  const rise = SCALE * (right.score - left.score) * (utilization - left.utilization);
  return SCALE * left.score + Math.trunc(rise / (right.utilization - left.utilization));
}
