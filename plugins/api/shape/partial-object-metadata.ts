import type { KubeObject, ObjectMeta, Shape, ShapeTransform } from 'kernetes/sdk';

/** Objects without anything but their metadata. */
export const partialObjectMetadata: ShapeTransform = {
  name: 'PartialObjectMetadata',
  one: (object, { shape }) => toPartial(object, shape),
  list: (objects, meta, { shape }) => ({
    kind: 'PartialObjectMetadataList',
    apiVersion: shapeVersion(shape),
    metadata: meta,
    items: objects.map(object => toPartial(object, shape)),
  }),
};

export interface PartialObjectMetadata {
  readonly kind: 'PartialObjectMetadata';
  readonly apiVersion: string;
  readonly metadata: ObjectMeta;
}

/** Shares the metadata with the object. */
export function toPartial(object: KubeObject, shape: Shape): PartialObjectMetadata {
  const { metadata } = object;
  return { kind: 'PartialObjectMetadata', apiVersion: shapeVersion(shape), metadata };
}

export function shapeVersion(shape: Shape): string {
  return shape.apiVersion ?? 'meta.k8s.io/v1';
}
