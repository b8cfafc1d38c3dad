/**
 * What controllers need to know of a node: no images, no versions of its software. Those of a thread
 * that ask for exactly these share one copy of all nodes.
 */
export const NODE_FIELDS: readonly string[] = [
  'spec',
  'status.addresses',
  'status.allocatable',
  'status.conditions',
  'status.volumesAttached',
  'status.volumesInUse',
];
