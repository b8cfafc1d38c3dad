import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Node, podInfoOf } from 'kernetes/sdk';
import { node, nodeStates, pod, testSchedulerPlugin } from 'kernetes/sdk/testing';
import { ImageCounts, localityScore, wantedImages, withTag } from './images.ts';
import plugin from './plugin.ts';

const MB = 1024 * 1024;

function having(name: string, images: Record<string, number>): Node {
  const list = Object.entries(images).map(([image, mb]) => {
    return { names: [image], sizeBytes: mb * MB };
  });
  return { ...node(name), status: { images: list } };
}

function running(...images: string[]) {
  return pod('p', { spec: { containers: images.map((image, i) => ({ name: `c${i}`, image })) } });
}

const NODES = [having('a', { 'web:1': 250, 'db:latest': 2_000 }), having('b', { 'web:1': 250 })];
testSchedulerPlugin(plugin, { pods: [running('web:1')], nodes: NODES });

function scoresOf(images: string[], nodes = NODES): number[] | undefined {
  const counts = new ImageCounts();
  const states = nodeStates(nodes);
  for (const state of states) counts.nodeAdded(state);
  const wanted = wantedImages(podInfoOf(running(...images)), counts);
  return wanted && states.map(state => localityScore(state, wanted));
}

const TABLE: [name: string, images: string[], scores: number[] | undefined][] = [
  ['is skipped when no node has an image', ['other:1'], undefined],
  // 250 MB on both: (250 - 23) of (1000 - 23).
  ['is the share of the bytes between the bounds', ['web:1'], [23, 23]],
  // 2000 MB on half of the nodes: 1000 MB.
  ['counts an image by its spread', ['db'], [100, 0]],
  ['raises the upper bound with the number of images', ['db', 'other:1'], [49, 0]],
  ['adds the images of all containers', ['db', 'web:1'], [62, 11]],
];

for (const [name, images, scores] of TABLE) {
  test(`score() ${name}`, () => assert.deepEqual(scoresOf(images), scores));
}

test('score() is 0 for what is fetched quickly', () => {
  assert.deepEqual(scoresOf(['small:1'], [having('a', { 'small:1': 20 })]), [0]);
});

test('images without a tag are those tagged latest', () => {
  assert.equal(withTag('nginx'), 'nginx:latest');
  assert.equal(withTag('localhost:5000/nginx'), 'localhost:5000/nginx:latest');
  assert.equal(withTag('localhost:5000/nginx:1'), 'localhost:5000/nginx:1');
});

test('the counts follow the nodes', () => {
  const counts = new ImageCounts();
  const [a, b] = nodeStates(NODES);
  assert.ok(a && b);
  counts.nodeAdded(a);
  counts.nodeAdded(b);
  assert.equal(counts.spread('web:1'), 1);
  assert.equal(counts.spread('db:latest'), 0.5);
  const before = { ...a };
  a.setNode(having('a', {}));
  counts.nodeChanged(a, before);
  assert.equal(counts.spread('web:1'), 0.5);
  assert.equal(counts.spread('db:latest'), 0);
  counts.nodeRemoved(a);
  assert.equal(counts.spread('web:1'), 1);
});
