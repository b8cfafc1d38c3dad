import {
  type ClusterTracker,
  type NodeBefore,
  type NodeInfo,
  type PodInfo,
  SCORE_MAX,
} from 'kernetes/sdk';

/**
 * On how many nodes each image is. Kept up with the nodes: counted anew per pod it would cost a
 * look at every node.
 */
export class ImageCounts implements ClusterTracker {
  readonly #nodes = new Map<string, number>();
  #total = 0;

  nodeAdded({ images }: NodeInfo): void {
    this.#total++;
    this.#count(images, 1);
  }

  nodeChanged({ images }: NodeInfo, before: NodeBefore): void {
    this.#count(before.images, -1);
    this.#count(images, 1);
  }

  nodeRemoved({ images }: NodeInfo): void {
    this.#total--;
    this.#count(images, -1);
  }

  /** No node tells of any. */
  get isEmpty(): boolean {
    return this.#nodes.size === 0;
  }

  /** The share of the nodes that have it: 0 to 1. */
  spread(image: string): number {
    const nodes = this.#nodes.get(image);
    return nodes === undefined ? 0 : nodes / this.#total;
  }

  #count(images: ReadonlyMap<string, number>, times: number): void {
    for (const name of images.keys()) {
      const count = (this.#nodes.get(name) ?? 0) + times;
      if (count > 0) this.#nodes.set(name, count);
      else this.#nodes.delete(name);
    }
  }
}

/** What is worked out once a pod. */
export interface WantedImages {
  /** Those that some node has, with their spread. */
  readonly images: readonly { readonly name: string; readonly spread: number }[];
  /** Images in all, also those that no node has. */
  readonly count: number;
}

/** Undefined: no node has any of the pod's images. */
export function wantedImages({ spec }: PodInfo, counts: ImageCounts): WantedImages | undefined {
  if (counts.isEmpty) return undefined;
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const names = [
    ...containers.map(({ image }) => image),
    ...(spec.volumes ?? []).flatMap(({ image }) => (image ? [image.reference] : [])),
  ];
  const images = names.flatMap(image => {
    const name = withTag(image ?? '');
    const spread = counts.spread(name);
    return spread > 0 ? [{ name, spread }] : [];
  });
  return images.length > 0 ? { images, count: names.length } : undefined;
}

/** As nodes report images: with a tag. */
export function withTag(image: string): string {
  return image.lastIndexOf(':') > image.lastIndexOf('/') ? image : `${image}:latest`;
}

const MB = 1024 * 1024;
/** Less than that is fetched quickly; more than that, for each image, makes no difference. */
const BYTES_MIN = 23 * MB;
const BYTES_PER_IMAGE_MAX = 1_000 * MB;

/**
 * The bytes that need not be fetched, 0 to 100. An image counts by its spread, so that what only
 * one node has does not draw all pods to that node.
 */
export function localityScore({ images }: NodeInfo, { images: wanted, count }: WantedImages) {
  let sum = 0;
  for (const { name, spread } of wanted) {
    const size = images.get(name);
    if (size !== undefined) sum += Math.floor(size * spread);
  }
  const max = BYTES_PER_IMAGE_MAX * count;
  const bytes = Math.min(Math.max(sum, BYTES_MIN), max);
  return Math.floor((SCORE_MAX * (bytes - BYTES_MIN)) / (max - BYTES_MIN));
}
