import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container } from 'kernetes/sdk';
import { seededRandom } from 'kernetes/sdk/testing';
import { type BehaviourConfig, Behaviours, type Delay, type ImageRule } from './behaviour.ts';
import { fullImageName, imageIdOf } from './image-name.ts';

function behaviours(images: readonly ImageRule[], config: Partial<BehaviourConfig> = {}) {
  const all = { pullMs: 0, startMs: 0, stopMs: 0, images, ...config };
  return new Behaviours(all, seededRandom());
}

/** How a container ends, without or with the rules of the test. */
const ENDS: readonly {
  readonly name: string;
  readonly container: Partial<Container>;
  readonly end: { runMs: number; exitCode: number } | undefined;
}[] = [
  { name: 'a server runs', container: { image: 'nginx' }, end: undefined },
  {
    name: 'arguments go to the entrypoint',
    container: { image: 'nginx', args: ['true'] },
    end: undefined,
  },
  {
    name: 'a command is looked at in any image',
    container: { image: 'nginx', command: ['sleep', '1'] },
    end: { runMs: 1000, exitCode: 0 },
  },
  {
    name: 'a shell without input ends',
    container: { image: 'busybox' },
    end: { runMs: 0, exitCode: 0 },
  },
  {
    name: 'a shell with input waits for it',
    container: { image: 'library/alpine:3', stdin: true },
    end: undefined,
  },
  {
    name: 'arguments to an image of a shell are its command',
    container: { image: 'busybox', args: ['/bin/sh', '-c', 'exit 4'] },
    end: { runMs: 0, exitCode: 4 },
  },
  {
    name: 'a rule decides over the command',
    container: { image: 'flaky:1', command: ['sleep', '1'] },
    end: { runMs: 500, exitCode: 7 },
  },
  {
    name: 'a rule with a command is for that command',
    container: { image: 'tool', args: ['--once'] },
    end: { runMs: 0, exitCode: 0 },
  },
  {
    name: 'a rule with a command leaves others',
    container: { image: 'tool', args: ['--serve'] },
    end: undefined,
  },
];

const RULES: readonly ImageRule[] = [
  { image: '^flaky(:|$)', runMs: 500, exitCode: 7 },
  { image: '^tool$', command: '--once', exitCode: 0 },
];

for (const { name, container, end } of ENDS) {
  test(`ofContainer(): ${name}`, () => {
    assert.deepEqual(behaviours(RULES).ofContainer({ name: 'main', ...container }).end, end);
  });
}

const DELAYS: readonly (readonly [Delay, min: number, max: number, mean: number])[] = [
  [250, 250, 250, 250],
  [{ min: 100, max: 300 }, 100, 300, 200],
  [{ mean: 200 }, 0, Number.POSITIVE_INFINITY, 200],
];

for (const [startMs, min, max, mean] of DELAYS) {
  test(`delays of ${JSON.stringify(startMs)} are distributed so`, () => {
    const all = behaviours([], { startMs });
    const container = { name: 'main', image: 'nginx' };
    const samples = Array.from({ length: 2000 }, () => all.ofContainer(container).startMs);
    assert.ok(samples.every(sample => sample >= min && sample <= max));
    const average = samples.reduce((sum, sample) => sum + sample, 0) / samples.length;
    assert.ok(Math.abs(average - mean) < 20, `average ${average}`);
  });
}

test('a pattern that is none is refused at the start', () => {
  assert.throws(() => behaviours([{ image: '(' }]), /Cannot read "\("/);
});

const IMAGE_NAMES: readonly (readonly [string, string | undefined])[] = [
  ['nginx', 'docker.io/library/nginx:latest'],
  ['nginx:1.14.2', 'docker.io/library/nginx:1.14.2'],
  ['bitnami/redis', 'docker.io/bitnami/redis:latest'],
  ['localhost/app', 'localhost/app:latest'],
  ['registry.example:5000/team/app:v1', 'registry.example:5000/team/app:v1'],
  [`app@sha256:${'0'.repeat(64)}`, `docker.io/library/app@sha256:${'0'.repeat(64)}`],
  ['', undefined],
  ['Nginx', undefined],
  ['a b', undefined],
  ['nginx:', undefined],
  ['-x', undefined],
];

for (const [image, full] of IMAGE_NAMES) {
  test(`fullImageName() of "${image}"`, () => assert.equal(fullImageName(image), full));
}

test('imageIdOf() is the same for the same name, and keeps a digest', () => {
  const id = imageIdOf('docker.io/library/nginx:latest');
  assert.match(id, /^docker\.io\/library\/nginx@sha256:[0-9a-f]{64}$/);
  assert.equal(imageIdOf('docker.io/library/nginx:latest'), id);
  const pinned = `localhost/app@sha256:${'0'.repeat(64)}`;
  assert.equal(imageIdOf(pinned), pinned);
});
