import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PodTemplateSpec } from 'kernetes/sdk';
import { isSameTemplate } from './template.ts';

const TEMPLATE: PodTemplateSpec = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'main', image: 'nginx' }] },
};

describe('isSameTemplate()', () => {
  const cases: { name: string; other: PodTemplateSpec; same: boolean }[] = [
    {
      name: 'ignores the hash label',
      other: { ...TEMPLATE, metadata: { labels: { app: 'web', 'pod-template-hash': 'x' } } },
      same: true,
    },
    {
      name: 'ignores the order of fields, empty lists and nulls',
      other: {
        spec: { volumes: [], containers: [{ image: 'nginx', name: 'main' }] },
        metadata: JSON.parse('{"creationTimestamp":null,"labels":{"app":"web"}}'),
      },
      same: true,
    },
    {
      name: 'sees another image',
      other: { ...TEMPLATE, spec: { containers: [{ name: 'main', image: 'nginx:2' }] } },
      same: false,
    },
    {
      name: 'sees the order of containers',
      other: {
        ...TEMPLATE,
        spec: { containers: [...(TEMPLATE.spec?.containers ?? []), { name: 'b' }] },
      },
      same: false,
    },
    {
      name: 'sees a zero that was not there',
      other: {
        ...TEMPLATE,
        spec: { containers: [{ name: 'main', image: 'nginx' }], terminationGracePeriodSeconds: 0 },
      },
      same: false,
    },
  ];
  for (const { name, other, same } of cases) {
    it(name, () => assert.equal(isSameTemplate(TEMPLATE, other), same));
  }
});
